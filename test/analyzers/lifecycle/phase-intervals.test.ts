import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyzeLifecycle } from '../../../analyzers/lifecycle/breakdown.ts';
import { phaseIntervals } from '../../../analyzers/lifecycle/phase-intervals.ts';
import { SimulatedTasker } from './simulated-tasker.ts';

const PLAN = { seed: 5, tasks: [[[], [0], [0]]], everyNs: 1e9, backend: 'pgmq' as const, logs: true };

test('each phase is in the process that performs it, and a wait is nobody’s work', () => {
  const lifecycle = analyzeLifecycle(new SimulatedTasker(PLAN).run().trace);
  const intervals = phaseIntervals(lifecycle);
  const { list } = lifecycle.joined.processes;
  for (const { phase, process, startNs, endNs, stepUuid } of intervals) {
    const performer = lifecycle.catalog.phases.find(p => p.id === phase)!.performer;
    assert.equal(list[process]!.name, `tasker-${performer}`, phase);
    assert.ok(endNs > startNs);
    const timeline = lifecycle.timelines.find(t => t.attempt.step === stepUuid)!;
    for (const part of timeline.parts) {
      if (part.kind !== 'wait' || process !== part.process) continue;
      assert.ok(startNs >= part.startNs + part.durationNs || endNs <= part.startNs || phase !== part.phase);
    }
  }
  assert.deepEqual(new Set(intervals.map(i => i.phase)), new Set(lifecycle.catalog.phases.map(p => p.id)));
});

test('samples are on the process’s own clock: what was moved to compare processes is moved back', () => {
  const plain = phaseIntervals(analyzeLifecycle(new SimulatedTasker(PLAN).run().trace));
  const skewed = analyzeLifecycle(new SimulatedTasker({ ...PLAN, workerSkewNs: -50e6 }).run().trace);
  assert.equal(skewed.joined.skews.length, 1);
  const handler = (list: readonly { phase: string; startNs: number }[]): number[] =>
    list.filter(i => i.phase === 'worker-hydration').map(i => i.startNs);
  const moved = handler(phaseIntervals(skewed));
  const shift = handler(plain).map((ns, i) => ns - moved[i]!);
  // The epoch is the earliest time of the recording, which may itself be the worker's.
  assert.ok(shift.every(ns => ns === shift[0]));
});
