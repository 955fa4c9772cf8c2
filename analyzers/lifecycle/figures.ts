import type { Lifecycle } from './breakdown.ts';
import type { Counts, NamedFigures, OperationFigures, OutsideWork, Shares } from './breakdown-result.ts';
import { nearest, type Observation } from './observation.ts';
import { type Figures, Sample } from './sample.ts';
import type { Part, Timeline } from './timeline.ts';

export interface GatheredFigures {
  readonly operations: readonly OperationFigures[];
  readonly phases: readonly NamedFigures[];
  readonly waits: readonly NamedFigures[];
  readonly code: readonly (NamedFigures & { readonly over5msNs: number })[];
  readonly handler: Figures;
  readonly shares: Shares;
  readonly counts: Counts;
  readonly unmatched: readonly { readonly fingerprint: string; readonly count: number; readonly totalNs: number }[];
  readonly unmatchedInSteps: number;
  readonly outside: readonly OutsideWork[];
}

/** A gap of own code that is longer asks what was in it. */
const LARGE_GAP_NS = 5e6;

interface OperationEntry {
  readonly phase: string;
  readonly id: string;
  readonly sample: Sample;
  readonly evidence: { span: number; event: number; log: number };
  standIn: string | null;
}

/** Counts every call once, however many steps share it, and describes those of complete steps. */
export function gatherFigures({ joined, timelines, catalog }: Lifecycle): GatheredFigures {
  const complete = timelines.filter(t => t.incomplete === '');
  const wallNs = complete.reduce((sum, t) => sum + t.endNs - t.startNs, 0);
  const operations = new Map<string, Map<string, OperationEntry>>();
  const entry = (phase: string, id: string): OperationEntry => {
    const ofPhase = operations.get(phase) ?? new Map<string, OperationEntry>();
    const known = ofPhase.get(id);
    if (known !== undefined) return known;
    operations.set(phase, ofPhase);
    const made: OperationEntry = {
      phase,
      id,
      sample: new Sample(),
      evidence: { span: 0, event: 0, log: 0 },
      standIn: null,
    };
    ofPhase.set(id, made);
    return made;
  };
  for (const { id, phase, expectedPerStep } of catalog.operations) if (expectedPerStep > 0) entry(phase, id);
  const handler = new Sample();
  const owned = ownedCalls(timelines);
  for (const [call, ofComplete] of owned) {
    if (call.what === 'handler') continue;
    const { sample, evidence } = entry(call.phase, call.operation);
    sample.add(call.endNs - call.startNs, ofComplete);
    if (call.kind === 'span' || call.kind === 'event' || call.kind === 'log') evidence[call.kind]++;
    if (call.standIn !== '') entry(call.phase, call.operation).standIn = call.standIn;
  }

  const phases = new Map<string, Sample>(catalog.phases.map(p => [p.id, new Sample()]));
  const waits = new Map<string, { phase: string; sample: Sample }>();
  const code = new Map<string, { sample: Sample; over5msNs: number }>();
  const kinds = { operation: 0, handler: 0, wait: 0, code: 0, unattributed: 0 };
  let codeOver5ms = 0;
  for (const timeline of timelines) {
    const isComplete = timeline.incomplete === '';
    const perPhase = new Map<string, number>();
    for (const part of timeline.parts) {
      perPhase.set(part.phase, (perPhase.get(part.phase) ?? 0) + part.durationNs);
      if (isComplete) kinds[part.kind] += part.durationNs;
      switch (part.kind) {
        case 'operation':
          if (isComplete) entry(part.phase, part.id).sample.addPath(part.durationNs);
          break;
        case 'handler':
          handler.add(part.durationNs, isComplete);
          if (isComplete) handler.addPath(part.durationNs);
          break;
        case 'wait': {
          const wait = waits.get(part.id) ?? { phase: part.phase, sample: new Sample() };
          waits.set(part.id, wait);
          wait.sample.add(part.durationNs, isComplete);
          if (isComplete) wait.sample.addPath(part.durationNs);
          break;
        }
        case 'code':
        case 'unattributed':
          break;
      }
    }
    for (const [phase, ns] of perPhase) {
      const sample = phases.get(phase);
      sample?.add(ns, isComplete);
      if (isComplete) sample?.addPath(ns);
    }
    for (const { phase, durationNs, large } of codeGaps(timeline)) {
      const gaps = code.get(phase) ?? { sample: new Sample(), over5msNs: 0 };
      code.set(phase, gaps);
      gaps.sample.add(durationNs, isComplete);
      if (!isComplete) continue;
      gaps.sample.addPath(durationNs);
      if (!large) continue;
      gaps.over5msNs += durationNs;
      codeOver5ms += durationNs;
    }
  }
  const order = new Map(catalog.phases.map((p, i) => [p.id, i]));
  const place = new Map(catalog.operations.map((o, i) => [`${o.phase} ${o.id}`, i]));
  const rank = (phase: string): number => order.get(phase) ?? order.size;
  const share = (ns: number): number => (wallNs === 0 ? 0 : ns / wallNs);
  const expected = new Map(catalog.operations.map(o => [`${o.phase} ${o.id}`, o.expectedPerStep]));
  const figures = [...operations.values()]
    .flatMap(ofPhase => [...ofPhase.values()])
    .map(({ phase, id, sample, evidence, standIn }) => ({
      phase,
      id,
      expectedPerStep: expected.get(`${phase} ${id}`) ?? 0,
      ...sample.figures(wallNs),
      standIn,
      evidence,
    }))
    .sort((a, b) => {
      const byPhase = rank(a.phase) - rank(b.phase);
      const byPlace = (place.get(`${a.phase} ${a.id}`) ?? 1e6) - (place.get(`${b.phase} ${b.id}`) ?? 1e6);
      return byPhase || byPlace || b.totalNs - a.totalNs || (a.id < b.id ? -1 : 1);
    });
  const { unmatched, unmatchedInSteps, outside } = theRest(joined.observations, owned);
  return {
    operations: figures,
    phases: [...phases].map(([id, sample]) => ({ phase: id, id, ...sample.figures(wallNs) })),
    waits: [...waits]
      .map(([id, { phase, sample }]) => ({ phase, id, ...sample.figures(wallNs) }))
      .sort((a, b) => rank(a.phase) - rank(b.phase) || (a.id < b.id ? -1 : 1)),
    code: [...code]
      .map(([phase, { sample, over5msNs }]) => ({ phase, id: 'own-code', ...sample.figures(wallNs), over5msNs }))
      .sort((a, b) => rank(a.phase) - rank(b.phase)),
    handler: handler.figures(wallNs),
    shares: {
      operation: share(kinds.operation),
      handler: share(kinds.handler),
      wait: share(kinds.wait),
      code: share(kinds.code),
      unattributed: share(kinds.unattributed),
      codeOver5ms: share(codeOver5ms),
    },
    counts: countsOf(figures, timelines, owned, catalog),
    unmatched,
    unmatchedInSteps,
    outside,
  };
}

