'use strict';
// Not the global: a program may have put something else in its place.
const { performance } = require('node:perf_hooks');
const { startTime } = require('./own-start-time.cjs');

/** The first line of a thread's journal: who it is, and when by both clocks. V8 stamps samples by the monotonic one. */
exports.beginning = ({ threadId, isMainThread }) => ({
  event: 'start',
  pid: process.pid,
  tid: threadId,
  parentPid: process.ppid,
  startTime: startTime(),
  argv: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
  isMainThread,
  node: process.versions.node,
  monotonicNs: process.hrtime.bigint().toString(),
  unixMs: performance.timeOrigin + performance.now(),
});
