import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { BreakdownResult } from '../../analyzers/lifecycle/breakdown-result.ts';
import { otlpOfTrace } from '../analyzers/lifecycle/otlp-of-trace.ts';
import { SimulatedTasker } from '../analyzers/lifecycle/simulated-tasker.ts';
import { inFolder, runInProcess } from './run-tprof.ts';

const { trace, truth } = new SimulatedTasker({
  seed: 3,
  tasks: [
    [[], [0]],
    [[], [0], [0]],
  ],
  everyNs: 2e8,
  backend: 'pgmq',
  logs: true,
  processedTwice: [0],
}).run();
const FILES = otlpOfTrace(trace);
const ROWS = {
  workflow_steps: truth.steps.map((s, i) => ({
    workflow_step_uuid: s.uuid,
    task_uuid: s.task,
    step_name: `named_${i}`,
  })),
  workflow_step_edges: [{ from_step_uuid: truth.steps[0]!.uuid, to_step_uuid: truth.steps[1]!.uuid }],
  workflow_step_transitions: [],
  tasks: [],
};

async function withRecording(work: (cwd: string) => Promise<void>): Promise<void> {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'traces.jsonl'), FILES.traces);
    await writeFile(join(cwd, 'logs.jsonl.gz'), gzipSync(FILES.logs));
    await writeFile(join(cwd, 'rows.json.gz'), gzipSync(JSON.stringify(ROWS)));
    await work(cwd);
  });
}

test('breakdown --json is the whole result of the interface, of traces, logs and rows together', async () => {
  await withRecording(async cwd => {
    const args = ['breakdown', 'traces.jsonl', 'logs.jsonl.gz', '--rows', 'rows.json.gz', '--json'];
    const { code, stdout, stderr } = await runInProcess(args, cwd);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout) as BreakdownResult;
    assert.equal(result.schema, 'tprof.breakdown/1');
    assert.match(result.epochNs, /^\d{19}$/);
    assert.deepEqual(result.inputs, ['traces.jsonl', 'logs.jsonl.gz', 'rows.json.gz']);
    assert.deepEqual(Object.keys(result.tasks[0]!).sort(), [
      'complete',
      'name',
      'namespace',
      'startNs',
      'steps',
      'taskUuid',
      'wallNs',
    ]);
    const step = result.tasks[0]!.steps[0]!;
    for (const key of [
      'stepUuid',
      'name',
      'stage',
      'attempt',
      'complete',
      'eligibleNs',
      'startNs',
      'wallNs',
      'parts',
    ]) {
      assert.ok(key in step, key);
    }
    assert.deepEqual(Object.keys(step.parts[0]!).sort(), [
      'behind',
      'durationNs',
      'evidence',
      'id',
      'kind',
      'phase',
      'shared',
      'spanIds',
      'standIn',
      'startNs',
    ]);
    for (const figures of [...result.operations, ...result.phases, ...result.waits, ...result.code, result.handler]) {
      for (const key of ['observed', 'totalNs', 'meanNs', 'stddevNs', 'p50Ns', 'p95Ns', 'p99Ns', 'share'] as const) {
        assert.equal(typeof figures[key], 'number', key);
      }
    }
    assert.equal(result.operations.find(o => o.id === 'send-step')!.observed, 5);
    assert.equal(result.tasks[0]!.steps[1]!.name, 'named_1');
    assert.deepEqual(result.tasks[0]!.steps[1]!.dependsOn, [truth.steps[0]!.uuid]);
    assert.deepEqual(
      result.warnings.map(w => w.code),
      ['processed-twice'],
    );
  });
});

test('the report says what was expected and observed, what was done twice, and what stands in for what', async () => {
  await withRecording(async cwd => {
    const { code, stdout } = await runInProcess(['breakdown', 'traces.jsonl', 'logs.jsonl.gz', '--no-color'], cwd);
    assert.equal(code, 0);
    for (const text of [
      '2 tasks, 5 steps, each followed from its enqueueing to its end',
      'own code between operations',
      'send-step',
      'claim-step: delivery by push',
      'Done more than once',
      'documented operations',
    ]) {
      assert.ok(stdout.includes(text), text);
    }
    const markdown = await runInProcess(['breakdown', 'traces.jsonl', 'logs.jsonl.gz', '-o', 'out.md'], cwd);
    assert.equal(markdown.code, 0);
    assert.match(await readFile(join(cwd, 'out.md'), 'utf8'), /\| `? *send-step`? \| 1 \| 5 \|/);
  });
});

