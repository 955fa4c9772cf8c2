'use strict';
// Notices that this thread ends, without a listener that the program could count, remove, or be warned about: V8 hands
// out a profile only when asked, so the agent has to be asked last.
//
// Everything that ends a thread in an orderly way passes `process.emit('exit')` or `process.reallyExit`. A signal without
// a listener of the program passes nothing: the kernel ends the process. Node itself begins to watch a signal by a
// listener of 'newListener', and stops by one of 'removeListener' if no other listener is left; the two are called here
// without a listener, and an arriving signal then shows in `emit`. When the program has no listener of its own, the default is done by hand: the
// profile is written, Node's watch is closed, and the process sends itself the same signal again.
const fs = require('node:fs');

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/**
 * Calls `onEnd(why)` at the end of the thread, at most a few times; `onEnd` must not throw and must be idempotent.
 * `onHandler(signal)` is told when the program gets a first listener of its own. The result is a function
 * for a signal that the program does not get to, because it sits in a loop: it is called by the inspector's interrupt.
 */
exports.watchEnd = ({ isMainThread, onEnd, onHandler }) => {
  const emit = process.emit;
  // Taken now, before the program may remove them: process.removeAllListeners() does.
  const starters = process.listeners('newListener');
  const stoppers = process.listeners('removeListener');
  const call = (functions, signal) => {
    for (const f of functions) Reflect.apply(f, process, [signal]);
  };
  const watched = new Set();

  /** Writes the profile and gives the signal its default effect again. */
  const release = signal => {
    onEnd(signal);
    try {
      if (require('node:tty').isatty(0) && process.stdin.isRaw) process.stdin.setRawMode(false);
    } catch {
      // The terminal is gone.
    }
    watched.delete(signal);
    call(stoppers, signal);
  };
  const raise = signal => {
    release(signal);
    process.kill(process.pid, signal);
  };

  const replacement = function emit_(type, ...rest) {
    if (type === 'exit') {
      try {
        return Reflect.apply(emit, this, [type, ...rest]);
      } finally {
        onEnd('exit');
      }
    }
    if (watched.has(type) && process.listenerCount(type) === 0) {
      raise(type);
      return false;
    }
    const result = Reflect.apply(emit, this, [type, ...rest]);
    if (type === 'newListener' && (watched.has(rest[0]) || rest[0] === 'SIGUSR1')) {
      if (process.listenerCount(rest[0]) === 0) onHandler(rest[0]);
    }
    // The program took its last listener away, and Node stopped watching with it.
    if (type === 'removeListener' && watched.has(rest[0]) && process.listenerCount(rest[0]) === 0) {
      call(starters, rest[0]);
    }
    return result;
  };
  Object.defineProperty(replacement, 'name', { value: 'emit' });
  Object.defineProperty(process, 'emit', { value: replacement, configurable: true, writable: true, enumerable: false });

  for (const name of ['reallyExit', 'execve']) {
    const original = process[name];
    if (typeof original !== 'function') continue;
    const wrapped = function (...rest) {
      onEnd(name === 'execve' ? 'execve' : 'exit');
      return Reflect.apply(original, this, rest);
    };
    Object.defineProperty(wrapped, 'name', { value: name });
    process[name] = wrapped;
  }

  const overdue = signal => {
    if (process.listenerCount(signal) > 0) return 'the program handles it';
    // Not raised here: process.kill would wait for the inspector to be closed, which asks.
    release(signal);
    return 'released';
  };
  if (!isMainThread) return overdue;
  const { caught, ignored } = dispositions();
  for (const [signal, number] of Object.entries(SIGNALS)) {
    // Started with the signal ignored (nohup): it stays ignored.
    if ((ignored >> BigInt(number - 1)) & 1n) continue;
    watched.add(signal);
    call(starters, signal);
  }
  // Of the four, Node itself never catches SIGHUP: if it is not caught now, this Node works otherwise, and the plain
  // way has to do: a listener that the program can see.
  if (caught !== undefined && watched.has('SIGHUP') && !(dispositions().caught & 1n)) {
    for (const signal of watched) {
      const listener = () => {
        if (process.listenerCount(signal) > 1) return;
        process.removeListener(signal, listener);
        raise(signal);
      };
      process.on(signal, listener);
    }
    watched.clear();
  }
  return overdue;
};

/** Bit n-1 stands for signal n. `caught` is undefined where there is no /proc. */
function dispositions() {
  try {
    const status = fs.readFileSync('/proc/self/status', 'latin1');
    const mask = name => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)[1]}`);
    return { caught: mask('SigCgt'), ignored: mask('SigIgn') };
  } catch {
    return { caught: undefined, ignored: 0n };
  }
}
