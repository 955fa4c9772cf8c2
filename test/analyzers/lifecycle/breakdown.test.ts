import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { analyzeBreakdown } from '../../../analyzers/lifecycle/breakdown.ts';
import type { BreakdownPart, BreakdownResult, BreakdownStep } from '../../../analyzers/lifecycle/breakdown-result.ts';
import { parseRows } from '../../../analyzers/lifecycle/evidence/rows.ts';
import { type Plan, SimulatedTasker, type Truth } from './simulated-tasker.ts';

const LINEAR = [[], [0], [1], [2]];
const DIAMOND = [[], [0], [0], [1, 2]];
const TREE = [[], [0], [0], [1], [1], [2], [2], [3, 4, 5, 6]];
const PLAN: Plan = { seed: 7, tasks: [LINEAR], everyNs: 1e9, backend: 'pgmq', logs: true };

function run(plan: Plan): { result: BreakdownResult; truth: Truth; steps: BreakdownStep[] } {
  const { trace, truth } = new SimulatedTasker(plan).run();
  const result = analyzeBreakdown(trace);
  return { result, truth, steps: result.tasks.flatMap(t => t.steps) };
}

function codes(result: BreakdownResult): string[] {
  return result.warnings.map(w => w.code);
}

/** The parts of each step do not overlap, leave nothing out, and add up to its wall time, exactly. */
function assertClosed(steps: readonly BreakdownStep[]): void {
  for (const step of steps) {
    let at = step.startNs;
    for (const part of step.parts) {
      assert.equal(part.startNs, at);
      assert.ok(Number.isInteger(part.durationNs) && part.durationNs > 0);
      at += part.durationNs;
    }
    assert.equal(at, step.startNs + step.wallNs);
  }
}

function sumBy(step: BreakdownStep, kind: string, id?: string): number {
  return step.parts
    .filter(p => p.kind === kind && (id === undefined || p.id === id))
    .reduce((s, p) => s + p.durationNs, 0);
}

/** Every figure of every operation, and every stretch of every step, against what was simulated. */
function assertTrue(plan: Plan): { result: BreakdownResult; truth: Truth; steps: BreakdownStep[] } {
  const { result, truth, steps } = run(plan);
  assertClosed(steps);
  assert.equal(steps.length, truth.steps.length);
  const epochNs = Number(1_790_000_000_000_000_000n - BigInt(result.epochNs));
  for (const life of truth.steps) {
    const step = steps.find(s => s.stepUuid === life.uuid && s.attempt === life.attempt);
    assert.ok(step !== undefined, `step ${life.uuid} attempt ${life.attempt}`);
    assert.equal(step.complete, true, step.reason ?? '');
    assert.equal(step.startNs, life.startNs + epochNs);
    assert.equal(step.wallNs, life.endNs - life.startNs);
    assert.equal(sumBy(step, 'handler'), life.handlerNs);
    assert.equal(sumBy(step, 'unattributed'), 0);
    for (const [key, ns] of life.operations) {
      const id = key.split(' ')[1]!;
      const parts: BreakdownPart[] = step.parts.filter(p => p.id === id && p.kind === 'operation');
      assert.equal(parts.length, 1, `${key} of step ${life.uuid}`);
      assert.equal(parts[0]!.durationNs, ns, key);
    }
    for (const [id, ns] of life.waits) if (id !== 'enqueue-turn') assert.equal(sumBy(step, 'wait', id), ns, id);
  }
  for (const [key, lengths] of truth.operations) {
    const figures = result.operations.find(o => `${o.phase} ${o.id}` === key);
    assert.ok(figures !== undefined, key);
    assert.equal(figures.observed, lengths.length, key);
    assert.equal(
      figures.totalNs,
      lengths.reduce((a, b) => a + b, 0),
      key,
    );
  }
  return { result, truth, steps };
}

