// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Reading } from '../../src/formats/probe-log.ts';
import type { ProcessId } from '../process-table.ts';
import { hostReadings } from './host-figures.ts';
import type { Probe, ProbeRequest, ProbeRun } from './probe.ts';
import { ProcFile, procField } from './proc-file.ts';
import { ProcThreads } from './proc-threads.ts';
import { psReadings } from './process-ps.ts';

/** Clock ticks of /proc: 100 a second on every Linux that Node runs on. */
const TICK_NS = 1e7;
/** Share of one processor that reading may take; with many processes it is done less often. */
const MOST_CPU = 0.02;

/** CPU, memory, threads, waits and IO of each process of the recording, of tprof itself, and of the whole machine. */
export const processProbe: Probe = {
  id: 'process',
  title: 'CPU, memory, threads, context switches, run-queue waits and IO of each process, and the machine',
  flag: undefined,

  async check() {
    if (process.platform !== 'linux') {
      return {
        usable: true,
        version: release(),
        usableFor: 'CPU and memory, by ps',
        note: 'waits are known on Linux alone',
      };
    }
    const proc = new ProcFile();
    const waits = proc.read('/proc/self/schedstat') !== undefined;
    return {
      usable: true,
      version: `Linux ${release()}`,
      usableFor: `CPU, memory, threads, context switches, IO${waits ? ', run-queue waits' : ''}${delayAccounting() ? ', waits for disks' : ''}`,
      ...(delayAccounting() ? {} : { note: 'for waits for disks: sudo sysctl kernel.task_delayacct=1' }),
    };
  },

  open: request => (process.platform === 'linux' ? openProc(request) : openPs(request)),
};

interface Tracked {
  readonly threads: ProcThreads;
  readonly bornNs: bigint | undefined;
  rssBytes: number;
  io: string | undefined;
}

function openProc({ processes, intervalMs }: ProbeRequest): ProbeRun {
  const proc = new ProcFile();
  const blocked = delayAccounting();
  const known = new Map<string, Tracked>();
  const openedNs = process.hrtime.bigint();
  const bootNs = bootOfMonotonicClock();
  const self = { pid: process.pid, startTime: readStat(proc, process.pid)?.startTime ?? '' };

  const readingsOf = (id: ProcessId, observer: boolean): Reading[] => {
    const stat = readStat(proc, id.pid);
    if (stat === undefined || stat.state === 'Z' || (id.startTime !== '' && stat.startTime !== id.startTime)) return [];
    const key = `${id.pid}:${stat.startTime}`;
    let tracked = known.get(key);
    if (tracked === undefined) {
      const bornNs = bootNs + BigInt(Math.round(Number(stat.startTime) * TICK_NS));
      tracked = {
        threads: new ProcThreads(id.pid, blocked),
        bornNs: bornNs > openedNs ? bornNs : undefined,
        rssBytes: Number.NaN,
        io: undefined,
      };
      known.set(key, tracked);
    }
    const { bornNs } = tracked;
    const labels = { pid: String(id.pid), startTime: stat.startTime, ...(observer ? { observer: 'tprof' } : {}) };
    const counter = (name: string, unit: string, value: number): Reading => ({
      name: `process.${name}`,
      labels,
      kind: 'counter',
      unit,
      value,
      bornNs,
    });
    const readings: Reading[] = [
      counter('cpu', 'nanoseconds', stat.cpuNs),
      counter('cpu-of-ended-children', 'nanoseconds', stat.childrenCpuNs),
      { name: 'process.threads', labels, kind: 'gauge', unit: 'count', value: stat.threads },
    ];
    const threads = tracked.threads.read(proc);
    // One that has not run holds and has read what it did before.
    if (threads === undefined || tracked.threads.hasRun) {
      tracked.rssBytes = procField(proc.read(`/proc/${id.pid}/status`) ?? '', 'VmRSS') * 1024;
      tracked.io = proc.read(`/proc/${id.pid}/io`);
    }
    const { rssBytes, io } = tracked;
    readings.push({ name: 'process.rss', labels, kind: 'gauge', unit: 'bytes', value: rssBytes });
    if (threads !== undefined) {
      readings.push(
        counter('run', 'nanoseconds', threads.runNs),
        counter('run-queue', 'nanoseconds', threads.runQueueNs),
        counter('switches-voluntary', 'count', threads.voluntary),
        counter('switches-involuntary', 'count', threads.involuntary),
      );
      if (blocked) readings.push(counter('blocked', 'nanoseconds', threads.blockedNs));
    }
    if (io !== undefined && io !== '') {
      readings.push(
        counter('calls-read', 'bytes', procField(io, 'rchar')),
        counter('calls-written', 'bytes', procField(io, 'wchar')),
        counter('storage-read', 'bytes', procField(io, 'read_bytes')),
        counter('storage-written', 'bytes', procField(io, 'write_bytes')),
      );
    }
    return readings;
  };

  return {
    target: {},
    async sample() {
      const began = process.cpuUsage();
      const readings = hostReadings(proc);
      for (const id of processes()) if (id.pid !== self.pid) readings.push(...readingsOf(id, false));
      readings.push(...readingsOf(self, true));
      const { user, system } = process.cpuUsage(began);
      const allowedUs = intervalMs * 1000 * MOST_CPU;
      return { readings, restTurns: Math.min(59, Math.floor((user + system) / allowedUs)) };
    },
    close: async () => ({ documents: [], losses: [] }),
  };
}

function openPs({ processes }: ProbeRequest): ProbeRun {
  return {
    target: {},
    sample: async () => ({
      readings: await psReadings(
        processes().map(({ pid }) => pid),
        process.pid,
      ),
    }),
    close: async () => ({ documents: [], losses: [] }),
  };
}

/** Off by default since Linux 5.14. */
function delayAccounting(): boolean {
  try {
    return readFileSync('/proc/sys/kernel/task_delayacct', 'latin1').trim() !== '0';
  } catch {
    return false;
  }
}

/** When the machine booted, on the monotonic clock: what start times of processes count from. 0 unless it slept since. */
function bootOfMonotonicClock(): bigint {
  try {
    const uptimeS = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
    return process.hrtime.bigint() - BigInt(Math.round(uptimeS * 1e9));
  } catch {
    return 0n;
  }
}

interface Stat {
  readonly state: string;
  readonly startTime: string;
  readonly cpuNs: number;
  readonly childrenCpuNs: number;
  readonly threads: number;
}

function readStat(proc: ProcFile, pid: number): Stat | undefined {
  const text = proc.read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name stands in parentheses and may itself hold any character: fields count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '?',
    startTime: fields[19] ?? '',
    cpuNs: (Number(fields[11]) + Number(fields[12])) * TICK_NS,
    childrenCpuNs: (Number(fields[13]) + Number(fields[14])) * TICK_NS,
    threads: Number(fields[17]),
  };
}
