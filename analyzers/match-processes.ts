import type { Profile } from '../src/model/profile.ts';
import type { Lifecycle } from './lifecycle/breakdown.ts';
import { phaseIntervals, type StepPhaseInterval } from './lifecycle/phase-intervals.ts';
import type { MatchedProcess, PhaseInterval, PhaseIntervals, ProcessMatch } from './phase-samples.ts';
import { OUTSIDE } from './phase-self.ts';

interface Stretch {
  readonly startNs: number;
  readonly endNs: number;
  readonly phase: string;
}

interface Sampled {
  readonly pid: number;
  readonly name: string;
  /** After the trace's epoch. */
  readonly timesNs: readonly number[];
}

/** Times at which something was under way, merged, and their share of the whole recording. */
interface Busy {
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly share: number;
}

/** A process that is at work is found at work this often; the rest is what nothing tells of. */
const AT_WORK = 0.9;
/** Evidence below this (natural logarithm of the odds, 20 : 1) is no match. */
const LEAST_ODDS = 3;
/** What a word that two names have in common counts as. */
const WORD_ODDS = 4;
const DATABASE = /^postgres(?:$|:|ql)/;
/** A background statement that takes longer waits in the server for something to come: it burns nothing there. */
const WAITS_NS = 5e8;

/**
 * Spans that name no process, and samples that name no service: whose are whose. A process of the trace is matched with
 * the sampled one whose samples lie at its times, their names helping; sessions of PostgreSQL with the process whose
 * statements ran when they burned. Both clocks must be Unix time (`profile.epochNs`).
 */
export function matchProcesses(profile: Profile, lifecycle: Lifecycle, epochNs: bigint): PhaseIntervals {
  const { joined } = lifecycle;
  const phases = intervalsOfOneStep(lifecycle);
  const list = joined.processes.list.map(({ name, pid }, index) => ({
    name,
    pid,
    stretches: phases.filter(interval => interval.process === index) as readonly Stretch[],
    statements: statementsOf(lifecycle, index),
  }));
  const sampled = sampledProcesses(profile, epochNs);
  const known = list.flatMap(({ stretches, statements }) => [...stretches, ...statements]);
  const fromNs = known.reduce((least, { startNs }) => Math.min(least, startNs), Number.POSITIVE_INFINITY);
  const toNs = known.reduce((most, { endNs }) => Math.max(most, endNs), Number.NEGATIVE_INFINITY);
  const intervals: PhaseInterval[] = [];
  const matches: ProcessMatch[] = [];
  const give = (pid: number, stretches: readonly Stretch[]): void => {
    for (const { startNs, endNs, phase } of stretches) intervals.push({ pid, startNs, endNs, phase });
  };

  const free = new Set(sampled.filter(({ name }) => !DATABASE.test(name)));
  const open = new Set(list);
  for (const process of list) {
    const same = process.pid === 0 ? undefined : sampled.find(({ pid }) => pid === process.pid);
    if (same === undefined) continue;
    free.delete(same);
    open.delete(process);
    give(same.pid, process.stretches);
    const counted = count(same, busy(process.stretches, fromNs, toNs), fromNs, toNs);
    matches.push({ role: process.name, processes: [{ pid: same.pid, name: same.name, by: 'pid', ...counted }] });
  }
  const pairs = [...open].flatMap(process => {
    const when = busy([...process.stretches, ...process.statements], fromNs, toNs);
    return [...free].map(candidate => {
      const counted = count(candidate, when, fromNs, toNs);
      const words = sharedWords(process.name, candidate.name);
      return { process, candidate, counted, words, odds: odds(counted) + words * WORD_ODDS };
    });
  });
  pairs.sort(
    (a, b) => b.odds - a.odds || a.candidate.pid - b.candidate.pid || (a.process.name < b.process.name ? -1 : 1),
  );
  for (const { process, candidate, counted, words, odds: sureness } of pairs) {
    if (sureness < LEAST_ODDS || !open.has(process) || !free.has(candidate)) continue;
    open.delete(process);
    free.delete(candidate);
    give(candidate.pid, process.stretches);
    const by = words === 0 ? 'time' : odds(counted) > 0 ? 'name and time' : 'name';
    matches.push({ role: process.name, processes: [{ pid: candidate.pid, name: candidate.name, by, ...counted }] });
  }

  const placeOf = new Map(list.map(({ name }, place) => [name, place]));
  matches.sort((a, b) => placeOf.get(a.role)! - placeOf.get(b.role)!);

  const clients = list
    .filter(({ statements }) => statements.length > 0)
    .map(client => ({ ...client, when: busy(client.statements, fromNs, toNs), sessions: [] as MatchedProcess[] }));
  for (const session of sampled.filter(({ name }) => DATABASE.test(name))) {
    const best = clients
      .map(client => ({ client, counted: count(session, client.when, fromNs, toNs) }))
      .sort((a, b) => odds(b.counted) - odds(a.counted))[0];
    if (best === undefined || odds(best.counted) < LEAST_ODDS) continue;
    best.client.sessions.push({ pid: session.pid, name: session.name, by: 'time', ...best.counted });
    give(session.pid, best.client.statements);
  }
  for (const { name, sessions } of clients) {
    if (sessions.length === 0) continue;
    sessions.sort((a, b) => b.samples - a.samples || a.pid - b.pid);
    matches.push({ role: `PostgreSQL for ${name}`, processes: sessions });
  }
  return { epochNs, intervals, matches };
}