describe('a step’s life, simulated', () => {
  test('every operation, wait and length is what was simulated: one task at a time', () => {
    const { result, truth, steps } = assertTrue({ ...PLAN, tasks: [LINEAR, LINEAR, LINEAR] });
    assert.deepEqual(codes(result), []);
    assert.deepEqual(
      steps.map(s => s.stage),
      [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4],
    );
    assert.equal(result.completeness.complete, 12);
    assert.deepEqual(result.repeated, []);
    const claims = truth.operations.get('worker-claim claim-step')!;
    const figures = result.operations.find(o => o.id === 'claim-step')!;
    const sorted = [...claims].sort((a, b) => a - b);
    const mean = claims.reduce((a, b) => a + b, 0) / 12;
    assert.equal(figures.meanNs, Math.round(mean));
    assert.equal(figures.p50Ns, Math.round((sorted[5]! + sorted[6]!) / 2));
    assert.equal(figures.p95Ns, Math.round(sorted[10]! + (sorted[11]! - sorted[10]!) * 0.45));
    const variance = claims.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 11;
    assert.equal(figures.stddevNs, Math.round(Math.sqrt(variance)));
    assert.equal(figures.standIn, 'delivery by push');
    assert.deepEqual(result.counts.messages, { expected: 24, observed: 24 });
    assert.deepEqual(result.counts.stepTransitions, { expected: 48, observed: 48 });
  });

  test('shares add up to one, and each is its time over all wall time', () => {
    const { result, steps } = run(PLAN);
    const { shares } = result;
    const sum = shares.operation + shares.handler + shares.wait + shares.code + shares.unattributed;
    assert.ok(Math.abs(sum - 1) < 1e-12);
    const wall = steps.reduce((s, step) => s + step.wallNs, 0);
    const handler = steps.reduce((s, step) => s + sumBy(step, 'handler'), 0);
    assert.equal(shares.handler, handler / wall);
    assert.equal(result.handler.totalNs, handler);
  });

  test('messages over RabbitMQ: no call of pgmq, no id on a message', () => {
    const { result } = assertTrue({ ...PLAN, backend: 'rabbitmq', tasks: [LINEAR, DIAMOND] });
    assert.equal(result.operations.find(o => o.id === 'delete-result-message')!.standIn, 'acknowledgement at delivery');
  });

  test('siblings share their discovery: in each of their lives, once in the totals, and the turn of one is the wait of the other', () => {
    const { steps, truth } = assertTrue({ ...PLAN, tasks: [DIAMOND] });
    const [, b, c] = steps;
    for (const step of [b!, c!]) assert.equal(step.parts.find(p => p.id === 'step-readiness')!.shared, true);
    assert.equal(truth.operations.get('discovery step-readiness')!.length, 3);
    const turn = c!.parts.filter(p => p.id === 'enqueue-turn');
    assert.equal(turn.length, 1);
    assert.equal(turn[0]!.behind, b!.stepUuid);
    assert.deepEqual(steps[3]!.stage, 3);
  });

  test('what a run does for a successor stands in its own step as one shared stretch', () => {
    const { steps } = run(PLAN);
    const shared = steps[0]!.parts.filter(p => p.shared);
    assert.deepEqual(
      shared.map(p => [p.phase, p.id]),
      [['task-coordination', 'reevaluate-readiness']],
    );
    assert.equal(shared[0]!.startNs, steps[1]!.startNs);
    assert.ok(steps[1]!.eligibleNs < steps[1]!.startNs);
  });

  test('many steps in flight in one worker: statements without ids go to the right ones', () => {
    for (let seed = 1; seed <= 8; seed++) {
      assertTrue({ ...PLAN, seed, tasks: [TREE, DIAMOND, TREE, LINEAR], everyNs: 5e6 });
    }
  });

  test('a worker that does everything at once: nearly every statement still goes to the right step', () => {
    for (const width of [1, 4, 16]) {
      const task = Array.from({ length: width }, () => []);
      const { truth, steps } = run({
        ...PLAN,
        seed: width,
        tasks: [task, task, task],
        everyNs: 25e6 * width,
        parallel: true,
      });
      assertClosed(steps);
      let right = 0;
      let all = 0;
      for (const life of truth.steps) {
        const step = steps.find(s => s.stepUuid === life.uuid)!;
        for (const [key, ns] of life.operations) {
          if (!key.startsWith('worker-transition') && !key.startsWith('result-submission')) continue;
          all++;
          const parts = step.parts.filter(p => key.endsWith(` ${p.id}`));
          if (parts.length === 1 && parts[0]!.durationNs === ns) right++;
        }
      }
      assert.ok(right / all >= 0.99, `${right} of ${all} at ${width} in flight`);
    }
  });

  test('a result that is processed twice is counted twice, and costs what it cost', () => {
    const { result, truth } = assertTrue({ ...PLAN, processedTwice: [1, 2] });
    assert.deepEqual(
      result.repeated.map(r => [r.stepUuid, r.phase, r.times, r.extraNs]),
      [...truth.extraResultNs].map(([uuid, ns]) => [uuid, 'result-processing', 2, ns]),
    );
    assert.equal(result.warnings.find(w => w.code === 'processed-twice')!.count, 2);
  });

  test('a statement that nobody knows is listed by its fingerprint, and stands in the step that it was for', () => {
    const { result, truth, steps } = assertTrue({ ...PLAN, stranger: 'SELECT  nothing\n FROM nowhere -- yet' });
    assert.deepEqual(result.unmatched, [
      { fingerprint: 'select nothing from nowhere', count: 4, totalNs: truth.strangerNs },
    ]);
    assert.equal(
      steps.reduce((sum, step) => sum + sumBy(step, 'operation', 'unmatched-statement'), 0),
      truth.strangerNs,
    );
    assert.equal(result.warnings.find(w => w.code === 'unmatched-statements')!.count, 4);
  });

  test('a step that is tried again has two attempts, each with its own life', () => {
    const { steps, result } = assertTrue({ ...PLAN, retried: [1] });
    assert.deepEqual(
      steps.map(s => s.attempt),
      [1, 1, 2, 1, 1],
    );
    assert.deepEqual(result.repeated, []);
  });

  test('a worker whose clock is behind: moved by what its messages allow, and said so', () => {
    const ahead = 40e6;
    const { result, steps } = run({ ...PLAN, tasks: [LINEAR, LINEAR], workerSkewNs: -ahead });
    assertClosed(steps);
    assert.ok(codes(result).includes('clock-skew'));
    const moved = result.processes.find(p => p.clockOffsetNs !== 0)!;
    assert.equal(moved.name, 'tasker-worker');
    assert.ok(Math.abs(moved.clockOffsetNs - ahead) < 4e6, String(moved.clockOffsetNs));
    assert.equal(result.completeness.complete, 8);
    assert.deepEqual(codes(run(PLAN).result), []);
  });

  test('a lost span is proven by what names it; its log records stand in for it', () => {
    const { result, steps } = run({ ...PLAN, lost: { span: 'handle_step_execution_result', steps: [1] } });
    assertClosed(steps);
    assert.equal(result.warnings.find(w => w.code === 'spans-lost')!.count, 1);
    assert.deepEqual(
      result.missing.map(m => [m.process, m.what, m.count]),
      [['tasker-orchestration', 'handle_step_execution_result', 1]],
    );
    assert.equal(result.operations.find(o => o.id === 'complete-transition')!.observed, 4);
  });

  test('without log records a lost result span leaves its step out, with the reason', () => {
    const { result } = run({ ...PLAN, logs: false, lost: { span: 'handle_step_execution_result', steps: [3] } });
    assert.ok(codes(result).includes('spans-lost'));
    assert.equal(result.completeness.complete, 3);
    assert.match(result.completeness.leftOut[0]!.reason, /nothing after its enqueueing/);
    assert.ok(codes(result).includes('incomplete-steps'));
  });

  test('a step of which the tables alone know is named', () => {
    const { trace, truth } = new SimulatedTasker(PLAN).run();
    const [first] = truth.steps;
    const rows = parseRows('rows', {
      workflow_steps: [{ workflow_step_uuid: 'gone', task_uuid: first!.task, step_name: 'never_seen' }],
      workflow_step_transitions: [
        { workflow_step_uuid: 'gone', to_state: 'enqueued', created_at: '2026-09-21T13:33:20.5Z' },
      ],
    });
    const { completeness } = analyzeBreakdown(trace, { rows });
    assert.equal(completeness.steps, 5);
    assert.equal(completeness.complete, 4);
    assert.deepEqual(
      completeness.leftOut.map(s => s.name),
      ['never_seen'],
    );
  });

  test('traces only: the worker’s part is one gap with the remedy, and nothing is guessed into it', () => {
    const { result, steps } = run({ ...PLAN, logs: false });
    assertClosed(steps);
    for (const step of steps) {
      const dark = step.parts.filter(p => p.kind === 'unattributed');
      assert.deepEqual(
        dark.map(p => p.id),
        ['worker-not-recorded'],
      );
      assert.ok(!step.parts.some(p => p.phase.startsWith('worker-') || p.phase === 'result-submission'));
    }
    const warning = result.warnings.find(w => w.code === 'logs-missing')!;
    assert.match(warning.message, /OTEL_LOGS_ENABLED=true/);
    assert.equal(warning.count, 4);
  });

  test('the exporter’s own spans are counted apart and are in no figure', () => {
    const { result } = run({ ...PLAN, noise: 500 });
    const { result: clean } = run(PLAN);
    assert.deepEqual(result.noise, { spans: 500, logs: 0 });
    assert.deepEqual(result.operations, clean.operations);
    assert.ok(codes(result).includes('exporter-noise'));
  });

  test('any workflow: parts add up to wall time, exactly, and every operation is found at every step', () => {
    const dag = fc
      .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 7 })
      .map(rows => rows.map((deps, i) => (i === 0 ? [] : [...new Set(deps.map(d => d % i))])));
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer({ min: 1, max: 1e9 }),
          tasks: fc.array(dag, { minLength: 1, maxLength: 4 }),
          everyNs: fc.constantFrom(1e6, 2e7, 1e9),
          backend: fc.constantFrom('pgmq' as const, 'rabbitmq' as const),
        }),
        plan => {
          assertTrue({ ...plan, logs: true });
        },
      ),
      { numRuns: 40, seed: 20261121 },
    );
  });

  test('any part of a recording: nothing overlaps, nothing is lost between parts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.boolean(),
        fc.constantFrom(
          'handle_step_execution_result',
          'archive_message',
          'find_viable_steps',
          'enqueue_ready_steps',
          'finalize_task',
          'send_json_message',
        ),
        fc.array(fc.integer({ min: -1, max: 7 }), { maxLength: 4 }),
        (seed, logs, span, steps) => {
          const { steps: found } = run({
            ...PLAN,
            seed,
            logs,
            tasks: [DIAMOND, LINEAR],
            everyNs: 2e7,
            lost: { span, steps },
          });
          assertClosed(found);
        },
      ),
      { numRuns: 40, seed: 20261121 },
    );
  });
});
