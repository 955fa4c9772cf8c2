'use strict';
// What of V8's own profilers an inspector session can run in one thread: how each begins, is saved now and then, and ends.

/** https://chromedevtools.github.io/devtools-protocol/v8/Profiler/ ; settings: { directory, intervalUs, chunkMs } */
const cpu = {
  variable: 'TPROF_NODE_CPU',
  prefix: 'CPU',
  extension: 'cpuprofile',
  patienceMs: 500,
  start(session, { intervalUs }) {
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: intervalUs });
    session.post('Profiler.start');
  },
  save(session, settings, journal) {
    cpu.stop(session, settings, journal);
    session.post('Profiler.start');
  },
  stop(session, _settings, journal) {
    session.post('Profiler.stop', (error, result) => {
      if (error === null) journal.profile(result.profile);
      else journal.line({ event: 'failed', why: error.message, samples: 0 });
    });
  },
};

/**
 * https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/#method-startSampling
 * settings: { directory, intervalBytes, collected, chunkMs }; `collected` keeps what the garbage collector took: then the
 * profile grows with time and is taken in pieces, each of which counts on its own. What is alive is one sum, written anew.
 */
const heap = {
  variable: 'TPROF_NODE_HEAP',
  prefix: 'Heap',
  extension: 'heapprofile',
  // A worker that allocates without end has many samples to hand over.
  patienceMs: 3000,
  start(session, { intervalBytes, collected }) {
    const params = {
      samplingInterval: intervalBytes,
      includeObjectsCollectedByMajorGC: collected,
      includeObjectsCollectedByMinorGC: collected,
    };
    let failure = null;
    session.post('HeapProfiler.startSampling', params, error => {
      failure = error;
    });
    if (failure !== null) throw new Error(failure.message);
  },
  save(session, settings, journal) {
    if (settings.collected) {
      heap.stop(session, settings, journal);
      heap.start(session, settings);
    } else take(session, 'HeapProfiler.getSamplingProfile', settings, journal);
  },
  stop(session, settings, journal) {
    take(session, 'HeapProfiler.stopSampling', settings, journal);
  },
};

function take(session, method, { collected }, journal) {
  session.post(method, (error, result) => {
    if (error !== null) {
      journal.line({ event: 'failed', why: error.message, samples: 0 });
      return;
    }
    // V8's answer does not say which of the two it holds.
    const { head, samples } = result.profile;
    journal.profile({ head, samples, weight: collected ? 'alloc_space' : 'inuse_space' }, !collected);
  });
}

exports.instruments = [cpu, heap];
