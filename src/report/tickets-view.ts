import type { Change, Impact, Measure, Replayed, Ticket } from '../../analyzers/tickets/ticket.ts';
import type { TicketsResult } from '../../analyzers/tickets.ts';
import { formatCount, formatDuration, formatShare, formatValue } from '../base/format-units.ts';
import type { Block } from './block.ts';
import { warningBlocks } from './warnings-view.ts';

/** All drafts on one page: the list, each draft, what is not recommended, and what the data does not carry. */
export function ticketsView(result: TicketsResult): Block[] {
  const blocks: Block[] = [
    { kind: 'heading', level: 1, text: `Optimisation targets in ${result.inputs.join(' ')}` },
    ...warningBlocks(result.warnings),
    ...ticketsOverview(result),
  ];
  for (const ticket of result.tickets) blocks.push(...ticketView(ticket, result.inputs));
  return [...blocks, ...notRecommendedView(result)];
}

/** The list of drafts in the order in which to take them. */
export function ticketsOverview({ tickets, inputs }: TicketsResult): Block[] {
  if (tickets.length === 0) {
    return [
      {
        kind: 'paragraph',
        text: `Nothing in ${inputs.join(' ')} is worth a ticket by itself; what was looked at, and why not, is below.`,
      },
    ];
  }
  return [
    {
      kind: 'table',
      caption: 'Targets by what they would bring: in latency first, then in processor time',
      columns: [
        { title: 'target', align: 'left' },
        { title: 'priority', align: 'left' },
        { title: 'share', align: 'right' },
        { title: 'of', align: 'left' },
        { title: 'expected', align: 'left', wrap: true },
      ],
      rows: tickets.map(t => [t.title, t.priority, formatShare(t.share.value), t.share.of, expected(t.impact)]),
    },
  ];
}

/** One draft, in the shape of a ticket. `inputs` are named in its command. */
export function ticketView(ticket: Ticket, inputs: readonly string[]): Block[] {
  const { share, acceptance } = ticket;
  const interval =
    share.interval === null
      ? ''
      : ` (95 % interval ${formatShare(share.interval[0])} … ${formatShare(share.interval[1])})`;
  return [
    { kind: 'heading', level: 1, text: ticket.title },
    {
      kind: 'list',
      items: [
        `Priority: ${ticket.priority}`,
        `Impact: ${expected(ticket.impact)}`,
        `Share: ${formatShare(share.value)} of ${share.of}${interval}`,
        'Effort: not in the data',
      ],
    },
    { kind: 'heading', level: 2, text: 'Target' },
    { kind: 'paragraph', text: ticket.target },
    { kind: 'heading', level: 2, text: 'Evidence' },
    {
      kind: 'table',
      columns: [
        { title: 'measured', align: 'left', wrap: true },
        { title: 'value', align: 'right' },
      ],
      rows: ticket.evidence.map(measure => [measure.what, shownValue(measure)]),
    },
    ...membersOf(ticket),
    { kind: 'paragraph', text: `From: ${inputs.join(' ')}` },
    { kind: 'heading', level: 2, text: 'Expected impact' },
    ...impactBlocks(ticket.impact),
    { kind: 'heading', level: 2, text: 'Acceptance criteria' },
    { kind: 'list', boxes: true, items: criteria(ticket) },
    ...(acceptance.expect.length + acceptance.failOn.length === 0
      ? []
      : [{ kind: 'code', language: 'console', text: command(ticket) } as const]),
    ...(ticket.doubts.length === 0
      ? []
      : ([
          { kind: 'heading', level: 2, text: 'Mind' },
          { kind: 'list', items: ticket.doubts },
        ] as const)),
  ];
}

/** What looks worth changing and is not, and what the data does not carry. */
export function notRecommendedView({ notRecommended, notes }: TicketsResult): Block[] {
  const blocks: Block[] = [];
  if (notRecommended.length > 0) {
    blocks.push(
      { kind: 'heading', level: 1, text: 'Not recommended' },
      {
        kind: 'table',
        columns: [
          { title: 'what', align: 'left', code: true },
          { title: 'measured', align: 'left' },
          { title: 'why not', align: 'left', wrap: true },
        ],
        rows: notRecommended.map(n => [n.what, n.measured, n.why]),
      },
    );
  }
  if (notes.length > 0) {
    blocks.push({ kind: 'heading', level: 1, text: 'Not drafted' }, { kind: 'list', items: notes });
  }
  return blocks;
}

