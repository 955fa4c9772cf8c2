import { type OperationName, OperationNumbers } from './operation-numbers.ts';
import { lastDependency, type WorkflowGraph } from './workflow-graph.ts';
import type { WorkflowPart } from './workflow-task.ts';

/** How long a part takes in the replay; undefined = as recorded. */
export type PartDuration = (part: WorkflowPart, stepUuid: string) => number | undefined;

interface ReplayStep {
  readonly graph: number;
  readonly uuid: string;
  readonly parts: readonly WorkflowPart[];
  /** Its parts are `[firstPart, endPart)` among those of all steps. */
  readonly firstPart: number;
  readonly endPart: number;
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
 * was recorded to begin, or, should another dependency be the last one now, as long after that one is done; its parts
 * keep their order; a wait that is explained by another step's work (`behind`) ends when that work has come as far as it
 * had when the wait ended. Other waits keep their lengths, and nobody overtakes.
 *
 * Parts are taken in the order in which they ended: whatever a part depends on ended before it, so that one pass over
 * them is enough. Tasks that no wait connects are taken one after the other. Made once, run as often as there are
 * questions: everything about a part is in columns, in the order in which parts are taken.
 */
export class Replay {
  readonly #graphs: readonly WorkflowGraph[];
  readonly #steps: ReplayStep[] = [];
  /** By part, in the order of the steps. */
  readonly #startNs: Float64Array;
  readonly #durationNs: Float64Array;
  /** Turn in which each part is taken. */
  readonly #turnOf: Int32Array;
  /** By turn, so that a run goes through memory from front to back: the part and its step, … */
  readonly #partAt: Int32Array;
  readonly #stepAt: Int32Array;
  /** … the turn of the part before it in its step (-1 = it is the first), … */
  readonly #before: Int32Array;
  /** … the step whose work explains the wait (-1 = no wait, or no such step), … */
  readonly #behind: Int32Array;
  /** … how long the part was, and how long it is in this run, if not as recorded (NaN), … */
  readonly #recordedNs: Float64Array;
  readonly #newDurationNs: Float64Array;
  /** … and its new end, once this run has taken it. */
  readonly #newEndNs: Float64Array;
  /** Per step: its new start (NaN = not begun), and the first part that was not taken yet. */
  readonly #newStartNs: Float64Array;
  readonly #nextPart: Int32Array;
  /** Turns of the parts of each operation; made when they are first asked for. */
  #operations: { readonly numbers: OperationNumbers; readonly turns: readonly (readonly number[])[] } | undefined;

