// The breakdown against the server's own word: PostgreSQL logs each statement with its parameters, which name the step.
// Emitting by the conventions, every operation is at the step that the server names, once. Emitting like Tasker does
// (no ids on statements), at least 99 % are, with 1, 4 and 16 steps in flight, of the steps whose records all arrived.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BreakdownResult } from '../../analyzers/lifecycle/breakdown-result.ts';
import { statementAgreement } from '../examples/statement-agreement.ts';

/** Emitting like Tasker nothing is flushed at the end: exported often, little is lost with it. */
const OFTEN = { OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_BLRP_SCHEDULE_DELAY: '50' };

const CASES = [
  { emit: 'conventions', scenario: 'linear', tasks: 50, concurrency: 1, least: 1 },
  { emit: 'conventions', scenario: 'diamond', tasks: 20, concurrency: 2, least: 1 },
  { emit: 'tasker', scenario: 'linear', tasks: 20, concurrency: 1, least: 0.99 },
  { emit: 'tasker', scenario: 'linear', tasks: 40, concurrency: 4, least: 0.99 },
  { emit: 'tasker', scenario: 'linear', tasks: 64, concurrency: 16, least: 0.99 },
] as const;

for (const { emit, scenario, tasks, concurrency, least } of CASES) {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-statements-'));
  try {
    const capture = join(folder, 'capture');
    const log = join(folder, 'statements.log');
    const words = [
      scenario,
      '--tasks',
      String(tasks),
      '--concurrency',
      String(concurrency),
      '--emit',
      emit,
      '--statement-log',
      log,
    ];
    const recorded = spawnSync(
      process.execPath,
      ['bin/tprof.js', 'record', '-q', '--profiler', 'none', '-o', capture, '--', 'e2e', ...words],
      { encoding: 'utf8', env: { ...process.env, ...OFTEN } },
    );
    assert.equal(recorded.status, 0, recorded.stderr);
    const result = JSON.parse(readFileSync(join(capture, 'breakdown.json'), 'utf8')) as BreakdownResult;
    const agreement = statementAgreement(result, readFileSync(log, 'utf8'), emit);
    const label = `${scenario}, ${tasks} tasks, ${concurrency} at once, emitting ${emit}`;
    console.log(
      `${label}: ${agreement.agree} of ${agreement.total} statements are at the step that the server names, ${agreement.leftOut} more are of steps that are not wholly in the recording; ` +
        `unattributed ${(result.shares.unattributed * 100).toFixed(2)} %, code ${(result.shares.code * 100).toFixed(1)} %, waits ${(result.shares.wait * 100).toFixed(1)} %`,
    );
    // Emitting like Tasker, nothing is flushed at the end, and the last steps may be lost with it.
    assert.ok(
      agreement.leftOut <= (emit === 'tasker' ? 0.1 * agreement.total : 0),
      `${label}: ${agreement.leftOut} left out`,
    );
    assert.ok(agreement.agree / agreement.total >= least, `${label}: ${agreement.examples.join('; ')}`);
    if (emit === 'conventions') {
      assert.ok(result.shares.unattributed < 0.02, `${label}: ${result.shares.unattributed} unattributed`);
      assert.equal(agreement.twice, 0, `${label}: operations seen twice at one step`);
      assert.deepEqual(result.warnings, [], label);
      if (scenario === 'diamond') {
        for (const task of result.tasks) {
          assert.equal(Math.max(...task.steps.map(step => step.stage)), 3, 'three sequential stages');
          assert.ok(
            task.steps.some(step => step.dependsOn.length === 2),
            'a convergence',
          );
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
