'use strict';
// Loaded, before the tool's own code, into every Node process below a target that a tool (0x, clinic) started. Mends what
// those tools do to a program that is more than one thread which ends by itself:
// - they turn a signal into an exit with 0, and heapprofiler every exit code into 0;
// - in a worker thread they write over the main thread's files;
// - heapprofiler writes nothing when the program calls process.exit, bubbleprof writes to a file descriptor that its
//   children use for something else.
//
// Plain CommonJS that Node 18 parses. Whatever fails here, the program goes on as it would without.
const fs = require('node:fs');

const WRITES_WITHIN_MS = 2000;

function begin() {
  const threads = require('node:worker_threads');
  if (!threads.isMainThread) {
    const name = `${process.pid}-worker-${threads.threadId}`;
    process.env.NODE_CLINIC_DOCTOR_NAME = name;
    process.env.NODE_CLINIC_BUBBLEPROF_NAME = name;
    process.env.HEAP_PROFILER_NAME = name;
  }
  const settings = JSON.parse(process.env.TPROF_WRAPPED);
  require('./journal.cjs')
    .openJournal(settings.directory, process.pid, threads.threadId, { prefix: 'Process', extension: 'log' })
    .line(require('./beginning.cjs').beginning(threads));
  if (threads.isMainThread) noteSignals(settings);
  if (settings.tool === 'clinic-bubbleprof')
    guardWriteSync(threads.isMainThread && process.ppid === Number(process.env.TPROF_TOOL_PID));
  if (settings.tool === 'clinic-heapprofiler') mendHeapProfiler(threads);
}

/**
 * A signal that only the tool's own listener takes would have ended the program. bubbleprof writes what it has and then
 * waits for a file to close, which that often does not where the program has timers or sockets: it is ended then.
 */
function noteSignals({ directory, tool }) {
  const emit = process.emit;
  const replacement = function emit_(type, ...rest) {
    if ((type === 'SIGINT' || type === 'SIGTERM') && process.listenerCount(type) === 1) {
      try {
        fs.writeFileSync(`${directory}/.signal.${process.pid}`, type);
      } catch {
        // It is told as an exit, then.
      }
      if (tool === 'clinic-bubbleprof') setTimeout(() => process.exit(), WRITES_WITHIN_MS);
    }
    return Reflect.apply(emit, this, [type, ...rest]);
  };
  Object.defineProperty(replacement, 'name', { value: 'emit' });
  Object.defineProperty(process, 'emit', { value: replacement, configurable: true, writable: true, enumerable: false });
}

/** bubbleprof warns its parent by descriptor 3: in a forked child that is the channel to its own parent. */
function guardWriteSync(isTarget) {
  if (isTarget) return;
  const writeSync = fs.writeSync;
  fs.writeSync = function writeSync_(fd, data, ...rest) {
    if (fd === 3 && data === 'source_warning') return 0;
    return Reflect.apply(writeSync, this, [fd, data, ...rest]);
  };
}

/**
 * Its profiler begins after the program's first turn, ends the program with 0 once that has run out of work, and does not
 * get to write where it exits itself. There is one sampler an isolate: begun here, it is the one that the tool takes its
 * profile from.
 */
function mendHeapProfiler(threads) {
  let code;
  process.once('beforeExit', () => {
    code = process.exitCode;
  });
  const name = process.env.HEAP_PROFILER_NAME;
  const own = threads.isMainThread && (name === undefined || name === 'undefined') ? String(process.pid) : name;
  const file = `${process.env.HEAP_PROFILER_PATH}/${own}.clinic-heapprofiler`;
  const session = new (require('node:inspector').Session)();
  session.connect();
  session.post('HeapProfiler.startSampling', { samplingInterval: 32_768 });
  const emit = process.emit;
  const replacement = function emit_(type, ...rest) {
    const result = Reflect.apply(emit, this, [type, ...rest]);
    if (type === 'exit') {
      if (code !== undefined && (process.exitCode === 0 || process.exitCode === undefined)) process.exitCode = code;
      if (isEmpty(file)) save(session, file);
    }
    return result;
  };
  Object.defineProperty(replacement, 'name', { value: 'emit' });
  Object.defineProperty(process, 'emit', { value: replacement, configurable: true, writable: true, enumerable: false });
}

function isEmpty(file) {
  return (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

function save(session, file) {
  try {
    session.post('HeapProfiler.getSamplingProfile', (error, result) => {
      if (error === null) fs.writeFileSync(file, JSON.stringify(result.profile), { mode: 0o600 });
    });
  } catch {
    // The recorder says that it is missing.
  }
}

try {
  begin();
} catch {
  // No permission, no space: the program runs as the tool has it run.
}
