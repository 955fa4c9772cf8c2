import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process as `/proc` names it: the pid alone is used again after a while. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, as text; '' where it is not known. */
  readonly startTime: string;
}

export interface ProcessStat extends ProcessId {
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  /** `R`, `S`, `Z` …, as `ps` prints them. */
  readonly state: string;
  /** At most 15 characters, as the kernel keeps it. */
  readonly comm: string;
}

/** Reads `/proc/PID/stat`; undefined where there is no such process, or no /proc (then see the caller). */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name stands in parentheses and may itself hold any character: fields count from the last one.
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    pid,
    comm: text.slice(text.indexOf('(') + 1, close),
    state: fields[0] ?? '?',
    parentPid: Number(fields[1]),
    groupId: Number(fields[2]),
    sessionId: Number(fields[3]),
    startTime: fields[19] ?? '',
  };
}

/** Every process that this one may see; empty where there is no /proc. */
export function readProcessTable(): ProcessStat[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  const table: ProcessStat[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readProcessStat(Number(name));
    if (stat !== undefined) table.push(stat);
  }
  return table;
}

/** Whether the very process that was meant still runs; a zombie does not. Without /proc the pid has to do. */
export function isSameProcess({ pid, startTime }: ProcessId): boolean {
  const stat = readProcessStat(pid);
  if (stat !== undefined) return stat.state !== 'Z' && (startTime === '' || stat.startTime === startTime);
  if (process.platform === 'linux') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The words that a process was started with; empty for kernel threads, zombies, and where it may not be read. */
export function readCommandLine(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    // A process that wrote its title over the words leaves blanks or zero bytes behind it.
    return text === '' ? [] : text.replace(/[\0 ]+$/, '').split('\0');
  } catch {
    return [];
  }
}

/** The environment a process was started with, or '' where it may not be read: `NAME=value` between zero bytes. */
export function readEnvironment(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

/** The program file that a process runs, or undefined where it may not be read. */
export function readExecutable(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}
