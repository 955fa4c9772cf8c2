import type { Catalog, CatalogOperation, OperationMatch } from './catalog.ts';
import { contextOf, type Observation } from './observation.ts';

interface Candidate {
  readonly operation: CatalogOperation;
  readonly match: OperationMatch;
  readonly queue: RegExp | undefined;
  readonly toState: RegExp | undefined;
}

/** Statements that belong to whatever is around them. */
const BEFORE_OTHERS = new Set(['begin']);
const AFTER_OTHERS = new Set(['commit', 'rollback']);

/** Decides which operation of the catalogue a call is: by what it is, where it ran, and what came before it. */
export class Classifier {
  readonly #candidates = new Map<string, Candidate[]>();
  readonly #phaseOfContext: ReadonlyMap<string, string>;

  constructor(catalog: Catalog) {
    for (const operation of catalog.operations) {
      for (const match of operation.match) {
        for (const what of match.what) {
          const candidate: Candidate = {
            operation,
            match,
            queue: match.queue === undefined ? undefined : new RegExp(match.queue),
            toState: match.toState === undefined ? undefined : new RegExp(match.toState),
          };
          const list = this.#candidates.get(what);
          if (list === undefined) this.#candidates.set(what, [candidate]);
          else list.push(candidate);
        }
      }
    }
    this.#phaseOfContext = new Map(catalog.contexts.map(c => [c.id, c.phase ?? '']));
  }

  /** Names the calls of one step in one process, in order of time; sets `operation`, `phase`, `standIn`. */
  classify(calls: readonly Observation[]): void {
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i]!;
      if (call.form !== 'call' || call.operation !== '') continue;
      const context = contextOf(call);
      const found = this.#find(call, context, calls, i);
      if (found !== undefined) {
        call.operation = found.operation.id;
        call.phase = found.operation.phase;
        call.standIn = found.match.standIn ?? '';
      } else {
        call.phase = this.#phaseOfContext.get(context) ?? '';
        if (call.phase !== '') call.operation = nameOf(call);
      }
    }
    this.#fromNeighbours(calls);
  }

  #find(call: Observation, context: string, calls: readonly Observation[], at: number): Candidate | undefined {
    const candidates = this.#candidates.get(call.what);
    if (candidates === undefined) return undefined;
    let first: Candidate | undefined;
    let second: Candidate | undefined;
    let landmarks: Candidate[] | undefined;
    for (const candidate of candidates) {
      if (!fits(candidate, call, context)) continue;
      if (first === undefined) first = candidate;
      else second = candidate;
      if (candidate.match.after === undefined) continue;
      landmarks ??= [];
      landmarks.push(candidate);
    }
    if (second === undefined || landmarks === undefined) return first;
    for (let i = at - 1; i >= 0; i--) {
      const found = landmarks.find(({ match }) => match.after!.includes(calls[i]!.what));
      if (found !== undefined) return found;
    }
    return first;
  }

  /** What has no phase of its own (a commit, a statement that nobody knows) has that of its neighbour. */
  #fromNeighbours(calls: readonly Observation[]): void {
    let phase = '';
    for (const call of calls) {
      if (call.form !== 'call') continue;
      if (call.phase !== '') phase = call.phase;
      else if (!BEFORE_OTHERS.has(call.what)) call.phase = phase;
    }
    phase = '';
    for (let i = calls.length - 1; i >= 0; i--) {
      const call = calls[i]!;
      if (call.form !== 'call') continue;
      if (call.phase === '' && !AFTER_OTHERS.has(call.what)) call.phase = phase;
      else if (call.phase !== '') phase = call.phase;
    }
    for (const call of calls) if (call.form === 'call' && call.operation === '') call.operation = nameOf(call);
  }
}

function fits({ match, queue, toState }: Candidate, call: Observation, context: string): boolean {
  if (match.in !== undefined && !match.in.includes(context)) return false;
  if (queue !== undefined && !queue.test(call.ids.queue)) return false;
  return toState === undefined || call.ids.toState === '' || toState.test(call.ids.toState);
}

function nameOf(call: Observation): string {
  return call.known ? call.what : 'unmatched-statement';
}
