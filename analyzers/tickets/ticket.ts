/** A draft of a ticket: one thing to make cheaper, what it costs now, what that would bring, and how to prove it. */
export interface Ticket {
  /** Unique among the drafts, fit for a file name. */
  readonly id: string;
  readonly kind: TicketKind;
  readonly title: string;
  readonly priority: Priority;
  /** One sentence: what is to become cheaper. */
  readonly target: string;
  readonly share: {
    /** 0…1. */
    readonly value: number;
    readonly of: string;
    /** 95 %, where it is known from samples. */
    readonly interval: readonly [low: number, high: number] | null;
  };
  readonly evidence: readonly Measure[];
  /** What the target is made of, the dearest first; empty where it is one thing. */
  readonly members: readonly Member[];
  readonly impact: Impact;
  readonly acceptance: Acceptance;
  /** What a reader must know before acting on it. */
  readonly doubts: readonly string[];
}

export type TicketKind =
  | 'statements'
  | 'operation'
  | 'own-code'
  | 'wait'
  | 'handler'
  | 'repeated-work'
  | 'function'
  | 'category'
  | 'span';

export type Priority = 'high' | 'medium' | 'low';

export interface Measure {
  readonly what: string;
  readonly value: number;
  /** `share`: 0…1. `count`: how many. Otherwise the unit of a profile's weight. */
  readonly unit: string;
}

export interface Member {
  readonly name: string;
  readonly count: number;
  readonly total: number;
  readonly unit: string;
  /** Of the target. */
  readonly share: number;
}

export interface Change {
  readonly before: number;
  readonly after: number;
}

/** The recorded tasks, replayed with the target changed. */
export interface Replayed {
  readonly p50Ns: Change;
  readonly p95Ns: Change;
  /** Of the sum over all tasks; negative = sooner. */
  readonly relativeDelta: number;
  /** The smallest and the largest change among the tasks. */
  readonly perTask: readonly [low: number, high: number];
}

export type Impact =
  /** `halved`, `gone`: the target takes half as long, or no time. `whatIf`: the same, asked by hand. */
  | {
      readonly method: 'replay';
      readonly tasks: number;
      readonly halved: Replayed;
      readonly gone: Replayed;
      readonly whatIf: string | null;
    }
  /** Of the critical paths of traces that are of no workflow: what they would be shorter by without it. */
  | { readonly method: 'critical-path'; readonly goneNs: number; readonly relativeDelta: number }
  /** Samples say what processor time could be saved at most, and nothing of latency. */
  | { readonly method: 'samples'; readonly atMost: number; readonly weight: string }
  | { readonly method: 'unknown'; readonly why: string };

export interface Acceptance {
  /** For `tprof diff --expect`: what the change must be shown to do. */
  readonly expect: readonly string[];
  /** For `tprof diff --fail-on`: what it must not do. */
  readonly failOn: readonly string[];
  readonly needs: {
    /** Tasks, or samples, a side that show the expected change 4 times in 5; null = the spread is not known. */
    readonly amount: number | null;
    readonly of: 'tasks' | 'samples';
  };
}

/** A thing that looks worth changing, and is not. */
export interface NotRecommended {
  readonly what: string;
  readonly measured: string;
  readonly why: string;
}

/** A candidate as the analyzers of one kind of input find it: the impact decides which become tickets. */
export interface Candidate {
  readonly ticket: Omit<Ticket, 'id' | 'priority'>;
  /** What the largest change of it would bring, 0…1: of latency, or of processor time. */
  readonly worth: number;
}

export interface Findings {
  readonly candidates: readonly Candidate[];
  readonly notRecommended: readonly NotRecommended[];
  /** What would have become a ticket, had more been recorded. */
  readonly notes: readonly string[];
}
