import type { HotPathsResult } from '../../analyzers/hot-paths.ts';
import type { MatchedProcess } from '../../analyzers/phase-samples.ts';
import { formatCount, formatShare } from '../base/format-units.ts';
import type { Block } from './block.ts';

/** Which phase burns CPU in which process, and how it is known whose samples are whose. */
export function phaseProcessesView({ phaseProcesses, phases }: HotPathsResult): Block[] {
  if (phaseProcesses.length === 0) return [];
  const share = (of: readonly { readonly id: string; readonly share: number }[], id: string): string => {
    const found = of.find(phase => phase.id === id);
    return found === undefined ? '' : formatShare(found.share);
  };
  return [
    {
      kind: 'table',
      caption: 'By lifecycle phase and process (shares of everything sampled)',
      columns: [
        { title: 'phase', align: 'left' },
        ...phaseProcesses.map(({ role }) => ({ title: role, align: 'right' as const })),
        { title: 'all', align: 'right' },
      ],
      rows: [
        ...phases.map(({ id, share: all }) => [
          id,
          ...phaseProcesses.map(process => share(process.phases, id)),
          formatShare(all),
        ]),
        ['all', ...phaseProcesses.map(process => formatShare(process.share)), formatShare(1)],
      ],
    },
    {
      kind: 'table',
      caption: 'How it is known whose samples are whose',
      columns: [
        { title: 'in the trace', align: 'left' },
        { title: 'sampled', align: 'left' },
        { title: 'matched by', align: 'left' },
        { title: 'at its times', align: 'right' },
        { title: 'by chance', align: 'right' },
        { title: 'one phase alone', align: 'right' },
      ],
      rows: phaseProcesses.map(({ role, processes, sureShare }) => [
        role,
        sampledNames(processes),
        [...new Set(processes.map(({ by }) => by))].join(', '),
        `${formatCount(sum(processes, 'inside'))} of ${formatCount(sum(processes, 'samples'))}`,
        formatShare(processes[0]?.chance ?? 0),
        formatShare(sureShare),
      ]),
    },
    {
      kind: 'paragraph',
      text: 'Spans name no process here. “At its times”: samples taken while the trace has that process, or a statement of it, under way; “by chance”: how many of any process would be. “One phase alone”: CPU at moments when everything under way there was of one phase; of the rest, what began last is taken.',
    },
  ];
}

function sampledNames(processes: readonly MatchedProcess[]): string {
  const [first] = processes;
  if (first === undefined) return '';
  return processes.length === 1 ? `${first.name} (${first.pid})` : `${processes.length} × ${first.name}`;
}

function sum(processes: readonly MatchedProcess[], what: 'inside' | 'samples'): number {
  return processes.reduce((total, process) => total + process[what], 0);
}
