// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/ps.html
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Reading } from '../../src/formats/probe-log.ts';
import { ProbeFailure } from './probe.ts';

export interface PsProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly rssBytes: number;
  readonly cpuNs: number;
}

/** The columns that every `ps` knows by these names. */
const ARGUMENTS = ['-A', '-o', 'pid=,ppid=,rss=,time='];

/** Lines of `ps -A -o pid=,ppid=,rss=,time=`; others are left out. */
export function parsePs(text: string): PsProcess[] {
  const processes: PsProcess[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)\s*$/.exec(line);
    if (match === null) continue;
    const [, pid, parentPid, rssKiB, days = '0', hours = '0', minutes, seconds] = match;
    const cpuS = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
    processes.push({
      pid: Number(pid),
      parentPid: Number(parentPid),
      rssBytes: Number(rssKiB) * 1024,
      cpuNs: Math.round(cpuS * 1e9),
    });
  }
  return processes;
}

/** The processes of `roots` and everything below them; parents may come after their children. */
export function belowRoots(table: readonly PsProcess[], roots: readonly number[]): PsProcess[] {
  const children = new Map<number, PsProcess[]>();
  for (const process of table) {
    const siblings = children.get(process.parentPid);
    if (siblings === undefined) children.set(process.parentPid, [process]);
    else siblings.push(process);
  }
  const wanted = new Set(roots);
  const found = new Map(table.filter(process => wanted.has(process.pid)).map(process => [process.pid, process]));
  for (const process of found.values()) {
    for (const child of children.get(process.pid) ?? []) found.set(child.pid, child);
  }
  return [...found.values()];
}

/** CPU and memory by `ps`, for systems without `/proc`. tprof itself is among `roots`, but not what it starts to look. */
export async function psReadings(roots: readonly number[], self: number): Promise<Reading[]> {
  let text: string;
  try {
    text = (await promisify(execFile)('ps', ARGUMENTS, { env: { PATH: process.env.PATH, LC_ALL: 'C' } })).stdout;
  } catch (cause) {
    throw new ProbeFailure('ps could not be run', { cause });
  }
  const table = parsePs(text);
  const processes = belowRoots(table, roots).filter(process => process.pid !== self);
  processes.push(...table.filter(process => process.pid === self));
  return processes.flatMap(({ pid, cpuNs, rssBytes }): Reading[] => {
    const labels = { pid: String(pid), startTime: '', ...(pid === self ? { observer: 'tprof' } : {}) };
    return [
      { name: 'process.cpu', labels, kind: 'counter', unit: 'nanoseconds', value: cpuNs },
      { name: 'process.rss', labels, kind: 'gauge', unit: 'bytes', value: rssBytes },
    ];
  });
}
