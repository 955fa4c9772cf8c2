import { IdTable } from '../../src/model/id-table.ts';
import type { Trace } from '../../src/model/trace.ts';
import { attributeValue } from '../../src/model/trace-read.ts';
import type { Recogniser } from './recogniser.ts';

/** The processes behind the batches, as well as they can be told apart. */
export interface Processes {
  /** Process of each batch: index into `list`. */
  readonly ofBatch: Int32Array;
  readonly list: readonly LifecycleProcess[];
}

export interface LifecycleProcess {
  /** Service name, numbered where several processes share one. */
  readonly name: string;
  /** 0 = not known. */
  readonly pid: number;
  /** Index into the trace's `processes`; 0 = not recorded. */
  readonly traceProcess: number;
}

/**
 * Which batches came from one process. The receiver's own record counts most (the pid behind the connection), then a
 * resource that names an instance. Where two processes share one resource, batches that share an id that lives in
 * one process alone (an in-process publisher, a span and its parent) belong together; one batch holds one process.
 */
export function tellProcessesApart(trace: Trace, recogniser: Recogniser): Processes {
  const { batches } = trace;
  const keys = batches.map(batch => {
    if (batch.process !== 0) return `process ${batch.process}`;
    const { attributes } = trace.resources[batch.resource]!;
    const instance = [attributes.get('service.instance.id'), attributes.get('process.pid')].filter(
      v => v !== undefined,
    );
    if (instance.length === 0) return '';
    const host = attributes.get('host.id') ?? attributes.get('host.name') ?? attributes.get('container.id') ?? '';
    return `resource ${trace.resources[batch.resource]!.serviceName} ${host} ${instance.join(' ')}`;
  });
  const groups = new Groups(batches.length);
  const first = new Map<string, number>();
  keys.forEach((key, batch) => {
    if (key === '') return;
    const known = first.get(key);
    if (known === undefined) first.set(key, batch);
    else groups.union(known, batch);
  });
  if (keys.includes('')) joinBySharedIds(trace, recogniser, groups, keys);
  return name(trace, groups, keys);
}

function joinBySharedIds(trace: Trace, recogniser: Recogniser, groups: Groups, keys: readonly string[]): void {
  const { spans, events, logs } = trace;
  /** Spans that are not in the data, or of which there are two. */
  const spanIds = new IdTable(4);
  const batchOfId: number[] = [];
  const someTwice = trace.warnings.some(({ code }) => code === 'duplicate-spans');
  const isProcessKey = new Uint8Array(Math.max(0, ...recogniser.processKeys.keys()) + 1);
  for (const key of recogniser.processKeys.keys()) isProcessKey[key] = 1;
  const batchOfKey = new Map<string, number>();
  const keyed = new Uint8Array(trace.batches.length);
  const meet = (batch: number, other: number | undefined): void => {
    if (other === undefined || other === batch || keys[batch] !== '' || keys[other] !== '') return;
    if (serviceOf(trace, batch) === serviceOf(trace, other)) groups.union(batch, other);
  };
  const meetId = (batch: number, traceIndex: number, high: number, low: number): void => {
    if (traceIndex < 0 || (high === 0 && low === 0)) return;
    const id = spanIds.intern(traceIndex, high, low);
    meet(batch, batchOfId[id]);
    batchOfId[id] ??= batch;
  };
  const meetAttributes = (batch: number, start: number, count: number): void => {
    for (let at = start; at < start + count; at++) {
      const index = trace.attributes.key[at]!;
      if (index >= isProcessKey.length || isProcessKey[index] === 0) continue;
      const pattern = recogniser.processKeys.get(index);
      if (pattern === undefined) continue;
      const value = String(attributeValue(trace, at));
      if (!pattern.test(value)) continue;
      const key = `${trace.attributes.key[at]!} ${value}`;
      keyed[batch] = 1;
      meet(batch, batchOfKey.get(key));
      if (!batchOfKey.has(key)) batchOfKey.set(key, batch);
    }
  };
  for (let i = 0; i < spans.length; i++) {
    const batch = spans.batch[i]!;
    if (keys[batch] !== '') continue;
    if (someTwice) meetId(batch, spans.trace[i]!, spans.idHigh[i]!, spans.idLow[i]!);
    // A server's or consumer's parent may be in another process; everything else is in the same.
    if (spans.kind[i] !== 2 && spans.kind[i] !== 5) {
      const parent = spans.parent[i]!;
      if (parent >= 0) meet(batch, spans.batch[parent]!);
      else meetId(batch, spans.trace[i]!, spans.parentHigh[i]!, spans.parentLow[i]!);
    }
    meetAttributes(batch, spans.attrStart[i]!, spans.attrCount[i]!);
  }
  for (let i = 0; i < events.length; i++) {
    meetAttributes(spans.batch[events.span[i]!]!, events.attrStart[i]!, events.attrCount[i]!);
  }
  for (let i = 0; i < logs.length; i++) {
    const batch = logs.batch[i]!;
    if (keys[batch] !== '') continue;
    const span = logs.span[i]!;
    if (span >= 0) meet(batch, spans.batch[span]!);
    else meetId(batch, logs.trace[i]!, logs.idHigh[i]!, logs.idLow[i]!);
    meetAttributes(batch, logs.attrStart[i]!, logs.attrCount[i]!);
  }
  adoptStrays(trace, groups, keys, keyed);
}

