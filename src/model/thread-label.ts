import type { Thread } from './profile.ts';

/** A thread in one line of text, as `process › thread [pid/tid]`; what is not known is left out. */
export function threadLabel(thread: Thread): string {
  const { pid, tid, processName, threadName } = thread;
  const name = processName === '' ? threadName : `${processName}${SEPARATOR}${threadName}`;
  const ids = tid === 0 ? (pid === 0 ? '' : `[${pid}]`) : `[${pid}/${tid}]`;
  return name === '' ? ids : ids === '' ? name : `${name} ${ids}`;
}

/** The same back; text that was not written by `threadLabel` is a thread's name. */
export function parseThreadLabel(label: string): Thread {
  const match = /^(.*?) ?\[(\d{1,9})(?:\/(\d{1,9}))?\]$/s.exec(label);
  const name = match?.[1] ?? label;
  const at = name.indexOf(SEPARATOR);
  return {
    pid: Number(match?.[2] ?? 0),
    tid: Number(match?.[3] ?? 0),
    processName: at === -1 ? '' : name.slice(0, at),
    threadName: at === -1 ? name : name.slice(at + SEPARATOR.length),
  };
}

const SEPARATOR = ' › ';
