import { IdTable } from '../../../src/model/id-table.ts';
import type { Trace } from '../../../src/model/trace.ts';
import { sortByTime } from '../by-time.ts';
import {
  addChild,
  addItem,
  type Ids,
  NO_CHILDREN,
  NO_IDS,
  NO_ITEMS,
  type Observation,
  type SpanNode,
} from '../observation.ts';
import type { Processes } from '../processes.ts';
import type { Recogniser } from '../recogniser.ts';
import { Role, RoleReader } from './attributes.ts';
import { crossesOver, placeLost } from './span-tree.ts';

export interface Collected {
  readonly observations: readonly Observation[];
  readonly nodes: readonly SpanNode[];
  readonly noise: { readonly spans: number; readonly logs: number };
  /** The latest record of each process, by kind: what is after it cannot be missed. */
  readonly horizons: readonly { readonly spanNs: number; readonly logNs: number }[];
  /** Log records that had been seen as events of a span already. */
  readonly mergedLogs: number;
  readonly logs: number;
}

/** A log record is written a little after the event that it doubles. */
const SAME_WITHIN_NS = 20e6;

/**
 * Everything in a trace that may be evidence: spans by the conventions for databases and messaging (old names and
 * new), statements told as events or log records, markers in either. What is told twice is taken once: the same
 * statement or marker of one span, as event and as log record.
 */
export function collect(trace: Trace, recogniser: Recogniser, processes: Processes): Collected {
  const collector = new Collector(trace, recogniser, processes);
  collector.spans();
  collector.events();
  collector.logs();
  return collector.finish();
}

class Collector {
  readonly #trace: Trace;
  readonly #recogniser: Recogniser;
  readonly #processes: Processes;
  readonly #reader: RoleReader;
  readonly #observations: Observation[] = [];
  readonly #nodes: SpanNode[] = [];
  readonly #nodeOfRow: (SpanNode | undefined)[];
  readonly #lostIds = new IdTable(4);
  readonly #lost: SpanNode[] = [];
  /** Per node: what its events have told, so that its log records do not tell it again. */
  readonly #told = new Map<SpanNode, Map<string, number[]>>();
  readonly #horizons: { spanNs: number; logNs: number }[];
  #noiseSpans = 0;
  #noiseLogs = 0;
  #merged = 0;

  constructor(trace: Trace, recogniser: Recogniser, processes: Processes) {
    this.#trace = trace;
    this.#recogniser = recogniser;
    this.#processes = processes;
    this.#reader = new RoleReader(trace, recogniser);
    this.#nodeOfRow = new Array(trace.spans.length);
    this.#horizons = processes.list.map(() => ({ spanNs: Number.NEGATIVE_INFINITY, logNs: Number.NEGATIVE_INFINITY }));
  }

  spans(): void {
    const { spans, strings } = this.#trace;
    for (let row = 0; row < spans.length; row++) {
      this.#reader.read(spans, row);
      const target = this.#reader.stringIndex(Role.target);
      const isNoise =
        target >= 0 ? this.#recogniser.isNoiseAt(target) : this.#recogniser.isNoise(this.#targetOr(spans.scope[row]!));
      if (isNoise) {
        this.#noiseSpans++;
        continue;
      }
      const process = this.#processes.ofBatch[spans.batch[row]!]!;
      const node: SpanNode = {
        row,
        traceIndex: spans.trace[row]!,
        idHigh: spans.idHigh[row]!,
        idLow: spans.idLow[row]!,
        name: strings[spans.name[row]!]!,
        context: this.#recogniser.context(spans.name[row]!),
        parent: undefined,
        process,
        startNs: spans.startNs[row]!,
        endNs: Math.max(spans.endNs[row]!, spans.startNs[row]!),
        ids: this.#reader.ids(),
        items: NO_ITEMS,
        children: NO_CHILDREN,
        call: undefined,
      };
      this.#nodeOfRow[row] = node;
      this.#nodes.push(node);
      const horizon = this.#horizons[process]!;
      horizon.spanNs = Math.max(horizon.spanNs, node.endNs);
      this.#callOf(node, spans.name[row]!);
    }
    for (const node of this.#nodes) {
      const row = node.row;
      const parentRow = spans.parent[row]!;
      if (parentRow >= 0 && parentRow !== row) node.parent = this.#nodeOfRow[parentRow];
      else if (
        (spans.parentHigh[row] !== 0 || spans.parentLow[row] !== 0) &&
        spans.kind[row] !== 2 &&
        spans.kind[row] !== 5
      ) {
        // A caller outside the recording is no loss; everything else lives in the process of its parent.
        node.parent = this.#lostNode(spans.trace[row]!, spans.parentHigh[row]!, spans.parentLow[row]!, node.process);
      }
    }
    this.#cutCycles();
    for (const node of this.#nodes) {
      if (crossesOver(node, spans.kind[node.row]!)) node.parent = undefined;
      const { parent, call } = node;
      if (parent !== undefined) addChild(parent, node);
      if (call === undefined) continue;
      call.node = parent;
      this.#add(call);
    }
  }

