import type { Observation, SpanNode } from './observation.ts';

/** One run that looked for ready steps and enqueued those that it found. */
export interface EnqueueRun {
  readonly node: SpanNode;
  readonly process: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly taskUuid: string;
  /** The step whose result was being processed; '' where a task began, or a poller looked. */
  readonly parentStep: string;
  readonly items: readonly Observation[];
  /** Steps that it enqueued, in order, and when it was done with each. */
  readonly steps: ReadonlyMap<string, EnqueuedStep>;
  /** Step that each item was for; '' = all of them. */
  readonly ownerOf: ReadonlyMap<Observation, string>;
}

export interface EnqueuedStep {
  readonly beginNs: number;
  /** End of the call that sent it; NaN = not seen. */
  readonly sentNs: number;
  readonly endNs: number;
}

/** One processing of one result. */
export interface ResultRun {
  readonly node: SpanNode | undefined;
  readonly process: number;
  readonly step: string;
  readonly startNs: number;
  endNs: number;
  /** Everything in it, and what led to it and settled its message, without the runs that enqueue others. */
  readonly items: Observation[];
  readonly enqueueRuns: readonly EnqueueRun[];
  /** It changed the step's state. */
  readonly decided: boolean;
}

/** One handling of a step's message by a worker. */
export interface Visit {
  readonly step: string;
  readonly process: number;
  readonly startNs: number;
  readonly items: Observation[];
}
