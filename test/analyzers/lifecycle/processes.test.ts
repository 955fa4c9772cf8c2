import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellProcessesApart } from '../../../analyzers/lifecycle/processes.ts';
import { Recogniser } from '../../../analyzers/lifecycle/recogniser.ts';
import { TASKER_CATALOG } from '../../../analyzers/lifecycle/tasker-catalog.ts';
import type { AttributeValue } from '../../../src/model/trace.ts';
import { TraceBuilder } from '../../../src/model/trace-builder.ts';

/** One batch per entry, with one span each; `publisher` is an id that one process alone uses. */
interface Drawn {
  readonly service: string;
  readonly resource?: Record<string, AttributeValue>;
  readonly pid?: number;
  readonly publisher?: string;
  readonly span?: number;
  readonly parent?: number;
  readonly kind?: number;
}

function processesOf(batches: readonly Drawn[]): { groups: number[]; names: string[] } {
  const builder = new TraceBuilder('drawn');
  batches.forEach((drawn, i) => {
    const resource = builder.resource(
      new Map([['service.name', drawn.service], ...Object.entries(drawn.resource ?? {})]),
    );
    const process = drawn.pid === undefined ? 0 : builder.process({ pid: drawn.pid, key: '', name: 'seen' });
    const batch = builder.batch({ resource, process, arrivalNs: undefined, request: builder.request() });
    const trace = builder.traceIds.intern(0, 0, 0, 1);
    builder.span({
      trace,
      idHigh: 0,
      idLow: drawn.span ?? 100 + i,
      parentHigh: 0,
      parentLow: drawn.parent ?? 0,
      name: builder.strings.intern('publish_event'),
      kind: drawn.kind ?? 1,
      status: 0,
      startNs: i,
      endNs: i + 1,
      scope: builder.scope('s'),
      batch,
    });
    if (drawn.publisher !== undefined) builder.attributeOf('correlation_id', drawn.publisher);
  });
  const trace = builder.finish();
  const { ofBatch, list } = tellProcessesApart(trace, new Recogniser(TASKER_CATALOG, trace));
  return { groups: [...ofBatch], names: list.map(p => p.name) };
}

test('the connection that the receiver recorded tells most', () => {
  const { groups, names } = processesOf([
    { service: 'worker', pid: 7 },
    { service: 'worker', pid: 8 },
    { service: 'worker', pid: 7 },
  ]);
  assert.deepEqual(groups, [0, 1, 0]);
  assert.deepEqual(names, ['worker #1', 'worker #2']);
});

test('a resource that names an instance tells processes apart', () => {
  const { groups } = processesOf([
    { service: 'worker', resource: { 'service.instance.id': 'a' } },
    { service: 'worker', resource: { 'service.instance.id': 'b' } },
    { service: 'worker', resource: { 'service.instance.id': 'a' } },
    { service: 'orchestration', resource: { 'process.pid': 12 } },
  ]);
  assert.deepEqual(groups, [0, 1, 0, 2]);
});

test('two processes that share one resource are told apart by ids that one process alone uses', () => {
  const { groups, names } = processesOf([
    { service: 'worker', publisher: 'pub_1' },
    { service: 'worker', publisher: 'pub_2' },
    { service: 'worker', publisher: 'pub_2', span: 5 },
    { service: 'worker', publisher: 'pub_1', span: 6 },
    { service: 'worker', parent: 5 },
    { service: 'worker', parent: 6 },
    { service: 'orchestration', publisher: 'pub_1' },
  ]);
  assert.deepEqual(groups, [0, 1, 1, 0, 1, 0, 2]);
  assert.deepEqual(names, ['worker #1', 'worker #2', 'orchestration']);
});

test('a correlation id of a task names no process', () => {
  const { groups } = processesOf([
    { service: 'worker', publisher: 'pub_1' },
    { service: 'worker', publisher: 'pub_2' },
    { service: 'worker', publisher: '0b6e…' },
    { service: 'worker', publisher: '0b6e…' },
  ]);
  assert.notEqual(groups[0], groups[1]);
});

test('the parent of a consumer’s span may be elsewhere', () => {
  const { groups } = processesOf([
    { service: 'worker', publisher: 'pub_1', span: 5 },
    { service: 'worker', publisher: 'pub_2', parent: 5, kind: 5 },
  ]);
  assert.deepEqual(groups, [0, 1]);
});

test('batches that share nothing are of the one process that their service has', () => {
  const { groups, names } = processesOf([
    { service: 'worker', publisher: 'pub_1' },
    { service: 'worker', publisher: 'pub_1' },
    { service: 'worker' },
  ]);
  assert.deepEqual(groups, [0, 0, 0]);
  assert.deepEqual(names, ['worker']);
});