  constructor(graphs: readonly WorkflowGraph[]) {
    this.#graphs = graphs;
    const indexOf = new Map<string, number>();
    let partCount = 0;
    for (const [g, graph] of graphs.entries()) {
      const first = this.#steps.length;
      for (const [i, { stepUuid: uuid, parts, startNs, wallNs }] of graph.steps.entries()) {
        indexOf.set(uuid, first + i);
        const latest = lastDependency(graph, i);
        this.#steps.push({
          graph: g,
          uuid,
          parts,
          firstPart: partCount,
          endPart: partCount + parts.length,
          startNs,
          dependencies: graph.dependencies[i]!.map(d => first + d),
          doneNs: graph.doneNs[i]!,
          endNs: startNs + wallNs,
          lagNs: graph.lagNs[i]!,
          last: latest === -1 ? -1 : first + latest,
        });
        partCount += parts.length;
      }
    }
    this.#startNs = new Float64Array(partCount);
    this.#durationNs = new Float64Array(partCount);
    const stepOf = new Int32Array(partCount);
    const behindOf = new Int32Array(partCount);
    for (const [s, { parts, firstPart }] of this.#steps.entries()) {
      for (const [place, part] of parts.entries()) {
        const p = firstPart + place;
        stepOf[p] = s;
        this.#startNs[p] = part.startNs;
        this.#durationNs[p] = part.durationNs;
        const behind = part.kind === 'wait' && typeof part.behind === 'string' ? indexOf.get(part.behind) : undefined;
        behindOf[p] = behind ?? -1;
      }
    }
    this.#partAt = this.#orderOfEnds(stepOf, behindOf);
    this.#turnOf = new Int32Array(partCount);
    for (let turn = 0; turn < partCount; turn++) this.#turnOf[this.#partAt[turn]!] = turn;
    this.#stepAt = this.#partAt.map(p => stepOf[p]!);
    this.#before = this.#partAt.map(p => (p > 0 && stepOf[p - 1] === stepOf[p] ? this.#turnOf[p - 1]! : -1));
    this.#behind = this.#partAt.map(p => behindOf[p]!);
    this.#recordedNs = Float64Array.from(this.#partAt, p => this.#durationNs[p]!);
    this.#newDurationNs = new Float64Array(partCount).fill(Number.NaN);
    this.#newEndNs = new Float64Array(partCount);
    this.#newStartNs = new Float64Array(this.#steps.length);
    this.#nextPart = new Int32Array(this.#steps.length);
  }

  /** New wall time of each task, in ns, in the order of the graphs. */
  wallNs(durationOf: PartDuration): number[] {
    for (const { uuid, parts, firstPart } of this.#steps) {
      for (let i = 0; i < parts.length; i++) {
        this.#newDurationNs[this.#turnOf[firstPart + i]!] = durationOf(parts[i]!, uuid) ?? Number.NaN;
      }
    }
    const result = this.#run();
    this.#newDurationNs.fill(Number.NaN);
    return result;
  }

  /** The same where all parts of one operation take no time. */
  wallWithoutNs(operation: OperationName): number[] {
    this.#operations ??= this.#byOperation();
    const turns = this.#operations.turns[this.#operations.numbers.find(operation)] ?? [];
    for (const turn of turns) this.#newDurationNs[turn] = 0;
    const result = this.#run();
    for (const turn of turns) this.#newDurationNs[turn] = Number.NaN;
    return result;
  }

  #byOperation(): { numbers: OperationNumbers; turns: number[][] } {
    const numbers = new OperationNumbers();
    const lists: number[][] = [];
    for (const { parts, firstPart } of this.#steps) {
      for (let i = 0; i < parts.length; i++) {
        const number = numbers.numberOf(parts[i]!);
        const list = lists[number];
        const turn = this.#turnOf[firstPart + i]!;
        if (list === undefined) lists[number] = [turn];
        else list.push(turn);
      }
    }
    return { numbers, turns: lists };
  }

  /** Parts by their ends, one group of connected tasks after the other: what is near in the run is near in memory. */
  #orderOfEnds(stepOf: Int32Array, behindOf: Int32Array): Int32Array {
    const groupOf = Int32Array.from(this.#graphs, (_, g) => g);
    const find = (graph: number): number => {
      let at = graph;
      while (groupOf[at] !== at) at = groupOf[at] = groupOf[groupOf[at]!]!;
      return at;
    };
    for (let p = 0; p < behindOf.length; p++) {
      if (behindOf[p] === -1) continue;
      const a = find(this.#steps[stepOf[p]!]!.graph);
      const b = find(this.#steps[behindOf[p]!]!.graph);
      if (a !== b) groupOf[Math.max(a, b)] = Math.min(a, b);
    }
    const groups = new Map<number, number[]>();
    for (const { graph, firstPart, endPart } of this.#steps) {
      const group = find(graph);
      let list = groups.get(group);
      if (list === undefined) {
        list = [];
        groups.set(group, list);
      }
      for (let p = firstPart; p < endPart; p++) list.push(p);
    }
    const order = new Int32Array(stepOf.length);
    let at = 0;
    for (const list of groups.values()) {
      list.sort(
        (a, b) => this.#startNs[a]! + this.#durationNs[a]! - (this.#startNs[b]! + this.#durationNs[b]!) || a - b,
      );
      order.set(list, at);
      at += list.length;
    }
    return order;
  }

  #run(): number[] {
    const steps = this.#steps;
    this.#newStartNs.fill(Number.NaN);
    for (let s = 0; s < steps.length; s++) this.#nextPart[s] = steps[s]!.firstPart;
    for (let turn = 0; turn < this.#partAt.length; turn++) this.#take(turn);
    const lastEnds = this.#graphs.map(({ task }) => task.startNs);
    const recordedEnds = this.#graphs.map(({ task }) => task.startNs);
    for (const { graph, firstPart, endPart, endNs } of steps) {
      if (endPart > firstPart) lastEnds[graph] = Math.max(lastEnds[graph]!, this.#newEndOf(endPart - 1));
      recordedEnds[graph] = Math.max(recordedEnds[graph]!, endNs);
    }
    // What lay between the last step and the end of the task stays as it was.
    return this.#graphs.map(({ task }, g) => lastEnds[g]! + task.wallNs - recordedEnds[g]!);
  }

  #take(turn: number): void {
    const step = this.#stepAt[turn]!;
    const before = this.#before[turn]!;
    const from = before === -1 ? this.#begin(step) : this.#newEndNs[before]!;
    const changed = this.#newDurationNs[turn]!;
    this.#newEndNs[turn] = from + (Number.isNaN(changed) ? this.#asRecorded(turn, from) : changed);
    this.#nextPart[step] = this.#partAt[turn]! + 1;
  }

  #newEndOf(part: number): number {
    return this.#newEndNs[this.#turnOf[part]!]!;
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
    this.#newStartNs[step] = start;
    return start;
  }

  #asRecorded(turn: number, from: number): number {
    const recorded = this.#recordedNs[turn]!;
    const behind = this.#behind[turn]!;
    if (behind === -1 || Number.isNaN(this.#newStartNs[behind]!)) return recorded;
    return Math.max(0, this.#newTime(behind, this.#startNs[this.#partAt[turn]!]! + recorded) - from);
  }

  /** Where a moment of a step's recorded life lies in the replay, as far as that has come. */
  #newTime(step: number, recordedNs: number): number {
    const { firstPart, endPart, startNs } = this.#steps[step]!;
    const next = this.#nextPart[step]!;
    // The moment is near what was taken last.
    let part = next;
    while (part > firstPart && this.#startNs[part - 1]! >= recordedNs) part--;
    if (part > firstPart && this.#startNs[part - 1]! + this.#durationNs[part - 1]! >= recordedNs) part--;
    const begun = this.#newStartNs[step]!;
    const from = part === firstPart ? (Number.isNaN(begun) ? startNs : begun) : this.#newEndOf(part - 1);
    if (part === endPart) {
      const last = endPart - 1;
      return from + recordedNs - (last < firstPart ? startNs : this.#startNs[last]! + this.#durationNs[last]!);
    }
    const into = recordedNs - this.#startNs[part]!;
    const recorded = this.#durationNs[part]!;
    if (recorded === 0) return from + into;
    const changed = this.#newDurationNs[this.#turnOf[part]!]!;
    const duration = part < next ? this.#newEndOf(part) - from : Number.isNaN(changed) ? recorded : changed;
    return from + (into * duration) / recorded;
  }
}
