import type { Profile } from './profile.ts';
import type { Trace } from './trace.ts';

/**
 * Proves what the rest of the code takes for granted of a model: columns are of one length, indices point into their
 * tables, parents precede children. Throws an `Error` that names what is broken; a broken model is a reader's bug.
 */
export function checkProfile(profile: Profile): void {
  const { strings, frames, stacks, samples, threads, valueTypes, mappings } = profile;
  expect(strings[0] === '', 'strings[0] is not empty');
  expect(new Set(strings).size === strings.length, 'strings hold one text twice');
  for (const column of ['name', 'decoration', 'module', 'file', 'category'] as const) {
    indices(frames[column], frames.length, strings.length, `frames.${column}`);
  }
  for (const column of ['line', 'column', 'address', 'flags'] as const) {
    expect(frames[column].length === frames.length, `frames.${column} has ${frames[column].length} rows`);
  }
  for (const address of frames.address) expect(Number.isFinite(address), `frames.address holds ${address}`);
  indices(frames.mapping, frames.length, mappings.length, 'frames.mapping', -1);
  indices(stacks.frame, stacks.length, frames.length, 'stacks.frame');
  parentsFirst(stacks.parent, stacks.length, 'stacks.parent');
  indices(samples.thread, samples.length, threads.length, 'samples.thread');
  indices(samples.stack, samples.length, stacks.length, 'samples.stack', -1);
  expect(samples.values.length === valueTypes.length, 'samples.values and valueTypes differ in length');
  expect(valueTypes.length > 0, 'there is no value type');
  expect(valueTypes[profile.defaultValue] !== undefined, `defaultValue ${profile.defaultValue} is no value type`);
  for (const [v, column] of samples.values.entries()) {
    finite(column, samples.length, `samples.values[${v}]`);
  }
  if (samples.timeNs !== undefined) finite(samples.timeNs, samples.length, 'samples.timeNs');
  expect(samples.labelSets[0]?.length === 0, 'labelSets[0] is not empty');
  if (samples.labelSet !== undefined) {
    indices(samples.labelSet, samples.length, samples.labelSets.length, 'samples.labelSet');
  }
  for (const { start, end, path } of mappings) expect(start <= end, `mapping ${path} ends before it starts`);
  expect(profile.lostSamples >= 0, 'lostSamples is negative');
}

/** The same for a Trace. */
export function checkTrace(trace: Trace): void {
  const { strings, spans, events, links, logs, attributes } = trace;
  expect(strings[0] === '', 'strings[0] is not empty');
  const ids = trace.traceIds.length;
  indices(spans.trace, spans.length, ids, 'spans.trace');
  indices(spans.name, spans.length, strings.length, 'spans.name');
  indices(spans.parent, spans.length, spans.length, 'spans.parent', -1);
  indices(spans.scope, spans.length, trace.scopes.length, 'spans.scope');
  indices(spans.batch, spans.length, trace.batches.length, 'spans.batch');
  finite(spans.startNs, spans.length, 'spans.startNs');
  finite(spans.endNs, spans.length, 'spans.endNs');
  for (const column of ['idHigh', 'idLow', 'parentHigh', 'parentLow', 'kind', 'status'] as const) {
    expect(spans[column].length === spans.length, `spans.${column} has ${spans[column].length} rows`);
  }
  ranges(spans.attrStart, spans.attrCount, spans.length, attributes.length, 'spans.attr');
  ranges(spans.eventStart, spans.eventCount, spans.length, events.length, 'spans.event');
  ranges(spans.linkStart, spans.linkCount, spans.length, links.length, 'spans.link');
  indices(events.span, events.length, spans.length, 'events.span');
  indices(events.name, events.length, strings.length, 'events.name');
  finite(events.timeNs, events.length, 'events.timeNs');
  ranges(events.attrStart, events.attrCount, events.length, attributes.length, 'events.attr');
  indices(links.span, links.length, spans.length, 'links.span');
  indices(links.trace, links.length, ids, 'links.trace');
  indices(links.target, links.length, spans.length, 'links.target', -1);
  ranges(links.attrStart, links.attrCount, links.length, attributes.length, 'links.attr');
  finite(logs.timeNs, logs.length, 'logs.timeNs');
  indices(logs.body, logs.length, strings.length, 'logs.body');
  indices(logs.trace, logs.length, ids, 'logs.trace', -1);
  indices(logs.span, logs.length, spans.length, 'logs.span', -1);
  indices(logs.scope, logs.length, trace.scopes.length, 'logs.scope');
  indices(logs.batch, logs.length, trace.batches.length, 'logs.batch');
  ranges(logs.attrStart, logs.attrCount, logs.length, attributes.length, 'logs.attr');
  indices(attributes.key, attributes.length, strings.length, 'attributes.key');
  expect(attributes.type.length === attributes.length, 'attributes.type differs in length');
  expect(attributes.value.length === attributes.length, 'attributes.value differs in length');
  for (const { resource, process } of trace.batches) {
    expect(trace.resources[resource] !== undefined, `a batch names resource ${resource}`);
    expect(trace.processes[process] !== undefined, `a batch names process ${process}`);
  }
}

type Indices = Uint8Array | Uint16Array | Uint32Array | Int32Array;

function expect(holds: boolean, broken: string): asserts holds {
  if (!holds) throw new Error(`integrity: ${broken}`);
}

/** Every element lies in `[lowest, limit)`. */
function indices(column: Indices, length: number, limit: number, name: string, lowest = 0): void {
  expect(column.length === length, `${name} has ${column.length} rows, its table ${length}`);
  for (let i = 0; i < length; i++) {
    const index = column[i]!;
    expect(index >= lowest && index < limit, `${name}[${i}] is ${index}, of ${limit}`);
  }
}

function parentsFirst(parent: Int32Array, length: number, name: string): void {
  expect(parent.length === length, `${name} has ${parent.length} rows, its table ${length}`);
  for (let i = 0; i < length; i++) expect(parent[i]! >= -1 && parent[i]! < i, `${name}[${i}] is ${parent[i]}`);
}

function finite(column: Float64Array, length: number, name: string): void {
  expect(column.length === length, `${name} has ${column.length} rows, its table ${length}`);
  for (let i = 0; i < length; i++) expect(Number.isFinite(column[i]!), `${name}[${i}] is ${column[i]}`);
}

function ranges(start: Uint32Array, count: Uint16Array, length: number, limit: number, name: string): void {
  expect(start.length === length && count.length === length, `${name} has ${start.length} rows, its table ${length}`);
  for (let i = 0; i < length; i++) {
    expect(
      count[i] === 0 || start[i]! + count[i]! <= limit,
      `${name}[${i}] ends at ${start[i]! + count[i]!} of ${limit}`,
    );
  }
}
