import type { Trace } from '../../src/model/trace.ts';
import { mergeByTime, sortByTime } from './by-time.ts';
import type { Catalog, CatalogSignals, Performer } from './catalog.ts';
import { Classifier } from './classify.ts';
import { type Collected, collect } from './evidence/collect.ts';
import { joinDeliveries, realMessageId } from './join-deliveries.ts';
import { joinPairs } from './join-pairs.ts';
import { joinWindows } from './join-windows.ts';
import type { EnqueueRun, ResultRun, Visit } from './life.ts';
import { contextOf, type Ids, nearest, type Observation, type SpanNode } from './observation.ts';
import { type Processes, tellProcessesApart } from './processes.ts';
import { Recogniser } from './recogniser.ts';
import { isEnqueueRun, itemsBelow, readEnqueueRun, stepOfResultRun, topRun } from './runs.ts';
import { correctSkew, type Skew } from './skew.ts';
import { SpanPortraits } from './span-portraits.ts';

/** Everything in a trace, joined to the steps that it was done for. */
export interface Joined {
  readonly collected: Collected;
  readonly processes: Processes;
  readonly observations: readonly Observation[];
  /** What observations name, then what spans name, each set of names once. */
  readonly distinctIds: readonly Ids[];
  readonly enqueueRuns: readonly EnqueueRun[];
  readonly resultRuns: readonly ResultRun[];
  readonly visits: readonly Visit[];
  /** Required statements that the windows of a step did not find. */
  readonly unfilled: ReadonlyMap<string, number>;
  readonly skews: readonly Skew[];
}

/** Joins without trace context: step id, message id, markers on both sides, fixed order; parents where there are any. */
export function join(trace: Trace, catalog: Catalog): Joined {
  const recogniser = new Recogniser(catalog, trace);
  const processes = tellProcessesApart(trace, recogniser);
  const collected = collect(trace, recogniser, processes);
  recogniseLost(collected.nodes, recogniser);
  const classifier = new Classifier(catalog);
  const { signals } = catalog;
  for (const o of collected.observations) {
    if (o.node?.call !== undefined && o.form === 'call') o.operation = 'merged';
  }
  let observations = collected.observations.filter(o => o.operation !== 'merged');
  observations = mergeByTime(observations, joinPairs(observations, catalog.pairs));
  const unfilled = joinWindows(
    observations,
    observations.filter(isHomeless),
    catalog.windows,
    new Set(signals.background),
  );
  joinByMessage(observations);

  const skews = correctSkew(observations, collected.nodes, catalog);
  if (skews.length > 0) sortByTime(observations);

  const enqueueRuns = collected.nodes
    .filter(node => isEnqueueRun(node) && topRun(node) === node)
    .map(node => readEnqueueRun(node, signals))
    .sort((a, b) => a.startNs - b.startNs);
  for (const run of enqueueRuns) classifier.classify(run.items);
  const runOfNode = new Map<SpanNode, EnqueueRun>(enqueueRuns.map(run => [run.node, run]));
  const performerOf = performers(catalog);

  const sent = sentTimes(enqueueRuns, observations, signals.sends, catalog);
  const deliveries = joinDeliveries(
    observations,
    catalog.deliveries,
    (spec, step, before) =>
      (sent.get(`${spec.sentBy} ${step}`) ?? []).findLast(t => t <= before) ?? Number.NEGATIVE_INFINITY,
  );
  if (deliveries.length > 0) observations = mergeByTime(observations, deliveries);

  const resultRuns = collected.nodes
    .filter(node => node.context?.role === 'result-run')
    .map(node => readResultRun(node, runOfNode, signals.decides))
    .filter(run => run.step !== '')
    .sort((a, b) => a.startNs - b.startNs);
  const visits: Visit[] = [];
  for (const node of collected.nodes) {
    if (node.context?.role !== 'visit') continue;
    const step = stepOfResultRun(node);
    if (step !== '')
      visits.push({ step, process: node.process, startNs: node.startNs, items: itemsBelow(node, () => false) });
  }
  const loose = looseItems(observations);
  adoptArchives(observations, resultRuns, signals.settles);
  gatherVisits(loose, visits, performerOf, signals);
  gatherResults(loose, resultRuns, performerOf, signals.settles);
  for (const { items } of [...visits, ...resultRuns]) {
    sortByTime(items);
    classifier.classify(items);
  }
  const distinctIds = idsOf(observations, collected.nodes);
  return { collected, processes, observations, distinctIds, enqueueRuns, resultRuns, visits, unfilled, skews };
}

function idsOf(observations: readonly Observation[], nodes: readonly SpanNode[]): Ids[] {
  const found = new Set<Ids>();
  let last: Ids | undefined;
  for (const list of [observations, nodes]) {
    for (const { ids } of list) {
      if (ids === last) continue;
      found.add(ids);
      last = ids;
    }
  }
  return [...found];
}

