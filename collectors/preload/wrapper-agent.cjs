'use strict';
// Loaded into a tool that starts the target itself (0x, clinic). Such tools swallow how their target ended, leave files in
// the folder that they run in, delete what they do not need, and give the target their own environment. So the tool runs
// in a folder of its own, the target where it would have run, and the start and the end of the target are written down.
const children = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const settings = JSON.parse(process.env.TPROF_WRAPPER);
const { node, cwd, work, keep, notes, environment, talksOnStdout } = settings;
delete process.env.TPROF_WRAPPER;
process.chdir(work);
// Standard output is the target's.
if (talksOnStdout) {
  const { log: _, ...words } = globalThis.console;
  globalThis.console = { ...words, log: words.error };
}

const spawn = children.spawn;
let target;

children.spawn = function spawn_(file, args, options, ...rest) {
  if (!Array.isArray(args) || !/^node(js)?[\d.]*$/.test(path.basename(String(file)))) {
    return Reflect.apply(spawn, this, [file, args, options, ...rest]);
  }
  // Whatever the tool takes for node: the log of a target is read by the Node that wrote it.
  if (target !== undefined || args.includes('--prof-process')) {
    return Reflect.apply(spawn, this, [node, args, options]);
  }
  const placed = args.map(arg => arg.replace(/^--logfile=(.*)$/, (_, log) => `--logfile=${path.resolve(log)}`));
  target = Reflect.apply(spawn, this, [node, placed, { ...options, cwd, env: targetEnvironment(options?.env) }]);
  const { pid } = target;
  write({ pid });
  target.once('exit', (code, signal) => {
    write({ pid, code, signal });
    if (keep !== undefined) keepLogs(pid);
    keepTraces(pid);
  });
  return target;
};

/** What the tool adds stays; what tprof set for the tool alone goes; what the tool dropped of the user's comes back. */
function targetEnvironment(given = process.env) {
  const env = { ...given, TPROF_TOOL_PID: String(process.pid) };
  const options = [settings.nodeOptions, given.NODE_OPTIONS, settings.usersNodeOptions];
  for (const [name, value] of Object.entries(environment)) {
    if (value === null) delete env[name];
    else env[name] = value;
  }
  env.NODE_OPTIONS = options.filter(words => words !== undefined && words.trim() !== '').join(' ');
  return env;
}

function write(note) {
  fs.writeFileSync(notes, JSON.stringify({ toolPid: process.pid, ...note }));
}

/**
 * The tool deletes tick logs when it is done, and reads the first that it finds of the target, which may be a worker's:
 * each is kept by a second name, and the main thread's alone stays for the tool.
 */
function keepLogs(pid) {
  for (const name of fs.readdirSync(work)) {
    if (!name.endsWith('-v8.log')) continue;
    const log = path.join(work, name);
    const kept = path.join(keep, name);
    try {
      fs.linkSync(log, kept);
    } catch {
      fs.copyFileSync(log, kept);
    }
    const isWorkers = name.endsWith(`-${pid}-v8.log`) && !isMainThreads(log);
    if (isWorkers) fs.unlinkSync(log);
  }
}

/** By the mark of tick-log-agent.cjs; a log without one is taken for the main thread's. */
function isMainThreads(log) {
  const text = fs.readFileSync(log, 'latin1');
  const mark = /^code-creation,[^\n]*tprof-clock-(\d+)-/m.exec(text);
  return mark === null || mark[1] === '0';
}

/** Trace events of other processes than the target: the tool would mix them with its own, and fail at a cut one. */
function keepTraces(pid) {
  for (const name of fs.readdirSync(work)) {
    const match = /^node_trace\.(\d+)\.\d+\.log$/.exec(name);
    if (match === null || Number(match[1]) === pid) continue;
    const folder = path.join(path.dirname(work), 'children');
    fs.mkdirSync(folder, { recursive: true });
    fs.renameSync(path.join(work, name), path.join(folder, name));
  }
}