/** Batches that share nothing with any other: where their service runs once, they are of that one process. */
function adoptStrays(trace: Trace, groups: Groups, keys: readonly string[], keyed: Uint8Array): void {
  const byService = new Map<string, Map<number, { batches: number; keyed: boolean }>>();
  for (let batch = 0; batch < keys.length; batch++) {
    if (keys[batch] !== '') continue;
    const service = serviceOf(trace, batch);
    const sizes = byService.get(service) ?? new Map<number, { batches: number; keyed: boolean }>();
    byService.set(service, sizes);
    const root = groups.find(batch);
    const size = sizes.get(root) ?? { batches: 0, keyed: false };
    sizes.set(root, { batches: size.batches + 1, keyed: size.keyed || keyed[batch] === 1 });
  }
  for (const sizes of byService.values()) {
    const sorted = [...sizes].sort((a, b) => b[1].batches - a[1].batches || a[0] - b[0]);
    const [largest] = sorted;
    if (largest === undefined) continue;
    const rivals = sorted.slice(1).filter(([, size]) => size.keyed && size.batches * 10 > largest[1].batches);
    if (rivals.length > 0) continue;
    for (const [root] of sorted.slice(1)) groups.union(largest[0], root);
  }
}

/** Traces and logs of one process may order their resource differently; its service is the same. */
function serviceOf(trace: Trace, batch: number): string {
  return trace.resources[trace.batches[batch]!.resource]!.serviceName;
}

function name(trace: Trace, groups: Groups, keys: readonly string[]): Processes {
  const indexOf = new Map<number, number>();
  const ofBatch = new Int32Array(keys.length);
  const found: { service: string; pid: number; traceProcess: number }[] = [];
  for (let batch = 0; batch < keys.length; batch++) {
    const root = groups.find(batch);
    let index = indexOf.get(root);
    const { resource, process } = trace.batches[batch]!;
    if (index === undefined) {
      const { serviceName, attributes } = trace.resources[resource]!;
      const pid = trace.processes[process]!.pid || Number(attributes.get('process.pid') ?? 0);
      index = found.push({ service: serviceName || trace.processes[process]!.name, pid, traceProcess: process }) - 1;
      indexOf.set(root, index);
    }
    ofBatch[batch] = index;
  }
  const count = new Map<string, number>();
  for (const { service } of found) count.set(service, (count.get(service) ?? 0) + 1);
  const next = new Map<string, number>();
  const list = found.map(({ service, pid, traceProcess }) => {
    const number = (next.get(service) ?? 0) + 1;
    next.set(service, number);
    const base = service === '' ? 'unnamed process' : service;
    return { name: count.get(service)! > 1 ? `${base} #${number}` : base, pid, traceProcess };
  });
  return { ofBatch, list };
}

/** Disjoint sets with path halving. */
class Groups {
  readonly #parent: Int32Array;

  constructor(size: number) {
    this.#parent = Int32Array.from({ length: size }, (_, i) => i);
  }

  find(item: number): number {
    let at = item;
    while (this.#parent[at] !== at) {
      this.#parent[at] = this.#parent[this.#parent[at]!]!;
      at = this.#parent[at]!;
    }
    return at;
  }

  union(a: number, b: number): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA !== rootB) this.#parent[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
  }
}