/** Every call in the life of a step, once, and whether a complete step owns it. Shared ones have several owners. */
function ownedCalls(timelines: readonly Timeline[]): Map<Observation, boolean> {
  const owned = new Map<Observation, boolean>();
  const take = (items: readonly Observation[], complete: boolean): void => {
    for (const o of items) {
      if (o.form !== 'call' || o.operation === '' || o.operation === 'merged') continue;
      owned.set(o, complete || owned.get(o) === true);
    }
  };
  for (const { attempt, incomplete } of timelines) {
    const complete = incomplete === '';
    const { enqueue, visit, result, again } = attempt;
    if (enqueue !== undefined) {
      const { run } = enqueue;
      take(
        run.items.filter(o => run.ownerOf.get(o) === attempt.step || run.ownerOf.get(o) === ''),
        complete,
      );
    }
    if (visit !== undefined) take(visit.items, complete);
    if (result !== undefined) take(result.items, complete);
    // Done again: counted, but not typical of the operation.
    for (const { items } of [...again.visits, ...again.results]) take(items, false);
  }
  return owned;
}

/** Own code between two other things, by the phase that it began in; cut by nothing but a change of phase. */
function codeGaps({ parts }: Timeline): { phase: string; durationNs: number; large: boolean }[] {
  const gaps: { phase: string; durationNs: number; large: boolean }[] = [];
  let open: Part[] = [];
  const close = (): void => {
    const total = open.reduce((sum, p) => sum + p.durationNs, 0);
    for (const { phase, durationNs } of open) gaps.push({ phase, durationNs, large: total > LARGE_GAP_NS });
    open = [];
  };
  for (const part of parts) {
    if (part.kind === 'code') open.push(part);
    else close();
  }
  close();
  return gaps;
}