function membersOf({ members }: Ticket): Block[] {
  if (members.length === 0) return [];
  const counted = members.some(member => member.count > 0);
  return [
    {
      kind: 'table',
      caption: 'What it is made of',
      columns: [
        { title: 'name', align: 'left', code: true },
        ...(counted ? [{ title: 'times', align: 'right' } as const] : []),
        { title: 'in all', align: 'right' },
        { title: 'of the target', align: 'right', bar: true },
      ],
      rows: members.map(member => [
        member.name,
        ...(counted ? [formatCount(member.count)] : []),
        formatValue(member.total, member.unit),
        { text: formatShare(member.share), share: member.share },
      ]),
    },
  ];
}

function impactBlocks(impact: Impact): Block[] {
  switch (impact.method) {
    case 'replay': {
      const row = (what: string, { p50Ns, p95Ns, relativeDelta, perTask }: Replayed): string[] => [
        what,
        fromTo(p50Ns),
        fromTo(p95Ns),
        percent(relativeDelta),
        `${percent(perTask[0])} … ${percent(perTask[1])}`,
      ];
      return [
        {
          kind: 'table',
          caption: `The ${formatCount(impact.tasks)} recorded tasks, replayed`,
          columns: [
            { title: 'if it took', align: 'left' },
            { title: 'median of a task', align: 'right' },
            { title: '95th percentile', align: 'right' },
            { title: 'all tasks', align: 'right' },
            { title: 'by task', align: 'right' },
          ],
          rows: [row('half as long', impact.halved), row('no time at all', impact.gone)],
        },
        ...(impact.whatIf === null
          ? []
          : [
              {
                kind: 'paragraph',
                text: `The same, and other assumptions: tprof breakdown INPUT --what-if '${impact.whatIf}'.`,
              } as const,
            ]),
      ];
    }
    case 'critical-path':
      return [
        {
          kind: 'paragraph',
          text: `Without it the critical paths would be ${formatDuration(impact.goneNs)} shorter (${percent(impact.relativeDelta)}): the most that can be gained.`,
        },
      ];
    case 'samples':
      return [
        {
          kind: 'paragraph',
          text: `At most ${formatShare(impact.atMost)} of ${impact.weight}. Samples say where processors were busy, not what waited for them: what it does to latency is to be measured.`,
        },
      ];
    case 'unknown':
      return [{ kind: 'paragraph', text: `Not known: ${impact.why}.` }];
  }
}

function expected(impact: Impact): string {
  switch (impact.method) {
    case 'replay':
      return `tasks ${percent(impact.halved.relativeDelta)} if it took half as long (by replay)`;
    case 'critical-path':
      return `paths ${percent(impact.relativeDelta)} at most`;
    case 'samples':
      return `at most ${formatShare(impact.atMost)} of ${impact.weight}`;
    case 'unknown':
      return 'not known';
  }
}

function criteria({ acceptance, impact }: Ticket): string[] {
  const { amount, of } = acceptance.needs;
  return [
    ...acceptance.expect.map(expression => `Shown by several runs before and after: ${expression}`),
    ...acceptance.failOn.map(expression => `Not shown by the same runs: ${expression}`),
    ...(acceptance.expect.length === 0
      ? []
      : [
          amount === null
            ? `Enough ${of} a side: how many is not known, since too few were recorded for their spread`
            : `At least ${formatCount(amount)} ${of} a side, which show the change 4 times in 5 at the spread that was recorded`,
        ]),
    impact.method === 'replay'
      ? 'The breakdown before and after is on the ticket (tprof attach)'
      : 'The profile before and after is on the ticket (tprof attach)',
  ];
}

function command({ acceptance }: Ticket): string {
  const quoted = (flag: string) => (expression: string) => `  ${flag} '${expression.replaceAll("'", "'\\''")}'`;
  return [
    'tprof diff --before BEFORE-1 BEFORE-2 BEFORE-3 --after AFTER-1 AFTER-2 AFTER-3',
    ...acceptance.expect.map(quoted('--expect')),
    ...acceptance.failOn.map(quoted('--fail-on')),
  ].join(' \\\n');
}

function shownValue({ value, unit }: Measure): string {
  if (unit === 'share') return formatShare(value);
  if (unit === 'count') return Number.isInteger(value) ? formatCount(value) : value.toFixed(1);
  return formatValue(value, unit);
}

function fromTo({ before, after }: Change): string {
  return `${formatDuration(before)} → ${formatDuration(after)}`;
}

function percent(value: number): string {
  return `${value > 0 ? '+' : ''}${(value * 100).toFixed(1)} %`;
}
