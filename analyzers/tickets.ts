import { Warnings } from '../src/base/warnings.ts';
import type { ResultHeader } from '../src/model/result.ts';
import type { CriticalPathResult } from './critical-path.ts';
import type { HotPathsResult } from './hot-paths.ts';
import type { Repeated } from './lifecycle/breakdown-result.ts';
import { cpuTargets } from './tickets/cpu-targets.ts';
import { spanTargets } from './tickets/span-targets.ts';
import type { Candidate, Findings, NotRecommended, Priority, Ticket } from './tickets/ticket.ts';
import { workflowTargets } from './tickets/workflow-targets.ts';
import type { WorkflowTask } from './workflow/workflow-task.ts';
import { analyzeWorkflow } from './workflow.ts';

/** What drafts are made from; what was not recorded is absent. */
export interface TicketEvidence {
  readonly inputs: readonly string[];
  readonly epochNs?: string;
  /** Complete tasks of all runs. */
  readonly tasks?: readonly WorkflowTask[];
  readonly repeated?: readonly Repeated[];
  readonly hotPaths?: HotPathsResult | undefined;
  /** Of traces that are of no workflow. */
  readonly criticalPath?: CriticalPathResult | undefined;
  /** Doubts that readers and analyzers had. */
  readonly warnings?: HotPathsResult['warnings'];
}

/** `tprof.tickets/1`. */
export interface TicketsResult extends ResultHeader<'tickets'> {
  /** By what they would bring: latency first, then processor time. */
  readonly tickets: readonly Ticket[];
  readonly notRecommended: readonly NotRecommended[];
  /** What the data does not carry far enough for a ticket. */
  readonly notes: readonly string[];
}

/** What a target must bring to be called that. Of latency by the replay at half; of processor time by half of its share. */
const HIGH = 0.05;
const MEDIUM = 0.02;

/** Drafts one ticket for each target that is worth one, and says of the others why not. */
export function analyzeTickets(evidence: TicketEvidence): TicketsResult {
  const tasks = evidence.tasks ?? [];
  const nothing: Findings = { candidates: [], notRecommended: [], notes: [] };
  const workflow = tasks.length === 0 ? nothing : workflowTargets(analyzeWorkflow(tasks), evidence.repeated ?? []);
  const spans = evidence.criticalPath === undefined ? nothing : spanTargets(evidence.criticalPath);
  const cpu = evidence.hotPaths === undefined ? nothing : cpuTargets(evidence.hotPaths);
  const byWorth = (a: Candidate, b: Candidate): number =>
    b.worth - a.worth || (a.ticket.title < b.ticket.title ? -1 : 1);
  const latency = [...workflow.candidates, ...spans.candidates].sort(byWorth);
  const ids = new Set<string>();
  const warnings = new Warnings();
  warnings.merge(evidence.warnings ?? []);
  return {
    schema: 'tprof.tickets/1',
    epochNs: evidence.epochNs ?? '0',
    inputs: evidence.inputs,
    warnings: warnings.list(),
    tickets: [...latency, ...[...cpu.candidates].sort(byWorth)].map(({ ticket }) => ({
      id: uniqueId(ticket.title, ids),
      priority: priorityOf(ticket.impact),
      ...ticket,
      doubts: [...ticket.doubts, ...doubtsOf(warnings.list(), ticket.impact.method)],
    })),
    notRecommended: [...workflow.notRecommended, ...spans.notRecommended, ...cpu.notRecommended],
    notes: [...workflow.notes, ...spans.notes, ...cpu.notes],
  };
}

/** Doubts about the whole recording that a draft must carry along, since it goes where the others do not. */
const CARRIED: Readonly<Record<'spans' | 'samples', readonly string[]>> = {
  spans: ['spans-lost', 'logs-missing', 'incomplete-steps', 'clock-skew', 'incomplete-capture', 'damaged-input'],
  samples: ['samples-lost', 'symbols-missing', 'incomplete-capture', 'damaged-input'],
};

function doubtsOf(warnings: TicketsResult['warnings'], method: Ticket['impact']['method']): string[] {
  const codes = CARRIED[method === 'samples' ? 'samples' : 'spans'];
  return warnings
    .filter(warning => codes.includes(warning.code))
    .map(
      ({ message, examples }) => `In the recording: ${message}${examples[0] === undefined ? '' : ` (${examples[0]})`}.`,
    );
}

function priorityOf(impact: Ticket['impact']): Priority {
  const brings =
    impact.method === 'replay'
      ? -impact.halved.relativeDelta
      : impact.method === 'critical-path'
        ? -impact.relativeDelta / 2
        : impact.method === 'samples'
          ? impact.atMost / 2
          : 0;
  return brings >= HIGH ? 'high' : brings >= MEDIUM ? 'medium' : 'low';
}

function uniqueId(title: string, taken: Set<string>): string {
  const slug =
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60)
      .replace(/-+$/, '') || 'target';
  let id = slug;
  for (let n = 2; taken.has(id); n++) id = `${slug}-${n}`;
  taken.add(id);
  return id;
}