function countsOf(
  figures: readonly OperationFigures[],
  timelines: readonly Timeline[],
  owned: ReadonlyMap<Observation, boolean>,
  { operations, signals }: Lifecycle['catalog'],
): Counts {
  const steps = timelines.length;
  const documented = figures.filter(f => f.expectedPerStep > 0);
  const perStep = operations.reduce((sum, o) => sum + o.expectedPerStep, 0);
  const calls = [...owned.keys()];
  const count = (names: readonly string[]): number => calls.filter(o => names.includes(o.what)).length;
  return {
    operations: { expected: perStep * steps, observed: documented.reduce((sum, f) => sum + f.observed, 0) },
    messages: {
      expected: signals.messages.length * steps,
      observed: calls.filter(o => signals.messages.includes(o.operation)).length,
    },
    stepTransitions: { expected: 4 * steps, observed: count(signals.stepTransitions) },
    taskTransitions: { expected: null, observed: count(signals.taskTransitions) },
    dependencyEvaluations: { expected: steps, observed: count(signals.dependencyEvaluations) },
  };
}

/** What no step owns: by where it ran, where the catalogue knows it; by its fingerprint, where it does not. */
function theRest(
  observations: readonly Observation[],
  owned: ReadonlyMap<Observation, boolean>,
): Pick<GatheredFigures, 'unmatched' | 'unmatchedInSteps' | 'outside'> {
  const unmatched = new Map<string, { fingerprint: string; count: number; totalNs: number }>();
  const outside = new Map<string, { context: string; what: string; count: number; totalNs: number }>();
  let unmatchedInSteps = 0;
  for (const o of observations) {
    if (o.form !== 'call') continue;
    const durationNs = o.endNs - o.startNs;
    if (!o.known) {
      const group = unmatched.get(o.what) ?? { fingerprint: o.what, count: 0, totalNs: 0 };
      unmatched.set(o.what, group);
      group.count++;
      group.totalNs += durationNs;
      if (owned.has(o)) unmatchedInSteps++;
    } else if (!owned.has(o)) {
      const context = nearest(o.node, ['result-run', 'enqueue-run', 'visit', 'other'])?.context?.id ?? '';
      const group = outside.get(`${context} ${o.what}`) ?? { context, what: o.what, count: 0, totalNs: 0 };
      outside.set(`${context} ${o.what}`, group);
      group.count++;
      group.totalNs += durationNs;
    }
  }
  const most = (a: { totalNs: number }, b: { totalNs: number }): number => b.totalNs - a.totalNs;
  return {
    unmatched: [...unmatched.values()].sort((a, b) => most(a, b) || (a.fingerprint < b.fingerprint ? -1 : 1)),
    unmatchedInSteps,
    outside: [...outside.values()].sort((a, b) => most(a, b) || (a.context + a.what < b.context + b.what ? -1 : 1)),
  };
}
