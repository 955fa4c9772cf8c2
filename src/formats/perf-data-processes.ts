import { AddressSpace } from './perf-data-maps.ts';
import type { PreviousChain } from './perf-data-previous.ts';

/** One run of a program in a thread: exec begins a new one, as its names and its code are other ones. */
export interface ThreadRun {
  readonly index: number;
  readonly pid: number;
  readonly tid: number;
  name: string;
  readonly process: ProcessRun;
  /** When it left the CPU, and what it was doing: -1 = it is running, or never seen to leave. */
  offSinceNs: number;
  offStack: number;
  lastStack: number;
  /** Its last call chain, which the next one mostly begins like. */
  previous: PreviousChain | undefined;
  /** Its EXIT was seen; it still runs in the kernel for a moment. */
  exited: boolean;
}

export interface ProcessRun {
  readonly pid: number;
  name: string;
  space: AddressSpace;
  /** Root of its stacks under the maps of `rootGeneration`; -1 until the first sample. */
  root: number;
  rootGeneration: number;
}

/** Processes and threads as COMM, FORK, EXIT and MMAP records tell of them, in order of time. */
export class Processes {
  /** Every run that was ever seen; samples name their thread by index here. */
  readonly runs: ThreadRun[] = [];
  readonly #processes = new Map<number, ProcessRun>();
  readonly #threads = new Map<number, ThreadRun>();

  process(pid: number): ProcessRun {
    let process = this.#processes.get(pid);
    if (process === undefined) {
      process = newProcess(pid, '', new AddressSpace());
      this.#processes.set(pid, process);
    }
    return process;
  }

  thread(pid: number, tid: number): ThreadRun {
    const known = this.#threads.get(tid);
    if (known !== undefined && known.pid === pid) return known;
    return this.#newRun(this.process(pid), pid, tid, '');
  }

  comm(pid: number, tid: number, name: string, exec: boolean): void {
    const old = this.#threads.get(tid);
    if (exec) {
      const process = newProcess(pid, name, new AddressSpace());
      this.#processes.set(pid, process);
      this.#newRun(process, pid, tid, name);
      return;
    }
    const run = old !== undefined && old.pid === pid ? old : this.thread(pid, tid);
    run.name = name;
    // The first name stands until the main thread renames itself: runtimes name theirs after what they do.
    if (pid === tid && run.process.name === '') run.process.name = name;
  }

  fork(pid: number, parentPid: number, tid: number, parentTid: number): void {
    const parent = this.#threads.get(parentTid);
    if (pid === parentPid) {
      this.#newRun(this.process(pid), pid, tid, parent?.name ?? '');
      return;
    }
    const from = this.#processes.get(parentPid);
    const process = newProcess(pid, from?.name ?? '', from === undefined ? new AddressSpace() : from.space.fork());
    this.#processes.set(pid, process);
    this.#newRun(process, pid, tid, parent?.name ?? '');
  }

  exit(pid: number, tid: number): void {
    const run = this.#threads.get(tid);
    if (run?.pid === pid) run.exited = true;
  }

  byTid(tid: number): ThreadRun | undefined {
    return this.#threads.get(tid);
  }

  #newRun(process: ProcessRun, pid: number, tid: number, name: string): ThreadRun {
    const run: ThreadRun = {
      index: this.runs.length,
      pid,
      tid,
      name,
      process,
      offSinceNs: -1,
      offStack: -1,
      lastStack: -1,
      previous: undefined,
      exited: false,
    };
    this.runs.push(run);
    this.#threads.set(tid, run);
    return run;
  }
}

function newProcess(pid: number, name: string, space: AddressSpace): ProcessRun {
  return { pid, name, space, root: -1, rootGeneration: -1 };
}
