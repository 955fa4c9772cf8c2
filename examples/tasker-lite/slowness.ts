import { setTimeout as sleep } from 'node:timers/promises';
import { STATEMENT_IDS, type StatementId } from './statements.ts';

/** Milliseconds that each operation takes longer than it would, by its name; what is not named is as it is. */
export type Slowness = Readonly<Partial<Record<StatementId | 'handler', number>>>;

/** Not on a step's way: polls, reads for a client, the making of a task, what only `--emit tasker` runs. */
const NOT_OF_A_STEP = /^(?:poll|read|create|existing|worker)-|^begin$|^rollback$|-step-row$/;

/** What can be slowed: the statements and messages of a step, and the handler. */
export const SLOWABLE: readonly (StatementId | 'handler')[] = [
  'handler',
  ...STATEMENT_IDS.filter(id => !NOT_OF_A_STEP.test(id)),
];

/** Waits as long as `operation` is to be slowed. Statements wait in the server instead, see `Session`. */
export async function slowDown(slowness: Slowness, operation: StatementId | 'handler'): Promise<void> {
  const ms = slowness[operation];
  if (ms !== undefined) await sleep(ms);
}

/** The statement that waits in the server; undefined where `operation` is not slowed. */
export function slowStatement(slowness: Slowness, operation: StatementId): string | undefined {
  const ms = slowness[operation];
  return ms === undefined ? undefined : `SELECT pg_sleep(${ms / 1000})`;
}
