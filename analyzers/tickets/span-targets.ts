import { formatDuration, formatShare } from '../../src/base/format-units.ts';
import type { CriticalPathResult } from '../critical-path.ts';
import type { Findings } from './ticket.ts';
import { TASKS_FOR_A_TICKET, WORTH_A_TICKET } from './workflow-targets.ts';

/** Targets of traces that are of no workflow: operations by how much shorter the critical paths would be without them. */
export function spanTargets({ traces, operations }: CriticalPathResult): Findings {
  const totalNs = traces.reduce((sum, trace) => sum + trace.totalNs, 0);
  if (totalNs === 0) return { candidates: [], notRecommended: [], notes: [] };
  const named = operations.map(o => ({ ...o, worth: o.dragNs / totalNs, title: `${o.service}: ${o.name}` }));
  const worthy = named.filter(o => o.kind !== 'gap' && o.worth >= WORTH_A_TICKET);
  if (traces.length < TASKS_FOR_A_TICKET) {
    return {
      candidates: [],
      notRecommended: [],
      notes: worthy.map(
        o =>
          `${o.title}: without it the critical ${traces.length === 1 ? 'path' : 'paths'} would be ${formatShare(o.worth)} shorter, and ${TASKS_FOR_A_TICKET} traces are the least for a ticket`,
      ),
    };
  }
  return {
    candidates: worthy.map(o => ({
      worth: o.worth,
      ticket: {
        kind: o.kind === 'queue-wait' ? 'wait' : 'span',
        title: `Shorten ${o.title}`,
        target:
          o.kind === 'queue-wait'
            ? 'Time that messages lay between the end of what sent them and the start of what took them.'
            : 'What this span does by itself while nothing below it holds the path up.',
        share: { value: o.share, of: 'the critical paths', interval: null },
        evidence: [
          { what: 'on critical paths', value: o.totalNs, unit: 'nanoseconds' },
          { what: 'times', value: o.count, unit: 'count' },
          { what: 'paths that were looked at', value: traces.length, unit: 'count' },
        ],
        members: [],
        impact: { method: 'critical-path', goneNs: o.dragNs, relativeDelta: -o.worth },
        acceptance: { expect: [], failOn: [], needs: { amount: null, of: 'tasks' } },
        doubts: [
          'No workflow was recognised, so nothing could be replayed: the figure is what the paths would be shorter by if all else stayed as it was.',
          'Traces of no workflow have no tasks that tprof diff could compare: compare the span’s durations before and after (tprof critical-path --json).',
        ],
      },
    })),
    notRecommended: named
      .filter(o => o.worth < WORTH_A_TICKET && o.totalNs / totalNs >= WORTH_A_TICKET)
      .map(o => ({
        what: o.title,
        measured: `${formatDuration(o.totalNs)} on critical paths`,
        why: `others ran beside it: without it they would be ${formatShare(o.worth)} shorter`,
      })),
    notes: [],
  };
}
