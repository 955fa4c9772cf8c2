'use strict';
// Loaded into every Node process that runs with --prof, and into its worker threads. V8 writes one tick log an isolate,
// which says neither whose it is nor when it began; this agent puts both into the log itself, as the name of a script.
// Node takes --prof on its command line alone, so that it is handed to the Node processes that this one starts.
//
// Plain CommonJS that Node 18 parses. Whatever fails here, the program goes on as it would without.
const path = require('node:path');

/** Flags of a tool that make sense in the process alone that the tool started: its children have no such pipes. */
const OF_THE_TOOL = /[/\\]0x[/\\]lib[/\\]preload[/\\]/;

function begin() {
  const threads = require('node:worker_threads');
  const settings = settingsOf(threads);
  if (settings === undefined) return;
  const { directory, flags } = settings;
  // A worker is logged if its process is; it may have been given other flags.
  const isLogged = !threads.isMainThread || process.execArgv.includes('--prof');
  if (isLogged) mark(threads.threadId);
  const names = { prefix: 'Ticks', extension: 'log' };
  const journal = require('./journal.cjs').openJournal(directory, process.pid, threads.threadId, names);
  journal.line(require('./beginning.cjs').beginning(threads));
  if (!isLogged) {
    const why = 'it was started without --prof, which Node takes on its command line alone';
    journal.line({ event: 'failed', why, samples: 0 });
  }
  process.execArgv = withFlags(process.execArgv, flags);
  passOn(flags);
}

/** Of the environment; a worker may have been given another one, but not other data of its process. */
function settingsOf(threads) {
  const key = 'tprof.tick-log';
  const known = threads.getEnvironmentData(key);
  if (known !== undefined) return known;
  if (process.env.TPROF_TICK_LOGS === undefined) return undefined;
  const settings = JSON.parse(process.env.TPROF_TICK_LOGS);
  threads.setEnvironmentData(key, settings);
  return settings;
}

/** V8 logs the compilation of this script with the log's own time, and its name holds the monotonic clock's. */
function mark(threadId) {
  const { Script } = require('node:vm');
  new Script('0', { filename: `tprof-clock-${threadId}-${process.hrtime.bigint()}` });
}

/** What children inherit: the flags of a tick log that are ours, without those of a tool in front. */
function withFlags(execArgv, flags) {
  const kept = [];
  for (let i = 0; i < execArgv.length; i++) {
    if (execArgv[i] === '-r' && OF_THE_TOOL.test(execArgv[i + 1] ?? '')) i++;
    else if (!/^--(prof|print-opt-source|logfile=.*|prof-sampling-interval=.*)$/.test(execArgv[i]))
      kept.push(execArgv[i]);
  }
  return [...flags, ...kept];
}

function passOn(flags) {
  const children = require('node:child_process');
  const isNode = file => file === process.execPath || /^node(js)?$/.test(path.basename(String(file)));
  const spawn = children.ChildProcess.prototype.spawn;
  children.ChildProcess.prototype.spawn = {
    spawn(options, ...rest) {
      if (isNode(options?.file) && Array.isArray(options.args) && !options.args.includes('--prof')) {
        const [argv0, ...args] = options.args;
        return Reflect.apply(spawn, this, [{ ...options, args: [argv0, ...flags, ...args] }, ...rest]);
      }
      return Reflect.apply(spawn, this, [options, ...rest]);
    },
  }.spawn;
  for (const name of ['spawnSync', 'execFileSync']) {
    const original = children[name];
    children[name] = {
      [name](file, args, ...rest) {
        const takes = isNode(file) && Array.isArray(args) && !args.includes('--prof');
        return Reflect.apply(original, this, [file, takes ? [...flags, ...args] : args, ...rest]);
      },
    }[name];
  }
  require('node:module').syncBuiltinESMExports();
}

try {
  begin();
} catch {
  // No permission, no space: the log stays without a name, and the recorder says so.
}
