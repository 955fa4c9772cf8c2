import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { analyzeBreakdown } from '../../../analyzers/lifecycle/breakdown.ts';
import type { BreakdownResult, BreakdownStep } from '../../../analyzers/lifecycle/breakdown-result.ts';
import { parseRows } from '../../../analyzers/lifecycle/evidence/rows.ts';
import { TASKER_CATALOG } from '../../../analyzers/lifecycle/tasker-catalog.ts';
import { memorySource } from '../../../src/base/source.ts';
import { otlp } from '../../../src/formats/otlp.ts';
import { TraceBuilder } from '../../../src/model/trace-builder.ts';

const RECORDINGS = fileURLToPath(new URL('../../../../shared/captures/tasker/', import.meta.url));
const skip = existsSync(RECORDINGS) ? false : 'the recordings of a running Tasker are not beside this checkout';
const DOCUMENTED = TASKER_CATALOG.operations
  .filter(o => o.expectedPerStep > 0 && o.phase !== 'task-coordination')
  .map(o => o.id);

const results = new Map<string, Promise<BreakdownResult>>();

/** A recording's files by name, analysed once. */
function breakdownOf(
  folder: string,
  files: readonly string[] = ['traces.jsonl.gz', 'logs.jsonl.gz', 'rows.json.gz'],
): Promise<BreakdownResult> {
  const key = `${folder} ${files.join(' ')}`;
  const known = results.get(key);
  if (known !== undefined) return known;
  const made = (async () => {
    const builder = new TraceBuilder(folder);
    let rows: ReturnType<typeof parseRows> | undefined;
    for (const file of files) {
      const bytes = gunzipSync(readFileSync(`${RECORDINGS}${folder}/${file}`));
      if (file.startsWith('rows')) rows = parseRows(file, JSON.parse(bytes.toString('utf8')) as unknown);
      else await otlp.read(memorySource(file, bytes), builder, {});
    }
    return analyzeBreakdown(builder.finish(), rows === undefined ? {} : { rows });
  })();
  results.set(key, made);
  return made;
}

function stepsOf(result: BreakdownResult): BreakdownStep[] {
  return result.tasks.flatMap(t => t.steps);
}

function documentedIn(step: BreakdownStep): number {
  return new Set(step.parts.filter(p => DOCUMENTED.includes(p.id)).map(p => p.id)).size;
}

function warned(result: BreakdownResult, code: string): number {
  return result.warnings.find(w => w.code === code)?.count ?? 0;
}

function assertClosed(steps: readonly BreakdownStep[]): void {
  for (const step of steps) {
    let at = step.startNs;
    for (const part of step.parts) {
      assert.equal(part.startNs, at);
      at += part.durationNs;
    }
    assert.equal(at, step.startNs + step.wallNs);
  }
}

