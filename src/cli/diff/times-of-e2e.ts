import type { RunFacts } from '../../../analyzers/diff/comparability.ts';
import type { RunTimes } from '../../../analyzers/diff/run-times.ts';
import { TprofError } from '../../base/errors.ts';
import { asObject } from '../../base/narrow.ts';
import { readAll, type Source } from '../../base/source.ts';

/** Recognises a result of `tprof e2e --json` by its first bytes. */
export function isE2eResult(head: Uint8Array): boolean {
  return /^\s*\{\s*"schema"\s*:\s*"tprof\.e2e\/1"/.test(new TextDecoder().decode(head.subarray(0, 256)));
}

/** Latencies of the tasks that completed, and what the result says of the run. */
export async function readE2eTimes(source: Source): Promise<{ times: RunTimes; facts: RunFacts }> {
  const text = new TextDecoder().decode(await readAll(source));
  const damaged = (found: string, cause?: unknown): TprofError =>
    new TprofError('input-invalid', `${source.name}: expected a whole result of tprof e2e --json, found ${found}`, {
      hint: 'record it anew: tprof e2e SCENARIO --json > FILE',
      ...(cause === undefined ? {} : { cause }),
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw damaged('JSON that is damaged or cut', cause);
  }
  const result = asObject(parsed);
  if (!Array.isArray(result.tasks)) throw damaged('no list of tasks');
  let leftOut = 0;
  const tasks: RunTimes['tasks'][number][] = [];
  for (const [i, entry] of result.tasks.entries()) {
    const { taskUuid, status, latencyNs } = asObject(entry);
    if (typeof latencyNs !== 'number') throw damaged(`task ${i} without latencyNs`);
    if (status !== 'complete') leftOut++;
    else tasks.push({ id: String(taskUuid), latencyNs, operations: [], phases: [] });
  }
  const { concurrency } = result;
  const { id: scenario } = asObject(result.scenario);
  return {
    times: { name: source.name, tasks, leftOut },
    facts: {
      name: source.name,
      scenario: typeof scenario === 'string' ? scenario : undefined,
      concurrency: typeof concurrency === 'number' ? concurrency : undefined,
      complete: result.aborted === true ? false : undefined,
    },
  };
}
