'use strict';
// Loaded into every Node process of the workload, and into each of its worker threads, by `NODE_OPTIONS=--require`.
// Takes V8 CPU profiles with a session of the inspector in the same thread: `--cpu-prof` writes nothing when a signal
// ends the process, and Node 20 does not accept it in NODE_OPTIONS. `--require` and not `--import`: the latter has Node
// load the program itself by other rules.
//
// Plain CommonJS that Node 18 parses. Whatever fails here, the program goes on as it would without.
const KEY = Symbol.for('tprof.node-cpu');

function begin() {
  const { performance } = require('node:perf_hooks');
  const threads = require('node:worker_threads');
  const links = require('./worker-link.cjs');
  const own = process.env.TPROF_NODE_CPU;
  const shared = links.sharedState(own === undefined ? undefined : JSON.parse(own));
  if (shared === undefined) return;
  const { directory, intervalUs, chunkMs } = shared;
  const { Session } = require('node:inspector');
  const journal = require('./journal.cjs').openJournal(directory, process.pid, threads.threadId);
  journal.line({
    event: 'start',
    pid: process.pid,
    tid: threads.threadId,
    parentPid: process.ppid,
    startTime: require('./own-start-time.cjs').startTime(),
    argv: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    isMainThread: threads.isMainThread,
    node: process.versions.node,
    intervalUs,
    // V8 stamps samples by CLOCK_MONOTONIC, as process.hrtime reads it.
    monotonicNs: process.hrtime.bigint().toString(),
    unixMs: performance.timeOrigin + performance.now(),
  });
  const session = new Session();
  try {
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: intervalUs });
    session.post('Profiler.start');
  } catch (error) {
    // The parent of `node --test` has no inspector, for one; what is thrown there is a string.
    journal.line({ event: 'failed', why: error?.message ?? String(error), samples: 0 });
    return;
  }
  links.markRunning(shared);

  const stop = () => {
    session.post('Profiler.stop', (error, result) => {
      if (error === null) journal.profile(result.profile);
      else journal.line({ event: 'failed', why: error.message, samples: 0 });
    });
  };

  // V8 keeps samples in memory until it is asked; asking costs the program a tenth of a second, so it is done seldom.
  const chunks = require('node:timers').setInterval(() => {
    stop();
    session.post('Profiler.start');
  }, chunkMs);
  chunks.unref();

  const workers = links.linkWorkers({
    session,
    slots: shared.slots,
    onWorker: tid => journal.line({ event: 'worker', tid }),
  });

  let ended = false;
  const end = why => {
    if (ended) return;
    ended = true;
    try {
      clearInterval(chunks);
      workers.flushAll();
      stop();
      journal.line({ event: 'end', why });
    } catch (error) {
      journal.line({ event: 'failed', why: String(error), samples: 0 });
    }
    links.markWritten(shared);
  };
  const overdue = require('./end-watch.cjs').watchEnd({
    isMainThread: threads.isMainThread,
    onEnd: end,
    onHandler: signal => journal.line({ event: 'handles', signal }),
  });
  // Called through the inspector: by the parent of a worker, and by the recorder of a process that is stuck in a loop.
  Object.defineProperty(process, KEY, { value: end });
  Object.defineProperty(process, Symbol.for('tprof.node-cpu.overdue'), { value: overdue });
}

if (process[KEY] === undefined) {
  try {
    begin();
  } catch {
    // No permission, no inspector, no space: the recorder names the process as one without a profile.
  }
}
