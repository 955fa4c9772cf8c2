import { formatCount, formatDuration, formatShare } from '../src/base/format-units.ts';
import type { Finding } from './hot-path-findings.ts';
import type { SeriesFigures, SystemFiguresResult } from './system-figures-result.ts';

type Measured = Omit<SystemFiguresResult, 'findings' | 'schema' | 'epochNs' | 'inputs' | 'warnings'>;

/** From here on each is worth a sentence. */
const RUN_QUEUE_SHARE = 0.2;
const OTHERS_SHARE = 0.1;
const STOLEN_SHARE = 0.02;
const OBSERVER_SHARE = 0.1;
const CONNECTIONS_SHARE = 0.8;
const CACHE_HIT_SHARE = 0.9;
const LOCKED_READINGS = 0.1;
const LONG_TRANSACTION_NS = 5e9;
const DEEP_QUEUE = 100;
/** Fewer readings than this make a finding a note. */
const FEW_READINGS = 10;

/** What the figures say of the circumstances: what was short, what disturbed, what may not be compared. */
export function systemFindings(result: Measured): Finding[] {
  // A profiler's own figures come a hundred times a second, and say nothing of what is found here.
  const probes = result.sources.filter(source => !source.probe.startsWith('clinic'));
  const readings = Math.max(0, ...probes.map(source => source.readings - source.missed));
  const few = readings < FEW_READINGS;
  const findings: Finding[] = [];
  const find = (id: string, severity: 'notice' | 'warning', title: string, detail: string, evidence: string): void => {
    findings.push({
      id,
      severity: few ? 'info' : severity,
      title,
      detail: few ? `${detail} Only ${readings} readings: a hint, no more.` : detail,
      evidence,
      confidence: few ? 0.4 : 0.8,
    });
  };
  ofMachine(result, find);
  for (const server of result.postgres) ofPostgres(result, server, find);
  ofQueues(result, find);
  return findings;
}

type Find = (id: string, severity: 'notice' | 'warning', title: string, detail: string, evidence: string) => void;

function ofMachine({ host, programs }: Measured, find: Find): void {
  const cpuNs = programs.reduce((sum, program) => sum + program.cpuNs, 0);
  const queueNs = programs.reduce((sum, program) => sum + (program.runQueueNs ?? 0), 0);
  if (cpuNs > 0 && queueNs / (cpuNs + queueNs) >= RUN_QUEUE_SHARE) {
    const worst = programs.filter(program => program.verdict === 'short-of-cpu').map(program => program.name);
    find(
      'short-of-cpu',
      'warning',
      `Processes were ready to run, but waited for a processor for ${formatDuration(queueNs)}`,
      `That is beside ${formatDuration(cpuNs)} on a processor${worst.length === 0 ? '' : `; most of all ${worst.slice(0, 3).join(', ')}`}. Latencies hold that wait: give the workload more processors, or less to do at once.`,
      'run-queue wait of each thread, /proc/PID/task/TID/schedstat',
    );
  }
  if (host === undefined) return;
  if (host.othersShare >= OTHERS_SHARE) {
    find(
      'busy-machine',
      'warning',
      `Other programs took ${formatShare(host.othersShare)} of the machine`,
      'Their work disturbs the figures. Measure on a machine that does nothing else, or compare runs that were disturbed alike.',
      '/proc/stat less the CPU of the recorded processes and of tprof',
    );
  }
  if (host.stolenShare >= STOLEN_SHARE) {
    find(
      'cpu-stolen',
      'warning',
      `The host of this virtual machine kept ${formatShare(host.stolenShare)} of its processors for others`,
      'Times are longer by that, and nothing inside the machine explains it.',
      'steal time, /proc/stat',
    );
  }
  if (host.observerShare >= OBSERVER_SHARE && host.recordedShare > 0) {
    find(
      'observer',
      'notice',
      `tprof itself took ${formatShare(host.observerShare)} of the machine`,
      'record --measure-overhead says what that does to the latencies.',
      'CPU of the tprof process',
    );
  }
}

function ofPostgres(result: Measured, server: Measured['postgres'][number], find: Find): void {
  const { most, limit } = server.connections;
  if (limit !== null && limit > 0 && most / limit >= CONNECTIONS_SHARE) {
    find(
      'connections',
      'warning',
      `${formatCount(most)} of ${formatCount(limit)} connections of the database were in use`,
      `Most by ${server.byApplication
        .slice(0, 3)
        .map(({ application, most: own }) => `${application} (${formatCount(own)})`)
        .join(', ')}. Pools that wait for a connection look like slow statements.`,
      'pg_stat_activity against max_connections',
    );
  }
  if (server.plannerStatistics === 'stale') {
    const stale = server.tables.filter(table => table.used && table.stale);
    find(
      'planner-statistics',
      'notice',
      `Planner statistics of ${stale.length} ${stale.length === 1 ? 'table' : 'tables'} were out of date`,
      `${stale
        .slice(0, 4)
        .map(({ table, changedSinceAnalyze }) => `${table} (${formatCount(changedSinceAnalyze)} changes)`)
        .join(', ')}: ANALYZE them before measuring, or compare only runs in which they are alike.`,
      "n_mod_since_analyze beyond the server's own threshold, pg_stat_user_tables",
    );
  }
  if (server.cacheHitShare !== null && server.cacheHitShare < CACHE_HIT_SHARE) {
    find(
      'cache-hit',
      'notice',
      `Only ${formatShare(server.cacheHitShare)} of the blocks were in the database's cache`,
      'The others came from the system or the disk: shared_buffers is small for what was read, or the cache was cold.',
      'blks_hit and blks_read of pg_stat_database',
    );
  }
  const ofServer = (name: string): SeriesFigures | undefined =>
    result.series.find(series => series.source === server.source && series.name === name);
  const locked = ofServer('postgres.locks-waited-for');
  if (locked !== undefined) {
    const waiting = locked.values.filter(value => (value ?? 0) > 0).length / locked.values.length;
    if (waiting >= LOCKED_READINGS) {
      find(
        'lock-waits',
        'warning',
        `Sessions waited for locks in ${formatShare(waiting)} of the readings`,
        `Up to ${formatCount(locked.max)} at once${server.locks.length === 0 ? '' : `, for ${server.locks[0]!.lock}`}.`,
        'pg_locks, not granted',
      );
    }
  }
  const oldest = ofServer('postgres.oldest-transaction');
  if (oldest !== undefined && oldest.max >= LONG_TRANSACTION_NS) {
    find(
      'long-transaction',
      'notice',
      `A transaction was open for ${formatDuration(oldest.max)}`,
      'Vacuum cannot clean up behind it, and its locks last as long.',
      'xact_start, pg_stat_activity',
    );
  }
}

function ofQueues({ series }: Measured, find: Find): void {
  for (const { name, labels, values, max } of series) {
    if (name !== 'queue.depth' || max < DEEP_QUEUE) continue;
    const known = values.filter(value => value !== null);
    const third = Math.floor(known.length / 3);
    if (third === 0) continue;
    const mean = (part: readonly number[]): number => part.reduce((sum, value) => sum + value, 0) / part.length;
    const begin = mean(known.slice(0, third));
    const end = mean(known.slice(-third));
    if (end < DEEP_QUEUE || end < 2 * begin) continue;
    find(
      'queue-grows',
      'warning',
      `The queue ${labels.queue ?? ''} grew`,
      `From ${formatCount(begin)} to ${formatCount(end)} messages: more is sent than its consumers take.`,
      'mean of the first and the last third of the readings',
    );
  }
}
