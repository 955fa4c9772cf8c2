// https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
import { readdirSync } from 'node:fs';
import { type ProcFile, procField } from './proc-file.ts';

/** What a process's threads have used and waited for, summed; threads that ended keep what they had when last seen. */
export interface ThreadTotals {
  /** On a processor. */
  readonly runNs: number;
  /** Ready to run, and no processor was free. */
  readonly runQueueNs: number;
  /** Gave the processor up, to wait for something. */
  readonly voluntary: number;
  /** Were put aside for others. */
  readonly involuntary: number;
  /** Waiting for a disk; counted by the kernel only where delay accounting is on. */
  readonly blockedNs: number;
}

type Totals = { -readonly [K in keyof ThreadTotals]: number };

interface Thread extends Totals {
  timeslices: number;
  seen: number;
}

const TICK_NS = 1e7;
/** Index of `delayacct_blkio_ticks` behind the name in /proc/PID/task/TID/stat. */
const BLOCKED_FIELD = 39;

/**
 * The threads of one process. `/proc/PID/schedstat` and the context switches of `/proc/PID/status` are those of its first
 * thread alone, so each thread is asked; of one that has not run since, nothing but that is read.
 */
export class ProcThreads {
  readonly #pid: number;
  readonly #delayAccounting: boolean;
  readonly #threads = new Map<string, Thread>();
  readonly #ended: Totals = { runNs: 0, runQueueNs: 0, voluntary: 0, involuntary: 0, blockedNs: 0 };
  #turn = 0;
  /** Whether any thread has run between the last two readings. */
  hasRun = true;

  constructor(pid: number, delayAccounting: boolean) {
    this.#pid = pid;
    this.#delayAccounting = delayAccounting;
  }

  /** Undefined where the kernel keeps no such figures, or the process is gone. */
  read(proc: ProcFile): ThreadTotals | undefined {
    let names: string[];
    try {
      names = readdirSync(`/proc/${this.#pid}/task`);
    } catch {
      return undefined;
    }
    const turn = ++this.#turn;
    this.hasRun = false;
    for (const tid of names) {
      const folder = `/proc/${this.#pid}/task/${tid}`;
      const [runNs, runQueueNs, timeslices] = (proc.read(`${folder}/schedstat`) ?? '').split(' ').map(Number);
      if (runNs === undefined || runQueueNs === undefined || timeslices === undefined) continue;
      let thread = this.#threads.get(tid);
      // A number that counts backwards belongs to a new thread of the same id.
      if (thread !== undefined && runNs < thread.runNs) {
        this.#end(thread);
        thread = undefined;
      }
      if (thread === undefined) {
        thread = { runNs: -1, runQueueNs: 0, voluntary: 0, involuntary: 0, blockedNs: 0, timeslices: -1, seen: 0 };
        this.#threads.set(tid, thread);
      }
      thread.seen = turn;
      if (thread.timeslices === timeslices && thread.runNs === runNs) continue;
      this.hasRun = true;
      thread.timeslices = timeslices;
      thread.runNs = runNs;
      thread.runQueueNs = runQueueNs;
      const status = proc.read(`${folder}/status`) ?? '';
      thread.voluntary = procField(status, 'voluntary_ctxt_switches') || thread.voluntary;
      thread.involuntary = procField(status, 'nonvoluntary_ctxt_switches') || thread.involuntary;
      if (this.#delayAccounting) {
        const stat = proc.read(`${folder}/stat`) ?? '';
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        thread.blockedNs = (Number(fields[BLOCKED_FIELD]) || 0) * TICK_NS;
      }
    }
    const sum: Totals = { ...this.#ended };
    for (const [tid, thread] of this.#threads) {
      if (thread.seen !== turn) {
        this.#end(thread);
        this.#threads.delete(tid);
      }
      add(sum, thread);
    }
    return sum.runNs === 0 && this.#threads.size === 0 ? undefined : sum;
  }

  #end(thread: Thread): void {
    add(this.#ended, thread);
  }
}

function add(sum: Totals, thread: Totals): void {
  sum.runNs += Math.max(0, thread.runNs);
  sum.runQueueNs += thread.runQueueNs;
  sum.voluntary += thread.voluntary;
  sum.involuntary += thread.involuntary;
  sum.blockedNs += thread.blockedNs;
}
