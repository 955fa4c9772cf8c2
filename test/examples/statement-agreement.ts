import type { BreakdownResult } from '../../analyzers/lifecycle/breakdown-result.ts';
import { OPERATIONS, ownersOf, parseStatementLog, stepOf } from './statement-log.ts';

/** The server logs whole milliseconds, and when it begins; the client's clock is read before and after. */
const TOLERANCE_MS = 2;

/**
 * Emitting like Tasker, the result's deletion has a span without a step, and the embedded workload deletes in the middle
 * of the processing where Tasker does so after it: nothing but the message's number joins the two.
 */
const BESIDE_THE_PATH: ReadonlySet<string> = new Set(['delete-result-message']);

export interface StatementAgreement {
  readonly agree: number;
  readonly total: number;
  /** Of steps that the breakdown says it has not wholly: records of them were lost. */
  readonly leftOut: number;
  /** Operations that the breakdown has more than once at a step although the server ran them once. */
  readonly twice: number;
  readonly examples: readonly string[];
}

/** For every statement that names its step: does the breakdown have it at that step, at that time? */
export function statementAgreement(
  result: BreakdownResult,
  logText: string,
  emit: 'conventions' | 'tasker',
): StatementAgreement {
  const ignored = emit === 'tasker' ? BESIDE_THE_PATH : new Set<string>();
  const statements = parseStatementLog(logText);
  const owners = ownersOf(statements);
  const documented = new Set(OPERATIONS.map(([operation]) => operation));
  const epochMs = Number(BigInt(result.epochNs) / 1000n) / 1000;
  const seen = new Map<string, { fromMs: number; toMs: number }[]>();
  for (const task of result.tasks) {
    for (const step of task.steps) {
      for (const part of step.parts) {
        if (part.kind !== 'operation' || !documented.has(part.id)) continue;
        const key = `${part.id} ${step.stepUuid}`;
        const at = epochMs + part.startNs / 1e6;
        const list = seen.get(key) ?? [];
        list.push({ fromMs: at, toMs: at + part.durationNs / 1e6 });
        seen.set(key, list);
      }
    }
  }
  let agree = 0;
  let total = 0;
  let twice = 0;
  let leftOut = 0;
  // What never arrived is named as such by the breakdown itself: such a step says what it lacks.
  const complete = new Set(
    result.tasks
      .flatMap(task => task.steps)
      .filter(step => step.complete && !step.parts.some(part => part.kind === 'unattributed'))
      .map(step => step.stepUuid),
  );
  const examples: string[] = [];
  for (const statement of statements) {
    const step = stepOf(statement);
    if (step === '' || ignored.has(statement.name)) continue;
    if (!complete.has(step)) {
      leftOut++;
      continue;
    }
    total++;
    const found = seen.get(`${statement.name} ${step}`) ?? [];
    const times = owners.get(statement.name)?.get(step) ?? 0;
    if (times === 1 && found.length > 1) twice++;
    if (
      found.some(
        ({ fromMs, toMs }) => statement.unixMs >= fromMs - TOLERANCE_MS && statement.unixMs <= toMs + TOLERANCE_MS,
      )
    )
      agree++;
    else if (examples.length < 5)
      examples.push(`${statement.name} of ${step}: ${found.length === 0 ? 'not there' : 'at another time'}`);
  }
  return { agree, total, leftOut, twice, examples };
}