test('--task shows one task part by part; one that is not there is said so', async () => {
  await withRecording(async cwd => {
    const task = truth.steps[0]!.task;
    const found = await runInProcess(['breakdown', 'traces.jsonl', 'logs.jsonl.gz', '--task', task, '--json'], cwd);
    assert.equal((JSON.parse(found.stdout) as BreakdownResult).completeness.steps, 2);
    const text = await runInProcess(['breakdown', 'traces.jsonl', 'logs.jsonl.gz', '--task', task], cwd);
    assert.ok(text.stdout.includes('dispatch-channel'));
    const missing = await runInProcess(['breakdown', 'traces.jsonl', '--task', 'ffff'], cwd);
    assert.equal(missing.code, 3);
    assert.match(missing.stderr, /expected a task ffff, found none/);
  });
});

test('what is no recording of a workflow gets one sentence and exit 3', async () => {
  await withRecording(async cwd => {
    const span = {
      traceId: '1'.repeat(32),
      spanId: '1'.repeat(16),
      name: 'ping',
      kind: 1,
      startTimeUnixNano: '1',
      endTimeUnixNano: '2',
    };
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
    const other = { resourceSpans: [{ resource, scopeSpans: [{ scope: {}, spans: [span] }] }] };
    await writeFile(join(cwd, 'other.json'), JSON.stringify(other));
    await writeFile(join(cwd, 'empty.json'), '');
    await writeFile(join(cwd, 'profile.txt'), 'main;work 3\n');
    await writeFile(join(cwd, 'rows.bad.json'), '{"rows": [');
    await writeFile(join(cwd, 'rows.other.json'), '{"orders": []}');
    await mkdir(join(cwd, 'folder'));
    for (const [args, message] of [
      [['other.json'], /expected the steps of a workflow, found 1 spans and 0 log records of shop without any/],
      [['empty.json'], /expected/],
      [['profile.txt'], /expected a trace, found a profile|expected a capture, a profile or a trace/],
      [['folder'], /folder/],
      [['nowhere.json'], /nowhere\.json/],
      [['traces.jsonl', '--rows', 'rows.bad.json'], /rows\.bad\.json: expected tables as JSON/],
      [['traces.jsonl', '--rows', 'rows.other.json'], /rows\.other\.json: expected tables as JSON .*found orders/],
      [['traces.jsonl', '--catalog', 'rows.other.json'], /rows\.other\.json: expected .* at schema, found nothing/],
    ] as const) {
      const { code, stderr, stdout } = await runInProcess(['breakdown', ...args], cwd);
      assert.equal(code, 3, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
      assert.equal(stdout, '');
    }
    assert.equal((await runInProcess(['breakdown'], cwd)).code, 2);
  });
});

test('the built-in catalogue, printed and given back, gives the same result', async () => {
  await withRecording(async cwd => {
    const printed = await runInProcess(['breakdown', '--print-catalog'], cwd);
    await writeFile(join(cwd, 'catalog.json'), printed.stdout);
    const input = ['breakdown', 'traces.jsonl', 'logs.jsonl.gz', '--json'];
    const own = await runInProcess(input, cwd);
    const given = await runInProcess([...input, '--catalog', 'catalog.json'], cwd);
    assert.equal(given.code, 0, given.stderr);
    assert.equal(given.stdout, own.stdout);
    const broken = JSON.parse(printed.stdout) as { statements: { sql: string }[]; operations: { phase: string }[] };
    broken.statements[0]!.sql = '(';
    await writeFile(join(cwd, 'catalog.json'), JSON.stringify(broken));
    const pattern = await runInProcess([...input, '--catalog', 'catalog.json'], cwd);
    assert.equal(pattern.code, 3);
    assert.match(pattern.stderr, /expected a regular expression at statements\[0\]\.sql, found "\("/);
  });
});
