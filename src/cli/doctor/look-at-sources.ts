import type { Command } from 'commander';
import { PROBES } from '../../../collectors/probes/list.ts';
import type { ProbeStatus } from '../../../collectors/probes/probe.ts';
import type { Block } from '../../report/block.ts';

/** Servers that `doctor` was asked to look at. */
export interface SourceOptions {
  readonly postgres?: readonly string[];
  readonly queueDepth?: readonly string[];
  readonly metrics?: readonly string[];
}

/** A receiver or a probe, and whether it works. */
export interface SourceFinding {
  readonly kind: 'receiver' | 'probe';
  readonly id: string;
  readonly title: string;
  /** What switches it on; '' where it is on by itself. */
  readonly flag: string;
  readonly status: ProbeStatus;
}

/** Part of tprof itself: nothing has to be installed for them. */
const RECEIVERS: readonly Omit<SourceFinding, 'status' | 'kind'>[] = [
  { id: 'otlp', title: 'OTLP over gRPC and HTTP on one port: spans, log records, metrics', flag: '' },
  {
    id: 'tokio-console',
    title: 'tasks, polls and resources of Rust programs with console-subscriber',
    flag: '--tokio-console ADDR',
  },
];

/** Every word that `--need` knows beside the profilers. */
export const SOURCE_IDS: readonly string[] = [...RECEIVERS, ...PROBES].map(source => source.id);

export function withSourceOptions(command: Command): Command {
  const again = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];
  return command
    .option('--postgres <url>', 'look at this PostgreSQL: version, rights, pg_stat_statements, pgmq', again)
    .option('--queue-depth <url>', 'look at the queues there', again)
    .option('--metrics <url>', 'scrape this metrics endpoint', again);
}

/** Receivers as they are, probes as they find the machine and the servers that were named. */
export async function lookAtSources(options: SourceOptions): Promise<SourceFinding[]> {
  const targets: Readonly<Record<string, readonly string[] | undefined>> = {
    postgres: options.postgres,
    'queue-depth': options.queueDepth,
    prometheus: options.metrics,
  };
  const receivers = RECEIVERS.map((receiver): SourceFinding => {
    const status = { usable: true, version: '', usableFor: receiver.title } as const;
    return { kind: 'receiver', ...receiver, status };
  });
  const probes = PROBES.map(async ({ id, title, flag = '', check }): Promise<SourceFinding[]> => {
    const wanted = targets[id] ?? [];
    const statuses = await Promise.all(wanted.length === 0 ? [check()] : wanted.map(target => check(target)));
    return statuses.map(status => ({ kind: 'probe', id, title, flag, status }));
  });
  return [...receivers, ...(await Promise.all(probes)).flat()];
}

export function sourceRow({ id, title, flag, status }: SourceFinding): object {
  return { id, title, flag, ...status };
}

export function sourceBlocks(findings: readonly SourceFinding[]): Block[] {
  const columns = ['receiver or probe', 'works', 'version', 'switched on by', 'usable for', 'note, or what mends it'];
  return [
    {
      kind: 'table',
      columns: columns.map((title, c) => ({
        title,
        align: 'left',
        whole: c < 2 || title === 'switched on by',
        wrap: c >= columns.length - 2,
      })),
      rows: findings.map(({ id, flag, status }) => [
        id,
        status.usable ? 'yes' : 'no',
        status.usable ? status.version : '',
        flag === '' ? 'itself' : flag,
        status.usable ? status.usableFor : '',
        status.usable ? (status.note ?? '') : `${status.reason}: ${status.hint}`,
      ]),
    },
  ];
}
