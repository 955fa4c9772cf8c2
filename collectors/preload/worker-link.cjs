'use strict';
// A worker that is terminated from outside (worker.terminate, process.exit or a signal of the main thread) gets to run
// nothing more. Its parent asks it first, through the inspector's NodeWorker domain: that interrupts a worker which sits
// in an endless loop as well, and comes true while the parent waits. A worker answers through a slot of shared memory.
const channels = require('node:diagnostics_channel');
const threads = require('node:worker_threads');

const KEY = 'tprof.node-agent';
const SLOTS = 4096;
const Slot = { none: 0, running: 1, written: 2 };
/** What the threads of this process share; made by the main thread. */
exports.sharedState = own => {
  const known = threads.getEnvironmentData(KEY);
  if (known !== undefined) return known;
  if (own === undefined) return undefined;
  const state = { ...own, slots: new Int32Array(new SharedArrayBuffer(4 * SLOTS)) };
  threads.setEnvironmentData(KEY, state);
  return state;
};

exports.markRunning = ({ slots }) => Atomics.store(slots, threads.threadId % SLOTS, Slot.running);

exports.markWritten = ({ slots }) => {
  const at = threads.threadId % SLOTS;
  Atomics.store(slots, at, Slot.written);
  Atomics.notify(slots, at);
};

/**
 * Watches the workers that this thread starts. `flushAll` has the running ones write, and waits for them a little.
 * `onWorker(threadId)` is told of each, so that one without a profile can be named. `patienceMs`: how long workers may take
 * to write; one that sits in native code (Atomics.wait, a synchronous call) does not answer.
 */
exports.linkWorkers = ({ session, slots, onWorker, patienceMs }) => {
  const sessionOf = new Map();

  const evaluate = (threadId, expression) => {
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } });
    session.post('NodeWorker.sendMessageToWorker', { sessionId: sessionOf.get(threadId), message });
  };

  const flush = ids => {
    const running = ids.filter(id => Atomics.load(slots, id % SLOTS) === Slot.running && sessionOf.has(id));
    for (const id of running) evaluate(id, `process[Symbol.for('${KEY}')]('ended by its parent')`);
    const until = Date.now() + patienceMs;
    for (const id of running) {
      const left = until - Date.now();
      if (left > 0) Atomics.wait(slots, id % SLOTS, Slot.running, left);
    }
  };

  const enable = () => {
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      // The number that sessions count by is not the thread's; its title holds that.
      const threadId = /\[worker (\d+)\]/.exec(params.workerInfo.title)?.[1];
      if (threadId !== undefined) sessionOf.set(Number(threadId), params.sessionId);
    });
    session.on('NodeWorker.detachedFromWorker', ({ params }) => {
      for (const [id, known] of sessionOf) if (known === params.sessionId) sessionOf.delete(id);
    });
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  };

  enable();
  channels.subscribe('worker_threads', ({ worker }) => {
    try {
      onWorker(worker.threadId);
    } catch {
      // The worker runs without a profile.
    }
  });

  const terminate = threads.Worker.prototype.terminate;
  threads.Worker.prototype.terminate = {
    terminate(...rest) {
      try {
        if (this.threadId > 0) flush([this.threadId]);
      } catch {
        // Its profile is lost, and the journal will show it.
      }
      return Reflect.apply(terminate, this, rest);
    },
  }.terminate;

  return { flushAll: () => flush([...sessionOf.keys()]) };
};
