import { readdirSync } from 'node:fs';
import type { CaptureProcess } from '../src/model/capture.ts';
import { processName } from './process-name.ts';
import { isSameProcess, type ProcessStat, readCommandLine, readEnvironment, readProcessStat } from './process-table.ts';
import { withoutGate } from './start-gate.ts';

/** Every how many scans the command lines are read again: a fork shows its parent's until it runs a program. */
const RENEW_EVERY = 4;

interface Tracked {
  stat: ProcessStat;
  command: readonly string[];
  /** What the process later called itself (`process.title`, postgres' `postgres: walwriter`). */
  title: string | undefined;
}

/**
 * Which processes belong to the workload: those with its mark in their environment, and the children of such. Cheap
 * enough to be asked four times a second: of a process that was seen before, nothing is read but that it is there.
 */
export class ProcessTracker {
  readonly #mark: string;
  readonly #onFound: (stat: ProcessStat) => void;
  readonly #own = new Map<number, Tracked>();
  readonly #strangers = new Set<number>();
  /** Everything that ever belonged, by `pid:start`. */
  readonly #all = new Map<string, Tracked>();
  #scans = 0;

  /** `mark` is `NAME=value` as it stands in the environment; `onFound` is told of each process once. */
  constructor(mark: string, onFound: (stat: ProcessStat) => void = () => {}) {
    this.#mark = mark;
    this.#onFound = onFound;
  }

  scan(): void {
    let names: string[];
    try {
      names = readdirSync('/proc');
    } catch {
      return;
    }
    const present = new Set<number>();
    for (const name of names) {
      const pid = Number(name);
      if (Number.isInteger(pid)) present.add(pid);
    }
    for (const pid of this.#own.keys()) if (!present.has(pid)) this.#own.delete(pid);
    for (const pid of this.#strangers) if (!present.has(pid)) this.#strangers.delete(pid);
    const fresh: ProcessStat[] = [];
    for (const pid of present) {
      if (pid === process.pid || this.#own.has(pid) || this.#strangers.has(pid)) continue;
      const stat = readProcessStat(pid);
      if (stat !== undefined && stat.state !== 'Z') fresh.push(stat);
    }
    // In order of birth, so that a parent is known before its child.
    fresh.sort((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid);
    for (const stat of fresh) {
      if (this.#own.has(stat.parentPid) || this.#isMarked(stat.pid)) this.#add(stat);
      else this.#strangers.add(stat.pid);
    }
    if (this.#scans++ % RENEW_EVERY === 0) this.#renew();
  }

  /** Those that ran at the last scan: nothing is read for it. */
  current(): { readonly pid: number; readonly startTime: string; readonly command: readonly string[] }[] {
    return [...this.#own.values()].map(({ stat: { pid, startTime }, command }) => ({ pid, startTime, command }));
  }

  /** Those that run now. */
  alive(): ProcessStat[] {
    this.scan();
    return [...this.#own.values()].map(({ stat }) => readProcessStat(stat.pid) ?? stat).filter(isSameProcess);
  }

  /** Everything that took part, in order of birth. */
  list(): CaptureProcess[] {
    return [...this.#all.values()].map(({ stat, command, title }) => ({
      pid: stat.pid,
      parentPid: stat.parentPid,
      command,
      name: processName(command, title, stat.comm),
      startTime: stat.startTime,
    }));
  }

  #isMarked(pid: number): boolean {
    return `\0${readEnvironment(pid)}`.includes(`\0${this.#mark}\0`);
  }

  #add(stat: ProcessStat): void {
    const tracked = { stat, command: withoutGate(readCommandLine(stat.pid)), title: undefined };
    this.#own.set(stat.pid, tracked);
    this.#all.set(`${stat.pid}:${stat.startTime}`, tracked);
    this.#onFound(stat);
  }

  #renew(): void {
    for (const tracked of this.#own.values()) {
      const now = withoutGate(readCommandLine(tracked.stat.pid));
      if (now.length === 0 || now.join('\0') === tracked.command.join('\0')) continue;
      // One word with spaces is no command line that a shell could have made: the process wrote over it.
      const title = now.length === 1 || now.slice(1).every(word => word === '') ? now[0]?.trim() : undefined;
      if (title?.includes(' ') === true) tracked.title = title;
      else tracked.command = now;
    }
  }
}