  /** A target that is no text (as one might be in strange data), else the scope's name. */
  #targetOr(scope: number): string {
    return this.#reader.has(Role.target) ? this.#reader.text(Role.target) : this.#trace.scopes[scope]!.name;
  }

  /** What the span itself is, where it is one call: a statement, a message operation, a call that has a name. */
  #callOf(node: SpanNode, nameIndex: number): void {
    const reader = this.#reader;
    const statement = reader.stringIndex(Role.statement);
    let what = '';
    let known = true;
    if (statement >= 0) {
      const { id, text } = this.#recogniser.statement(statement);
      what = id === '' ? text : id;
      known = id !== '';
    } else if (node.context !== undefined) return;
    else {
      what = messagingCall(reader.text(Role.messagingType)) || this.#recogniser.call(nameIndex);
      if (what === '') return;
    }
    node.call = this.#observation(
      'call',
      what,
      known,
      'span',
      undefined,
      node,
      node.startNs,
      node.endNs,
      node.process,
      node.ids,
      -1,
    );
  }

  events(): void {
    const { events, spans, scopes } = this.#trace;
    const logsFollow = this.#trace.logs.length > 0;
    for (let i = 0; i < events.length; i++) {
      const node = this.#nodeOfRow[events.span[i]!];
      if (node === undefined) continue;
      this.#reader.read(events, i);
      const scope = scopes[spans.scope[events.span[i]!]!]!.name;
      const timeNs = events.timeNs[i]!;
      const seen = this.#read(node, node.process, 'event', timeNs, events.name[i]!, scope, -1);
      if (seen === undefined) continue;
      this.#add(seen);
      if (!logsFollow) continue;
      const told = this.#told.get(node) ?? new Map<string, number[]>();
      this.#told.set(node, told);
      const key = toldKey(seen);
      const times = told.get(key);
      if (times === undefined) told.set(key, [timeNs]);
      else times.push(timeNs);
    }
  }

  logs(): void {
    const { logs, scopes } = this.#trace;
    for (let i = 0; i < logs.length; i++) {
      const scope = scopes[logs.scope[i]!]!.name;
      if (this.#recogniser.isNoise(scope)) {
        this.#noiseLogs++;
        continue;
      }
      this.#reader.read(logs, i);
      if (this.#reader.has(Role.target) && this.#recogniser.isNoise(this.#reader.text(Role.target))) {
        this.#noiseLogs++;
        continue;
      }
      const process = this.#processes.ofBatch[logs.batch[i]!]!;
      const timeNs = logs.timeNs[i]!;
      this.#horizons[process]!.logNs = Math.max(this.#horizons[process]!.logNs, timeNs);
      const row = logs.span[i]!;
      const named = logs.idHigh[i] !== 0 || logs.idLow[i] !== 0;
      let node = row >= 0 ? this.#nodeOfRow[row] : undefined;
      if (row < 0 && named && logs.trace[i]! >= 0) {
        node = this.#lostNode(logs.trace[i]!, logs.idHigh[i]!, logs.idLow[i]!, process);
      }
      const seen = this.#read(node, process, 'log', timeNs, logs.body[i]!, scope, i);
      if (seen === undefined) continue;
      if (node !== undefined && this.#alreadyTold(node, seen, timeNs)) {
        this.#merged++;
        continue;
      }
      if (node !== undefined && node.row < 0) {
        node.startNs = Math.min(node.startNs, seen.startNs);
        node.endNs = Math.max(node.endNs, seen.endNs);
        const context = this.#recogniser.contextOfSign(seen.what);
        if (context !== undefined) node.context ??= context;
        const { taskUuid, stepUuid } = seen.ids;
        if (node.ids.taskUuid === '' && taskUuid !== '') node.ids = { ...node.ids, taskUuid };
        if (node.context?.role === 'result-run' && node.ids.stepUuid === '' && stepUuid !== '') {
          node.ids = { ...node.ids, stepUuid };
        }
      }
      this.#add(seen);
    }
  }

  /** A statement or a marker, whichever the row is; undefined where it says nothing that the catalogue listens to. */
  #read(
    node: SpanNode | undefined,
    process: number,
    kind: 'event' | 'log',
    timeNs: number,
    text: number,
    scope: string,
    log: number,
  ): Observation | undefined {
    const reader = this.#reader;
    const elapsed = reader.number(Role.elapsedSeconds);
    // An empty statement means that the summary is all of it.
    let statement = reader.stringIndex(Role.statement);
    if (statement >= 0 && this.#trace.strings[statement]!.trim() === '') statement = reader.stringIndex(Role.summary);
    if (statement < 0 && !Number.isNaN(elapsed)) statement = reader.stringIndex(Role.summary);
    if (statement >= 0) {
      const { id, text: sql } = this.#recogniser.statement(statement);
      const lengthNs = Number.isNaN(elapsed) ? 0 : Math.round(elapsed * 1e9);
      const what = id === '' ? sql : id;
      const known = id !== '';
      const startNs = timeNs - lengthNs;
      const ids = reader.ids();
      return this.#observation('call', what, known, kind, node, undefined, startNs, timeNs, process, ids, log);
    }
    const target = reader.has(Role.target) ? reader.text(Role.target) : scope;
    const marker = this.#recogniser.marker(text, target, () => reader.eventName);
    if (marker === '') return undefined;
    const ids = reader.ids();
    return this.#observation('marker', marker, true, kind, node, undefined, timeNs, timeNs, process, ids, log);
  }

  #alreadyTold(node: SpanNode, seen: Observation, timeNs: number): boolean {
    const times = this.#told.get(node)?.get(toldKey(seen));
    if (times === undefined) return false;
    const at = times.findIndex(t => Math.abs(timeNs - t) <= SAME_WITHIN_NS);
    if (at === -1) return false;
    times.splice(at, 1);
    return true;
  }

  /** The place of a span that something names and that is not in the data. */
  #lostNode(traceIndex: number, idHigh: number, idLow: number, process: number): SpanNode {
    const known = this.#lostIds.length;
    const index = this.#lostIds.intern(traceIndex, idHigh, idLow);
    if (index < known) return this.#lost[index]!;
    const node: SpanNode = {
      row: -1,
      traceIndex,
      idHigh,
      idLow,
      name: '',
      context: undefined,
      parent: undefined,
      process,
      startNs: Number.POSITIVE_INFINITY,
      endNs: Number.NEGATIVE_INFINITY,
      ids: NO_IDS,
      items: NO_ITEMS,
      children: NO_CHILDREN,
      call: undefined,
    };
    this.#lost.push(node);
    return node;
  }

  /** Parents that go in a circle: the first span of it becomes a root. */
  #cutCycles(): void {
    const walkOf = new Int32Array(this.#trace.spans.length);
    let walk = 0;
    for (const start of this.#nodes) {
      walk++;
      for (
        let at: SpanNode | undefined = start;
        at !== undefined && at.row >= 0 && walkOf[at.row] === 0;
        at = at.parent
      ) {
        walkOf[at.row] = walk;
        const { parent } = at;
        if (parent !== undefined && parent.row >= 0 && walkOf[parent.row] === walk) {
          at.parent = undefined;
          break;
        }
      }
    }
  }

  #add(observation: Observation): void {
    if (observation.node !== undefined) addItem(observation.node, observation);
    this.#observations.push(observation);
  }

  #observation(
    form: Observation['form'],
    what: string,
    known: boolean,
    kind: Observation['kind'],
    node: SpanNode | undefined,
    own: SpanNode | undefined,
    startNs: number,
    endNs: number,
    process: number,
    ids: Ids,
    log: number,
  ): Observation {
    return {
      form,
      what,
      known,
      kind,
      node,
      own,
      log,
      startNs,
      endNs,
      process,
      ids,
      windowStep: '',
      windowContext: '',
      operation: '',
      phase: '',
      standIn: '',
    };
  }

  finish(): Collected {
    const nodes = [...this.#nodes, ...this.#lost];
    for (const node of this.#lost) {
      for (const child of node.children) {
        node.startNs = Math.min(node.startNs, child.startNs);
        node.endNs = Math.max(node.endNs, child.endNs);
      }
    }
    placeLost(this.#lost, this.#nodes);
    for (const node of nodes) if (node.items.length > 1) sortByTime(node.items as Observation[]);
    sortByTime(this.#observations);
    return {
      observations: this.#observations,
      nodes,
      noise: { spans: this.#noiseSpans, logs: this.#noiseLogs },
      horizons: this.#horizons,
      mergedLogs: this.#merged,
      logs: this.#trace.logs.length,
    };
  }
}

/** What a log record and the event that it doubles have in common, but for their times. */
function toldKey({ form, what, startNs, endNs, ids }: Observation): string {
  return form === 'call' ? `${what} ${endNs - startNs}` : `${what} ${ids.stepUuid} ${ids.queue}`;
}

function messagingCall(type: string): string {
  switch (type) {
    case 'send':
    case 'publish':
    case 'create':
      return 'message-send';
    case 'receive':
      return 'message-receive';
    case 'settle':
      return 'message-settle';
    default:
      return '';
  }
}
