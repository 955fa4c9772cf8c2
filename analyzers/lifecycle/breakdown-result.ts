import type { ResultHeader } from '../../src/model/result.ts';
import type { Figures } from './sample.ts';
import type { PartKind } from './timeline.ts';

/** `tprof.breakdown/1`: where the time of each step of each task went. All times are nanoseconds after `epochNs`. */
export interface BreakdownResult extends ResultHeader<'breakdown'> {
  readonly tasks: readonly BreakdownTask[];
  readonly operations: readonly OperationFigures[];
  /** Time of each phase on a step's path, whatever it was spent on; per step. */
  readonly phases: readonly NamedFigures[];
  readonly waits: readonly NamedFigures[];
  /** The orchestrator's own work between two operations, by phase; `over5ms` in one gap. */
  readonly code: readonly (NamedFigures & { readonly over5msNs: number })[];
  readonly handler: Figures;
  readonly shares: Shares;
  readonly counts: Counts;
  readonly completeness: Completeness;
  readonly repeated: readonly Repeated[];
  readonly missing: readonly Missing[];
  readonly unmatched: readonly { readonly fingerprint: string; readonly count: number; readonly totalNs: number }[];
  /** Known statements that are no part of any step's life: creation of tasks, polls, health checks. */
  readonly outside: readonly OutsideWork[];
  readonly noise: { readonly spans: number; readonly logs: number };
  readonly processes: readonly { readonly name: string; readonly pid: number; readonly clockOffsetNs: number }[];
}

export interface BreakdownTask {
  readonly taskUuid: string;
  readonly namespace: string;
  readonly name: string;
  readonly complete: boolean;
  readonly startNs: number;
  readonly wallNs: number;
  readonly steps: readonly BreakdownStep[];
}

export interface BreakdownStep {
  readonly stepUuid: string;
  readonly name: string;
  /** Longest way from a root, counted from 1. */
  readonly stage: number;
  readonly attempt: number;
  /** Its whole life is in the recording. `reason` says what is not. */
  readonly complete: boolean;
  readonly reason: string | null;
  readonly dependsOn: readonly string[];
  readonly eligibleNs: number;
  readonly startNs: number;
  readonly wallNs: number;
  readonly parts: readonly BreakdownPart[];
}

export interface BreakdownPart {
  readonly kind: PartKind;
  readonly phase: string;
  readonly id: string;
  readonly startNs: number;
  readonly durationNs: number;
  readonly evidence: 'span' | 'event' | 'log' | 'row' | 'gap';
  readonly standIn: string | null;
  readonly shared: boolean;
  readonly spanIds: readonly string[];
  /** Of a wait: the step whose work explains it. */
  readonly behind: string | null;
}

export interface NamedFigures extends Figures {
  readonly phase: string;
  readonly id: string;
}

export interface OperationFigures extends NamedFigures {
  /** What the documents expect at each step; 0 = they do not name it. */
  readonly expectedPerStep: number;
  readonly standIn: string | null;
  /** How it was known, and how often. */
  readonly evidence: { readonly span: number; readonly event: number; readonly log: number };
}

/** Of the wall time of all complete steps; they add up to 1. */
export interface Shares {
  readonly operation: number;
  readonly handler: number;
  readonly wait: number;
  readonly code: number;
  readonly unattributed: number;
  /** Part of `code`: in gaps longer than 5 ms. */
  readonly codeOver5ms: number;
}

export interface Expected {
  /** null = the documents do not say. */
  readonly expected: number | null;
  readonly observed: number;
}

export interface Counts {
  readonly operations: Expected;
  readonly messages: Expected;
  readonly stepTransitions: Expected;
  readonly taskTransitions: Expected;
  readonly dependencyEvaluations: Expected;
}

export interface Completeness {
  readonly steps: number;
  readonly complete: number;
  readonly leftOut: readonly { readonly stepUuid: string; readonly name: string; readonly reason: string }[];
}

export interface Repeated {
  readonly stepUuid: string;
  readonly name: string;
  readonly phase: string;
  /** How often it happened in all. */
  readonly times: number;
  readonly extraNs: number;
}

export interface Missing {
  readonly process: string;
  readonly what: string;
  readonly count: number;
  readonly fromNs: number;
  readonly toNs: number;
}

export interface OutsideWork {
  readonly context: string;
  readonly what: string;
  readonly count: number;
  readonly totalNs: number;
}
