import { lastDependency, type WorkflowGraph } from './workflow-graph.ts';
import type { WorkflowPart } from './workflow-task.ts';

/** How long a part takes in the replay; undefined = as recorded. */
export type PartDuration = (part: WorkflowPart, stepUuid: string) => number | undefined;

/** One part of one step, in the order in which all of them ended. */
interface Event {
  readonly step: number;
  /** Place among the parts of its step. */
  readonly place: number;
  readonly endNs: number;
}

interface ReplayStep {
  readonly graph: number;
  readonly uuid: string;
  readonly parts: readonly WorkflowPart[];
  readonly startNs: number;
  readonly dependencies: readonly number[];
  readonly doneNs: number;
  readonly endNs: number;
  readonly lagNs: number;
  /** Of the dependencies, the one that was done last: its run enqueued the step. -1 for a root. */
  readonly last: number;
}

/**
 * Runs recorded tasks again with other durations. A step begins where the run of its last dependency had come to when it
 * was recorded to begin, or, should another dependency be the last one now, as long after that one is done; its parts keep their order; a wait that is explained by another step's work (`behind`) ends
 * when that work has come as far as it had when the wait ended. Other waits keep their lengths, and nobody overtakes.
 *
 * Parts are taken in the order in which they ended: whatever a part depends on ended before it, so that one pass over
 * them is enough. Made once, run as often as there are questions.
 */
export class Replay {
  readonly #graphs: readonly WorkflowGraph[];
  readonly #steps: ReplayStep[] = [];
  readonly #events: Event[] = [];
  readonly #indexOf = new Map<string, number>();

  constructor(graphs: readonly WorkflowGraph[]) {
    this.#graphs = graphs;
    for (const [g, graph] of graphs.entries()) {
      const first = this.#steps.length;
      for (const [i, { stepUuid: uuid, parts, startNs, wallNs }] of graph.steps.entries()) {
        this.#indexOf.set(uuid, first + i);
        const dependencies = graph.dependencies[i]!.map(d => first + d);
        const [doneNs, lagNs] = [graph.doneNs[i]!, graph.lagNs[i]!];
        const latest = lastDependency(graph, i);
        const last = latest === -1 ? -1 : first + latest;
        const endNs = startNs + wallNs;
        this.#steps.push({ graph: g, uuid, parts, startNs, dependencies, doneNs, endNs, lagNs, last });
        for (const [place, part] of parts.entries()) {
          this.#events.push({ step: first + i, place, endNs: part.startNs + part.durationNs });
        }
      }
    }
    this.#events.sort((a, b) => a.endNs - b.endNs || a.step - b.step || a.place - b.place);
  }

  /** New wall time of each task, in ns, in the order of the graphs. */
  wallNs(durationOf: PartDuration): number[] {
    const run = new Run(this.#steps, this.#indexOf, this.#graphs, durationOf);
    for (const { step, place } of this.#events) run.take(step, place);
    const newEnds = run.lastEnds();
    return this.#graphs.map(({ task, steps }, g) => {
      let recordedEnd = task.startNs;
      for (const step of steps) recordedEnd = Math.max(recordedEnd, step.startNs + step.wallNs);
      // What lay between the last step and the end of the task stays as it was.
      return newEnds[g]! + task.wallNs - recordedEnd;
    });
  }
}

/** The state of one replay. */
class Run {
  readonly #steps: readonly ReplayStep[];
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #graphs: readonly WorkflowGraph[];
  readonly #durationOf: PartDuration;
  /** New start of each step, once it has begun, and the new ends of its parts so far. */
  readonly #start: (number | undefined)[];
  readonly #ends: number[][];

  constructor(
    steps: readonly ReplayStep[],
    indexOf: ReadonlyMap<string, number>,
    graphs: readonly WorkflowGraph[],
    durationOf: PartDuration,
  ) {
    this.#steps = steps;
    this.#indexOf = indexOf;
    this.#graphs = graphs;
    this.#durationOf = durationOf;
    this.#start = steps.map(() => undefined);
    this.#ends = steps.map(() => []);
  }

  take(step: number, place: number): void {
    const { parts, uuid } = this.#steps[step]!;
    const ends = this.#ends[step]!;
    const from = place === 0 ? this.#begin(step) : ends[place - 1]!;
    const part = parts[place]!;
    ends.push(from + (this.#durationOf(part, uuid) ?? this.#asRecorded(part, from)));
  }

  /** The last new end among the steps of each graph. */
  lastEnds(): number[] {
    const last = this.#graphs.map(({ task }) => task.startNs);
    for (const [i, { graph }] of this.#steps.entries()) {
      last[graph] = Math.max(last[graph]!, this.#ends[i]!.at(-1) ?? last[graph]!);
    }
    return last;
  }

  #begin(step: number): number {
    const { graph, dependencies, lagNs, startNs: recordedNs, last } = this.#steps[step]!;
    const { startNs } = this.#graphs[graph]!.task;
    let ready = dependencies.length === 0 ? startNs + lagNs : Number.NEGATIVE_INFINITY;
    for (const d of dependencies) {
      const { doneNs, endNs } = this.#steps[d]!;
      // What the run did between the completion and this beginning is part of that step's life, and may change with it.
      const from = d === last ? Math.max(doneNs, Math.min(recordedNs, endNs)) : doneNs;
      ready = Math.max(ready, this.#newTime(d, from) + (d === last ? recordedNs - from : lagNs));
    }
    const start = Math.max(startNs, ready);
    this.#start[step] = start;
    return start;
  }

  #asRecorded(part: WorkflowPart, from: number): number {
    const behind = part.kind === 'wait' && typeof part.behind === 'string' ? this.#indexOf.get(part.behind) : undefined;
    if (behind === undefined || this.#start[behind] === undefined) return part.durationNs;
    return Math.max(0, this.#newTime(behind, part.startNs + part.durationNs) - from);
  }

  /** Where a moment of a step's recorded life lies in the replay, as far as that has come. */
  #newTime(step: number, recordedNs: number): number {
    const { parts, startNs, uuid } = this.#steps[step]!;
    const ends = this.#ends[step]!;
    // The moment is near what was taken last.
    let place = ends.length;
    while (place > 0 && parts[place - 1]!.startNs >= recordedNs) place--;
    if (place > 0 && parts[place - 1]!.startNs + parts[place - 1]!.durationNs >= recordedNs) place--;
    const part = parts[place];
    const from = place === 0 ? (this.#start[step] ?? startNs) : ends[place - 1]!;
    if (part === undefined) {
      const last = parts.at(-1);
      return from + recordedNs - (last === undefined ? startNs : last.startNs + last.durationNs);
    }
    const into = recordedNs - part.startNs;
    if (part.durationNs === 0) return from + into;
    const duration =
      ends[place] === undefined ? (this.#durationOf(part, uuid) ?? part.durationNs) : ends[place]! - from;
    return from + (into * duration) / part.durationNs;
  }
}