/** A span that never arrived is what its remains are like: that much is needed to know whose they are. */
function recogniseLost(nodes: readonly SpanNode[], recogniser: Recogniser): void {
  const lost = nodes.filter(node => node.row < 0 && node.context === undefined && node.startNs <= node.endNs);
  if (lost.length === 0) return;
  const portraits = new SpanPortraits(nodes);
  for (const node of lost) {
    const name = portraits.nameOf(node);
    if (name !== '') node.context = recogniser.contextNamed(name);
  }
}

/** A call that nothing around it gives to a step. */
function isHomeless(o: Observation): boolean {
  if (o.form !== 'call' || o.ids.stepUuid !== '') return false;
  for (let at = o.node; at !== undefined; at = at.parent) {
    if (at.context !== undefined || at.ids.stepUuid !== '') return false;
  }
  return true;
}

/** A message has one step: what names both tells whose the rest is. Numbers that name several are not used. */
function joinByMessage(observations: readonly Observation[]): void {
  const stepOf = new Map<string, string>();
  for (const o of observations) {
    const { queue, messageId } = o.ids;
    const step = o.ids.stepUuid || o.windowStep;
    if (step === '' || queue === '' || !realMessageId(messageId)) continue;
    const key = `${queue} ${messageId}`;
    const known = stepOf.get(key);
    stepOf.set(key, known === undefined || known === step ? step : '');
  }
  for (const o of observations) {
    if (o.ids.stepUuid !== '' || o.windowStep !== '' || !realMessageId(o.ids.messageId)) continue;
    o.windowStep = stepOf.get(`${o.ids.queue} ${o.ids.messageId}`) ?? '';
  }
}

/** When each message was sent: a step's may be several, in order. */
function sentTimes(
  runs: readonly EnqueueRun[],
  observations: readonly Observation[],
  sends: readonly string[],
  catalog: Catalog,
): Map<string, number[]> {
  const times = new Map<string, number[]>();
  const add = (operation: string, step: string, timeNs: number): void => {
    const key = `${operation} ${step}`;
    const list = times.get(key);
    if (list === undefined) times.set(key, [timeNs]);
    else list.push(timeNs);
  };
  for (const run of runs) {
    for (const item of run.items) {
      const owner = run.ownerOf.get(item);
      if (item.operation === catalog.signals.sendStep && owner !== undefined) add(item.operation, owner, item.startNs);
    }
  }
  for (const o of observations) {
    if (o.windowStep !== '' && sends.includes(o.what)) add(catalog.signals.sendResult, o.windowStep, o.startNs);
  }
  for (const list of times.values()) list.sort((a, b) => a - b);
  return times;
}

function readResultRun(
  node: SpanNode,
  runOfNode: ReadonlyMap<SpanNode, EnqueueRun>,
  decides: readonly string[],
): ResultRun {
  const enqueueRuns: EnqueueRun[] = [];
  const items = itemsBelow(node, child => {
    const run = runOfNode.get(child);
    if (run === undefined || run.steps.size === 0) return false;
    enqueueRuns.push(run);
    return true;
  });
  return {
    node,
    process: node.process,
    step: stepOfResultRun(node),
    startNs: node.startNs,
    endNs: node.endNs,
    items,
    enqueueRuns: enqueueRuns.sort((a, b) => a.startNs - b.startNs),
    decided: items.some(o => decides.includes(o.what) && contextOf(o) === node.context?.id),
  };
}

/** What stands in no run, but names a step or was given one: by step and process, in order of time. */
function looseItems(observations: readonly Observation[]): Map<string, Observation[]> {
  const loose = new Map<string, Observation[]>();
  for (const o of observations) {
    const step = o.windowStep || o.ids.stepUuid;
    if (step === '') continue;
    if (nearest(o.node, ['result-run', 'enqueue-run', 'enqueue-step', 'visit', 'other']) !== undefined) continue;
    const key = `${step} ${o.process}`;
    const list = loose.get(key);
    if (list === undefined) loose.set(key, [o]);
    else list.push(o);
  }
  return loose;
}

type PerformerOf = (o: Observation) => Performer | undefined;

/** Who does what: by the context that a window gave, by the marker, by the one operation that it can be. */
function performers(catalog: Catalog): PerformerOf {
  const ofPhase = new Map(catalog.phases.map(p => [p.id, p.performer]));
  const ofContext = new Map(catalog.contexts.map(c => [c.id, ofPhase.get(c.phase ?? '')]));
  const ofMarker = new Map(catalog.markers.map(m => [m.id, m.by]));
  const matches = catalog.operations.flatMap(operation =>
    // Loose calls are in no context: what is recognised by one says nothing about them.
    operation.match
      .filter(match => match.in === undefined)
      .map(match => ({
        what: new Set(match.what),
        queue: match.queue === undefined ? undefined : new RegExp(match.queue),
        performer: ofPhase.get(operation.phase),
      })),
  );
  return o => {
    const context = ofContext.get(o.windowContext);
    if (context !== undefined) return context;
    if (o.form === 'marker') return ofMarker.get(o.what);
    const fit = matches.find(({ what, queue }) => what.has(o.what) && (queue === undefined || queue.test(o.ids.queue)));
    return fit?.performer;
  };
}

