'use strict';
// Loaded through the inspector into a Node process that runs already. Unlike the agent it changes nothing: a session of
// its own in the main thread, workers through that session's NodeWorker domain, and everything is handed back on demand.
// The caller closes the inspector after each call, so that another process can use the port.
const inspector = require('node:inspector');
const { openJournal } = require('./journal.cjs');
const { instruments } = require('./instruments.cjs');
const { beginning } = require('./beginning.cjs');

/** How long workers may take to answer. */
const PATIENCE_MS = 1000;
const GUARD_MS = 2000;
let running;

const [cpuNames, heapNames] = instruments;
const cpu = {
  names: cpuNames,
  begin: ({ intervalUs }) => [
    ['Profiler.enable'],
    ['Profiler.setSamplingInterval', { interval: intervalUs }],
    ['Profiler.start'],
  ],
  end: 'Profiler.stop',
  whole: profile => profile,
};
const heap = {
  names: heapNames,
  begin: ({ intervalBytes, collected }) => [
    [
      'HeapProfiler.startSampling',
      {
        samplingInterval: intervalBytes,
        includeObjectsCollectedByMajorGC: collected,
        includeObjectsCollectedByMinorGC: collected,
      },
    ],
  ],
  end: 'HeapProfiler.stopSampling',
  whole: ({ head, samples }, { collected }) => ({ head, samples, weight: collected ? 'alloc_space' : 'inuse_space' }),
};

exports.start = ({ directory, recorderPid, ...settings }) => {
  if (running !== undefined) throw new Error('it is being profiled already');
  const session = new inspector.Session();
  session.connect();
  const kind = settings.intervalBytes === undefined ? cpu : heap;
  running = { session, directory, kind, settings, workers: new Map(), waiting: new Map(), serial: 0 };
  const own = running;
  const { workers, waiting } = own;
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    const tid = Number(/\[worker (\d+)\]/.exec(params.workerInfo.title)?.[1] ?? 0);
    workers.set(params.sessionId, tid);
    record(own, tid, false);
    for (const [method, given] of kind.begin(settings)) tell(own, params.sessionId, method, given);
  });
  session.on('NodeWorker.detachedFromWorker', ({ params }) => workers.delete(params.sessionId));
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    const { id, result } = JSON.parse(params.message);
    waiting.get(`${params.sessionId}:${id}`)?.(result);
  });
  for (const [method, given] of kind.begin(settings)) session.post(method, given);
  record(own, 0, true);
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  // A recorder that was killed asks for nothing more; without this the profile would grow as long as the program runs.
  own.guard = setInterval(() => {
    if (!isAlive(recorderPid) && running === own) exports.stop();
  }, GUARD_MS);
  own.guard.unref();
};

/** Writes all profiles. The main thread's comes first and at once: a program in a loop answers nothing else. */
exports.stop = () => {
  if (running === undefined) throw new Error('it is not being profiled');
  const own = running;
  const { session, kind, workers } = own;
  clearInterval(own.guard);
  session.post(kind.end, (error, result) => {
    if (error === null) write(own, 0, result.profile);
  });
  for (const [sessionId, tid] of workers) {
    ask(own, sessionId, kind.end, result => write(own, tid, result?.profile));
  }
  running = undefined;
  if (workers.size === 0) session.disconnect();
  else setTimeout(() => session.disconnect(), PATIENCE_MS).unref();
};

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const journals = new Map();

function record({ directory, kind, settings }, tid, isMainThread) {
  const journal = openJournal(directory, process.pid, tid, kind.names);
  journals.set(tid, journal);
  journal.line({ ...beginning({ threadId: tid, isMainThread }), intervalUs: settings.intervalUs });
}

function write({ directory, kind, settings }, tid, profile) {
  const journal = journals.get(tid) ?? openJournal(directory, process.pid, tid, kind.names);
  journals.delete(tid);
  if (profile === undefined) {
    journal.line({ event: 'failed', why: 'the worker did not answer', samples: 0 });
    return;
  }
  journal.profile(kind.whole(profile, settings));
  journal.line({ event: 'end', why: 'detached' });
}

function tell(to, sessionId, method, params) {
  const message = JSON.stringify({ id: ++to.serial, method, params });
  to.session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  return to.serial;
}

function ask(to, sessionId, method, then) {
  to.waiting.set(`${sessionId}:${to.serial + 1}`, then);
  tell(to, sessionId, method);
}
