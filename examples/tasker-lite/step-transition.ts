import type { Scope, Session } from './database.ts';
import { nextStepState, type StepEvent, type StepState } from './state-machine.ts';
import type { Statements } from './statements.ts';

/** Under which names the three statements of a transition are prepared, told and logged. */
export type TransitionName = 'enqueue' | 'start' | 'submit' | 'complete' | 'retry';

export interface StepTransition {
  readonly name: TransitionName;
  readonly stepUuid: string;
  readonly from: StepState;
  readonly event: StepEvent;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Moves a step in one transaction: select the next sort key, take `most_recent` from the current state, insert the new
 * one. False, and nothing changed, where the step is no longer in `from`: somebody else was faster.
 */
export async function transitionStep(
  session: Session,
  statements: Statements,
  scope: Scope,
  { name, stepUuid, from, event, metadata = {} }: StepTransition,
): Promise<boolean> {
  const to = nextStepState(from, event);
  if (to === undefined) throw new Error(`a step that is ${from} cannot ${event}`);
  const extras = { attributes: { 'tasker.from_state': from, 'tasker.to_state': to } };
  await session.run(statements.begin, [], scope, extras);
  const keys = await session.run<{ next_sort_key: number }>(statements[`${name}-sort-key`], [stepUuid], scope, extras);
  const taken = await session.run(statements[`${name}-most-recent`], [stepUuid, from], scope, extras);
  if (taken.rowCount !== 1) {
    await session.run(statements.rollback, [], scope, extras);
    return false;
  }
  const sortKey = keys.rows[0]?.next_sort_key;
  const values = [stepUuid, from, to, sortKey, JSON.stringify(metadata)];
  await session.run(statements[`${name}-transition`], values, scope, extras);
  await session.run(statements.commit, [], scope, extras);
  return true;
}