describe('what Tasker really emits', { skip }, () => {
  for (const [folder, steps] of [
    ['linear-pgmq', 16],
    ['diamond-pgmq', 16],
    ['conditional-pgmq', 16],
    ['linear-rabbitmq', 16],
    ['perf-linear-pgmq', 48],
  ] as const) {
    test(`${folder}: every step's life is closed, with the documented operations`, async () => {
      const result = await breakdownOf(folder);
      const found = stepsOf(result);
      assert.equal(found.length, steps);
      assertClosed(found);
      assert.equal(result.completeness.complete, steps);
      for (const step of found)
        assert.ok(documentedIn(step) >= 19, `${step.name}: ${documentedIn(step)} of ${DOCUMENTED.length}`);
      assert.ok(result.shares.unattributed < 0.01);
      assert.ok(result.shares.codeOver5ms <= 0.2);
      assert.ok(found.every(step => step.name !== '' && step.eligibleNs <= step.startNs));
    });
  }

  test('two processes of each kind that share one resource are told apart; what the losses allow is closed', async () => {
    const result = await breakdownOf('cluster-2x2-linear-rabbitmq');
    const found = stepsOf(result);
    assert.equal(found.length, 64);
    assertClosed(found);
    assert.deepEqual(result.processes.map(p => p.name).sort(), [
      'tasker-orchestration #1',
      'tasker-orchestration #2',
      'tasker-rust-worker #1',
      'tasker-rust-worker #2',
    ]);
    assert.ok(result.completeness.complete >= 61);
    assert.equal(result.completeness.leftOut.length, 64 - result.completeness.complete);
    assert.ok(result.completeness.leftOut.every(s => s.reason !== ''));
    assert.ok(found.filter(step => documentedIn(step) >= 18).length >= 58);
    assert.ok(result.shares.unattributed < 0.05);
    assert.ok(result.shares.codeOver5ms <= 0.15);
    assert.ok(warned(result, 'spans-lost') > 0);
    assert.ok(warned(result, 'incomplete-steps') === result.completeness.leftOut.length);
  });

  test('the seventeenth result of sixteen is named, and what it cost', async () => {
    for (const folder of ['linear-pgmq', 'diamond-pgmq', 'conditional-pgmq']) {
      const result = await breakdownOf(folder);
      const twice = result.repeated.filter(r => r.phase === 'result-processing');
      assert.equal(twice.length, 1, folder);
      assert.equal(twice[0]!.times, 2);
      assert.ok(twice[0]!.extraNs > 10e6);
      assert.equal(warned(result, 'processed-twice'), 1);
    }
    assert.equal(warned(await breakdownOf('linear-rabbitmq'), 'processed-twice'), 0);
  });

  test('lost spans are named where they were lost, and nowhere else', async () => {
    const result = await breakdownOf('perf-linear-pgmq');
    const lost = result.missing.find(m => m.what === 'handle_step_execution_result');
    assert.equal(lost?.count, 7);
    for (const folder of ['linear-pgmq', 'diamond-pgmq', 'linear-rabbitmq']) {
      assert.equal(warned(await breakdownOf(folder), 'spans-lost'), 0, folder);
    }
  });

  test('the exporter’s own records are counted apart', async () => {
    const { noise } = await breakdownOf('linear-pgmq');
    assert.equal(noise.spans, 6982);
    assert.ok(noise.logs > 14_000);
  });

  test('traces only: the worker is one gap, the rest is there', async () => {
    for (const [folder, files] of [
      ['linear-pgmq-traces-only', ['traces.jsonl.gz']],
      ['linear-pgmq', ['traces.jsonl.gz']],
      ['linear-rabbitmq', ['traces.jsonl.gz']],
    ] as const) {
      const result = await breakdownOf(folder, files);
      const found = stepsOf(result);
      assert.equal(found.length, 16, folder);
      assertClosed(found);
      for (const step of found) {
        const dark = step.parts.filter(p => p.kind === 'unattributed');
        assert.deepEqual(
          dark.map(p => p.id),
          ['worker-not-recorded'],
          folder,
        );
        assert.ok(!step.parts.some(p => p.phase.startsWith('worker-') || p.phase === 'result-submission'));
      }
      assert.equal(warned(result, 'logs-missing'), 16);
    }
  });

  test('protobuf and JSON of the same recording give the same result', async () => {
    const json = await breakdownOf('linear-pgmq', ['traces.jsonl.gz', 'logs.jsonl.gz']);
    const protobuf = await breakdownOf('linear-pgmq', ['traces.pb.gz', 'logs.pb.gz']);
    assert.deepEqual(protobuf.tasks, json.tasks);
    assert.deepEqual(protobuf.operations, json.operations);
  });

  test('the table of edges says which step waits for which', async () => {
    const result = await breakdownOf('diamond-pgmq');
    for (const { steps } of result.tasks) {
      assert.deepEqual(steps.map(s => s.stage).sort(), [1, 2, 2, 3]);
      const last = steps.find(s => s.stage === 3)!;
      assert.equal(last.dependsOn.length, 2);
    }
  });
});