/**
 * What a run did for a step's successors stands in that step's life as one stretch, and once more, part by part, in
 * theirs. Only the parts say which phase it was.
 */
function intervalsOfOneStep(lifecycle: Lifecycle): StepPhaseInterval[] {
  const { joined, timelines } = lifecycle;
  const offsets = new Map(joined.skews.map(skew => [skew.process, skew.offsetNs]));
  const stretches = new Set<string>();
  for (const { attempt, parts } of timelines) {
    for (const { kind, shared, observation, process, startNs } of parts) {
      if (kind !== 'operation' || !shared || observation !== undefined) continue;
      stretches.add(`${attempt.step} ${process} ${startNs - (offsets.get(process) ?? 0)}`);
    }
  }
  return phaseIntervals(lifecycle).filter(
    ({ stepUuid, process, startNs }) => !stretches.has(`${stepUuid} ${process} ${startNs}`),
  );
}

/** When a process had a statement at the database; of which phase, or of none. */
function statementsOf({ joined, catalog }: Lifecycle, process: number): Stretch[] {
  const statements = new Set(catalog.statements.map(({ id }) => id));
  const background = new Set(catalog.signals.background);
  return joined.observations
    .filter(o => o.form === 'call' && o.process === process && (statements.has(o.what) || !o.known))
    .filter(o => !(background.has(o.what) && o.endNs - o.startNs > WAITS_NS))
    .map(({ startNs, endNs, phase }) => ({ startNs, endNs, phase: phase === '' ? OUTSIDE : phase }));
}

/** Processes by pid; a process is called like its first thread. */
function sampledProcesses({ threads, samples, epochNs }: Profile, traceEpochNs: bigint): Sampled[] {
  if (samples.timeNs === undefined || epochNs === undefined) return [];
  const shift = Number(epochNs - traceEpochNs);
  const byPid = new Map<number, { name: string; timesNs: number[] }>();
  for (const { pid, tid, processName, threadName } of threads) {
    const process = byPid.get(pid) ?? { name: processName, timesNs: [] };
    byPid.set(pid, process);
    if (process.name === '' && (tid === pid || threads.every(t => t.pid !== pid || t.tid !== pid)))
      process.name = threadName;
  }
  for (let s = 0; s < samples.length; s++) {
    byPid.get(threads[samples.thread[s]!]!.pid)!.timesNs.push(samples.timeNs[s]! + shift);
  }
  return [...byPid].map(([pid, process]) => ({ pid, ...process })).sort((a, b) => a.pid - b.pid);
}

function busy(stretches: readonly Stretch[], fromNs: number, toNs: number): Busy {
  const sorted = [...stretches].sort((a, b) => a.startNs - b.startNs);
  const startNs: number[] = [];
  const endNs: number[] = [];
  let total = 0;
  for (const stretch of sorted) {
    const last = endNs.length - 1;
    if (last >= 0 && stretch.startNs <= endNs[last]!) {
      total += Math.max(0, stretch.endNs - endNs[last]!);
      endNs[last] = Math.max(endNs[last]!, stretch.endNs);
    } else {
      total += stretch.endNs - stretch.startNs;
      startNs.push(stretch.startNs);
      endNs.push(stretch.endNs);
    }
  }
  const share = toNs > fromNs ? total / (toNs - fromNs) : 0;
  return { startNs: Float64Array.from(startNs), endNs: Float64Array.from(endNs), share };
}

function count(
  { timesNs }: Sampled,
  when: Busy,
  fromNs: number,
  toNs: number,
): Pick<MatchedProcess, 'samples' | 'inside' | 'chance'> {
  let samples = 0;
  let inside = 0;
  for (const timeNs of timesNs) {
    if (timeNs < fromNs || timeNs > toNs) continue;
    samples++;
    let low = 0;
    let high = when.startNs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (when.startNs[middle]! <= timeNs) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && timeNs < when.endNs[low - 1]!) inside++;
  }
  return { samples, inside, chance: when.share };
}

/** How much more likely the samples lie where they do if the process is that one than if it is any other. */
function odds({ samples, inside, chance }: Pick<MatchedProcess, 'samples' | 'inside' | 'chance'>): number {
  const c = Math.min(0.999, Math.max(0.001, chance));
  const own = Math.max(AT_WORK, c);
  return inside * Math.log(own / c) + (samples - inside) * Math.log((1 - own) / (1 - c) || 1);
}

function sharedWords(a: string, b: string): number {
  const words = (name: string): Set<string> =>
    new Set(
      name
        .toLowerCase()
        .split(/[^a-z0-9]+/)
        .filter(word => word.length > 2),
    );
  const others = words(b);
  return [...words(a)].filter(word => others.has(word)).length;
}
