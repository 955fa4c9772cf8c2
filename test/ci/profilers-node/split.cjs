// node split.cjs HOW KIND: sixty, thirty and ten parts of time (KIND cpu) or of memory (heap), in a process with a worker
// thread and a forked child. HOW: `tree` exits with 3; `killed` is killed from within; `wait` works until it is stopped.
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { fork } = require('node:child_process');

const spin = {
  sixty() {
    return loop(6e6);
  },
  thirty() {
    return loop(3e6);
  },
  ten() {
    return loop(1e6);
  },
};

/** Compiled into each caller: the time is theirs. */
function loop(turns) {
  let x = 1;
  for (let i = 0; i < turns; i++) x = (x * 31 + i) % 1000003;
  return x;
}

const allocate = {
  sixty() {
    return new Array(6000).fill(1.5);
  },
  thirty() {
    return new Array(3000).fill(1.5);
  },
  ten() {
    return new Array(1000).fill(1.5);
  },
};

const [how, kind] = isMainThread ? process.argv.slice(2) : workerData;
globalThis.kept = [];

/** By name at run time, so that none is inlined here; in turns, so that timers and sockets get theirs. */
function work(rounds, then) {
  for (const name of ['sixty', 'thirty', 'ten']) {
    if (kind === 'cpu') spin[name]();
    else for (let i = 0; i < 20; i++) globalThis.kept.push(allocate[name]());
  }
  if (rounds > 1) setImmediate(work, rounds - 1, then);
  else then?.();
}

if (how === 'member' || !isMainThread) work(kind === 'cpu' ? 10 : 20);
else if (how === 'tree') {
  process.exitCode = 9;
  work(kind === 'cpu' ? 30 : 100, () => {
    new Worker(__filename, { workerData: ['member', kind] });
    fork(__filename, ['member', kind]).on('exit', code => {
      process.exitCode = code === 0 ? 3 : 8;
    });
  });
} else {
  console.log('ready');
  setInterval(work, 10, 1);
  if (how === 'killed') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500);
}
