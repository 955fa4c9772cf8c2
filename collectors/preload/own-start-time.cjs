'use strict';

/** Ticks since boot: with the pid it names the process uniquely. '' where there is no /proc. */
exports.startTime = () => {
  try {
    const stat = require('node:fs').readFileSync('/proc/self/stat', 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '';
  }
};
