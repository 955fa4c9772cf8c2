import { firstDocument, lastDocument, type Series, type SeriesSource } from '../src/model/series.ts';
import type { PostgresFigures, StatementFigures, TableFigures } from './system-figures-result.ts';
import { rates, summarise, totalRise } from './system-figures-series.ts';

/** What a server did, and how fresh the statistics were that its planner went by. */
export function postgresFigures(source: SeriesSource, index: number): PostgresFigures | undefined {
  if (source.probe !== 'postgres' || source.series.length === 0) return undefined;
  const one = (name: string): Series | undefined => source.series.find(series => series.name === `postgres.${name}`);
  const many = (name: string): Series[] => source.series.filter(series => series.name === `postgres.${name}`);
  const most = (series: Series | undefined): number =>
    series === undefined ? 0 : series.values.reduce((max, value) => (value > max ? value : max), 0);
  const server = lastDocument(source, 'server')?.value as { version?: unknown } | undefined;
  const limit = one('connections-most');
  const hits = one('blocks-hit');
  const reads = one('blocks-read');
  const asked = (hits === undefined ? 0 : totalRise(hits)) + (reads === undefined ? 0 : totalRise(reads));
  const commits = one('commits');
  const tables = tableFigures(source);
  const statements = lastDocument(source, 'statements')?.value as StatementsDocument | undefined;
  return {
    source: index,
    version: String(server?.version ?? ''),
    connections: { most: most(one('connections')), limit: limit === undefined ? null : most(limit) },
    byApplication: many('connections-by-application')
      .map(series => ({ application: series.labels.application ?? '', most: most(series) }))
      .sort((a, b) => b.most - a.most || (a.application < b.application ? -1 : 1)),
    waits: many('waits')
      .map(series => ({
        wait: series.labels.wait ?? '',
        // Of all readings: before it first occurred, nobody waited for it.
        mean: sumOfKnown(series) / Math.max(1, source.timesNs.length - missedReadings(source)),
        most: most(series),
      }))
      .sort((a, b) => b.mean - a.mean || (a.wait < b.wait ? -1 : 1)),
    locks: many('lock-waits')
      .map(series => ({
        lock: series.labels.lock ?? '',
        most: most(series),
        readings: series.values.reduce((count, value) => count + (value > 0 ? 1 : 0), 0),
      }))
      .sort((a, b) => b.readings - a.readings || (a.lock < b.lock ? -1 : 1)),
    cacheHitShare: hits === undefined || asked === 0 ? null : totalRise(hits) / asked,
    commitsPerSecond: commits === undefined ? null : (summarise(rates(commits, source.timesNs))?.mean ?? null),
    statements: (statements?.statements ?? []).map(statementFigures),
    otherStatements: {
      count: statements?.others.count ?? 0,
      totalNs: (statements?.others.totalMs ?? 0) * 1e6,
    },
    statementsMissing: lastDocument(source, 'statements-missing')?.value as PostgresFigures['statementsMissing'],
    tables,
    plannerStatistics: freshnessOf(tables),
  };
}

interface StatementsDocument {
  readonly statements: readonly {
    readonly query: string;
    readonly calls: number;
    readonly totalMs: number;
    readonly rows: number;
    readonly blocksHit: number;
    readonly blocksRead: number;
    readonly tempBlocks: number;
  }[];
  readonly others: { readonly count: number; readonly totalMs: number };
}

function statementFigures(statement: StatementsDocument['statements'][number]): StatementFigures {
  const { query, calls, totalMs, rows, blocksHit, blocksRead, tempBlocks } = statement;
  const blocks = blocksHit + blocksRead;
  return {
    query,
    calls,
    totalNs: totalMs * 1e6,
    meanNs: (totalMs * 1e6) / calls,
    rows,
    cacheHitShare: blocks === 0 ? null : blocksHit / blocks,
    tempBlocks,
  };
}

interface TableRow {
  readonly schema: string;
  readonly name: string;
  readonly live: number;
  readonly dead: number;
  readonly changed_since_analyze: number;
  readonly analyze_due_at: number;
  readonly last_analyze: string | null;
  readonly last_vacuum: string | null;
  readonly seq_scans: number;
  readonly index_scans: number;
  readonly changes: number;
}

/**
 * Tables as they were in the end. One is stale from the number of changes on at which the server itself would analyze
 * it, be it at the beginning or in the end: both are plans that the workload ran with.
 */
function tableFigures(source: SeriesSource): TableFigures[] {
  const rowsOf = (document: { readonly value: unknown } | undefined): readonly TableRow[] =>
    Array.isArray(document?.value) ? (document.value as TableRow[]) : [];
  const before = new Map(rowsOf(firstDocument(source, 'tables')).map(row => [`${row.schema}.${row.name}`, row]));
  return rowsOf(lastDocument(source, 'tables'))
    .map((row): TableFigures => {
      const table = `${row.schema}.${row.name}`;
      const then = before.get(table);
      const touched = (one: TableRow): number => one.seq_scans + one.index_scans + one.changes;
      const due = (one: TableRow): boolean => one.changed_since_analyze > one.analyze_due_at;
      return {
        table,
        rows: row.live,
        deadRows: row.dead,
        changedSinceAnalyze: row.changed_since_analyze,
        analyzeDueAt: row.analyze_due_at,
        lastAnalyze: row.last_analyze,
        lastVacuum: row.last_vacuum,
        used: touched(row) > (then === undefined ? 0 : touched(then)),
        stale: due(row) || (then !== undefined && due(then)),
      };
    })
    .sort((a, b) => b.changedSinceAnalyze - a.changedSinceAnalyze || (a.table < b.table ? -1 : 1));
}

function freshnessOf(tables: readonly TableFigures[]): PostgresFigures['plannerStatistics'] {
  const used = tables.filter(table => table.used);
  if (used.length === 0) return 'unknown';
  return used.some(table => table.stale) ? 'stale' : 'fresh';
}

/** How far beyond the server's own threshold statistics are surely out of date: near it, chance decides. */
const SURELY_STALE = 2;

/** Whether runs went by fresh statistics, for comparing them; undefined where nothing is known, or it is a close call. */
export function plannerStatisticsOf(servers: readonly PostgresFigures[]): 'fresh' | 'stale' | undefined {
  const used = servers.flatMap(server => server.tables).filter(table => table.used);
  if (used.some(table => table.stale && table.changedSinceAnalyze > SURELY_STALE * table.analyzeDueAt)) return 'stale';
  return used.length > 0 && !used.some(table => table.stale) ? 'fresh' : undefined;
}

function sumOfKnown({ values }: Series): number {
  return values.reduce((sum, value) => (Number.isNaN(value) ? sum : sum + value), 0);
}

function missedReadings(source: SeriesSource): number {
  return source.gaps.reduce((sum, gap) => sum + gap.missed, 0);
}