/** A worker's items of one step, cut where it turns to another delivery of it. */
function gatherVisits(
  loose: ReadonlyMap<string, readonly Observation[]>,
  visits: Visit[],
  performerOf: PerformerOf,
  signals: CatalogSignals,
): void {
  const known = new Map<string, Visit[]>();
  for (const visit of visits) known.set(`${visit.step} ${visit.process}`, [visit]);
  for (const [key, items] of loose) {
    const mine = items.filter(o => performerOf(o) === 'worker');
    if (mine.length === 0) continue;
    const step = key.slice(0, key.lastIndexOf(' '));
    const process = mine[0]!.process;
    const enclosing = known.get(key);
    if (enclosing !== undefined) {
      enclosing[0]!.items.push(...mine);
      continue;
    }
    // A delivery leads to its handling: both begin one visit.
    const cuts = mine.filter(o => signals.visits.includes(o.what)).map(o => o.startNs);
    // What is delivered again while the first visit still works claims nothing: late markers are the first one's.
    const claimed = cuts.map((cut, i) =>
      mine.some(o => signals.claims.includes(o.what) && o.startNs >= cut && o.startNs < (cuts[i + 1] ?? Infinity)),
    );
    const cutOf = (o: Observation): number => {
      const isLead = o.form === 'call' ? o.what.endsWith('-delivery') : o.windowStep !== '';
      if (isLead) return cuts.findIndex(c => c >= o.startNs);
      const cut = cuts.findLastIndex(c => c <= o.startNs);
      const tries = signals.tries.includes(o.what) || signals.tries.includes(o.windowContext);
      return cut > 0 && !claimed[cut] && !tries ? claimed.lastIndexOf(true, cut) : cut;
    };
    const byCut = new Map<number, Observation[]>();
    for (const o of mine) {
      const cut = Math.max(0, cutOf(o));
      const list = byCut.get(cut);
      if (list === undefined) byCut.set(cut, [o]);
      else list.push(o);
    }
    for (const list of byCut.values()) visits.push({ step, process, startNs: list[0]!.startNs, items: list });
  }
  visits.sort((a, b) => a.startNs - b.startNs);
}

/** What leads to a result run (its delivery, hydration) and what settles its message, though in no span of it. */
function gatherResults(
  loose: ReadonlyMap<string, readonly Observation[]>,
  runs: ResultRun[],
  performerOf: PerformerOf,
  settles: readonly string[],
): void {
  const byKey = new Map<string, ResultRun[]>();
  for (const run of runs) {
    const key = `${run.step} ${run.process}`;
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [run]);
    else list.push(run);
  }
  for (const [key, items] of loose) {
    for (const o of items) {
      if (performerOf(o) !== 'orchestration') continue;
      const mine = byKey.get(key);
      if (mine === undefined) continue;
      const run = settles.includes(o.what)
        ? mine.findLast(r => r.startNs <= o.startNs)
        : (mine.find(r => r.startNs >= o.startNs) ?? mine.findLast(r => r.startNs <= o.startNs));
      if (run === undefined) continue;
      run.items.push(o);
      if (settles.includes(o.what) && o.form === 'call') run.endNs = Math.max(run.endNs, o.endNs);
    }
  }
}

/** Between the end of a run and the settling of its message lies nothing else. */
const SETTLES_WITHIN_NS = 5e6;

/** Where no log tells whose message was settled: it is that of the run that had just ended in the same process. */
function adoptArchives(
  observations: readonly Observation[],
  runs: readonly ResultRun[],
  settles: readonly string[],
): void {
  const byProcess = new Map<number, ResultRun[]>();
  for (const run of runs) {
    const list = byProcess.get(run.process);
    if (list === undefined) byProcess.set(run.process, [run]);
    else list.push(run);
  }
  for (const list of byProcess.values()) list.sort((a, b) => a.endNs - b.endNs);
  const next = new Map<number, number>();
  const taken = new Set<ResultRun>();
  for (const o of observations) {
    if (o.form !== 'call' || !settles.includes(o.what) || o.windowStep !== '' || o.ids.stepUuid !== '') continue;
    if (nearest(o.node, ['result-run', 'enqueue-run', 'visit', 'other']) !== undefined) continue;
    const list = byProcess.get(o.process) ?? [];
    let at = next.get(o.process) ?? 0;
    while (at < list.length && list[at]!.node!.endNs <= o.startNs) at++;
    next.set(o.process, at);
    const run = list[at - 1];
    if (run === undefined || taken.has(run) || o.startNs - run.endNs > SETTLES_WITHIN_NS) continue;
    taken.add(run);
    run.items.push(o);
    o.windowContext = run.node?.context?.id ?? '';
    run.endNs = Math.max(run.endNs, o.endNs);
  }
}
