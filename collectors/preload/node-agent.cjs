'use strict';
// Loaded into every Node process of the workload, and into each of its worker threads, by `NODE_OPTIONS=--require`.
// Takes V8's profiles with a session of the inspector in the same thread: `--cpu-prof` and `--heap-prof` write nothing when
// a signal ends the process, and Node 20 does not accept the first in NODE_OPTIONS. `--require` and not `--import`: the
// latter has Node load the program itself by other rules.
//
// One agent for all of V8's profilers: two would each want to be the last to see a signal.
//
// Plain CommonJS that Node 18 parses. Whatever fails here, the program goes on as it would without.
const KEY = Symbol.for('tprof.node-agent');

function begin() {
  const threads = require('node:worker_threads');
  const links = require('./worker-link.cjs');
  const { instruments } = require('./instruments.cjs');
  const own = {};
  for (const { variable } of instruments) {
    if (process.env[variable] !== undefined) own[variable] = JSON.parse(process.env[variable]);
  }
  const shared = links.sharedState(Object.keys(own).length === 0 ? undefined : own);
  if (shared === undefined) return;
  const { Session } = require('node:inspector');
  const session = new Session();
  const chosen = instruments.filter(({ variable }) => shared[variable] !== undefined);
  const running = chosen.map(instrument => openInstrument(instrument, shared[instrument.variable], threads));
  try {
    session.connect();
    for (const { instrument, settings } of running) instrument.start(session, settings);
  } catch (error) {
    // The parent of `node --test` has no inspector, for one; what is thrown there is a string.
    for (const { journal } of running)
      journal.line({ event: 'failed', why: error?.message ?? String(error), samples: 0 });
    return;
  }
  links.markRunning(shared);

  // V8 keeps samples in memory until it is asked; asking costs the program a tenth of a second, so it is done seldom.
  const timers = running.map(({ instrument, settings, journal }) =>
    require('node:timers').setInterval(() => instrument.save(session, settings, journal), settings.chunkMs),
  );
  for (const timer of timers) timer.unref();

  const workers = links.linkWorkers({
    session,
    slots: shared.slots,
    patienceMs: Math.max(...chosen.map(instrument => instrument.patienceMs)),
    onWorker: tid => {
      for (const { journal } of running) journal.line({ event: 'worker', tid });
    },
  });

  let ended = false;
  const end = why => {
    if (ended) return;
    ended = true;
    for (const timer of timers) clearInterval(timer);
    attempt(running, () => workers.flushAll());
    for (const one of running) {
      attempt([one], () => {
        one.instrument.stop(session, one.settings, one.journal);
        one.journal.line({ event: 'end', why });
      });
    }
    links.markWritten(shared);
  };
  const overdue = require('./end-watch.cjs').watchEnd({
    isMainThread: threads.isMainThread,
    onEnd: end,
    onHandler: signal => {
      for (const { journal } of running) journal.line({ event: 'handles', signal });
    },
  });
  // Called through the inspector: by the parent of a worker, and by the recorder of a process that is stuck in a loop.
  Object.defineProperty(process, KEY, { value: end });
  Object.defineProperty(process, Symbol.for('tprof.node-cpu.overdue'), { value: overdue });
}

/** The journal of one profiler for this thread, with who and when in its first line. */
function openInstrument(instrument, settings, threads) {
  const journal = require('./journal.cjs').openJournal(settings.directory, process.pid, threads.threadId, instrument);
  journal.line({ ...require('./beginning.cjs').beginning(threads), intervalUs: settings.intervalUs });
  return { instrument, settings, journal };
}

/** A program must not fail because its observer could not write. */
function attempt(running, work) {
  try {
    work();
  } catch (error) {
    for (const { journal } of running) journal.line({ event: 'failed', why: String(error), samples: 0 });
  }
}

if (process[KEY] === undefined) {
  try {
    begin();
  } catch {
    // No permission, no inspector, no space: the recorder names the process as one without a profile.
  }
}
