import type { Scope, Session } from './database.ts';
import type { StepState } from './state-machine.ts';
import type { Statements } from './statements.ts';

/** What a worker knows of a step before it runs it. */
export interface StepContext {
  readonly context: Record<string, unknown>;
  readonly step_name: string;
  readonly handler: string;
  readonly inputs: Record<string, unknown>;
  readonly attempts: number;
  readonly current_state: StepState;
  readonly dependency_results: Record<string, { result?: unknown }>;
}

/** Whose statements these are, and on which connection. */
export interface Work {
  readonly session: Session;
  readonly statements: Statements;
  readonly scope: Scope;
  readonly taskUuid: string;
  readonly stepUuid: string;
}

/**
 * The statements that Tasker's worker runs before it changes a step: four that hydrate it, three that look at its state
 * (one of them twice). Undefined where the step is not there.
 */
export async function readLikeTasker({
  session,
  statements,
  scope,
  taskUuid,
  stepUuid,
}: Work): Promise<StepContext | undefined> {
  const task = await session.run<{ context: Record<string, unknown> }>(
    statements['worker-task-row'],
    [taskUuid],
    scope,
  );
  await session.run(statements['worker-task-names'], [taskUuid], scope);
  const steps = await session.run<Omit<StepContext, 'context' | 'current_state' | 'dependency_results'>>(
    statements['worker-named-step'],
    [stepUuid],
    scope,
  );
  const parents = await session.run<{ step_name: string; results: { result?: unknown }; distance: number }>(
    statements['worker-dependencies'],
    [stepUuid],
    scope,
  );
  for (let i = 0; i < 2; i++) await session.run(statements['worker-current-transition'], [stepUuid], scope);
  const states = await session.run<{ to_state: StepState }>(statements['worker-step-state'], [stepUuid], scope);
  const [found, step, state] = [task.rows[0], steps.rows[0], states.rows[0]];
  if (found === undefined || step === undefined || state === undefined) return undefined;
  return {
    ...step,
    context: found.context,
    current_state: state.to_state,
    dependency_results: Object.fromEntries(
      parents.rows.filter(parent => parent.distance === 1).map(parent => [parent.step_name, parent.results]),
    ),
  };
}

/** After the change to in_progress Tasker writes two flags of the step; here a trigger has set them, and they stay. */
export async function markLikeTasker({ session, statements, scope, stepUuid }: Work): Promise<void> {
  await session.run(statements['worker-mark-in-process'], [stepUuid], scope);
  await session.run(statements['worker-count-attempt'], [stepUuid], scope);
}

/** Before a result is submitted Tasker reads step, task and state once more. */
export async function rereadLikeTasker({ session, statements, scope, taskUuid, stepUuid }: Work): Promise<void> {
  await session.run(statements['worker-step-row'], [stepUuid], scope);
  await session.run(statements['worker-task-row-again'], [taskUuid], scope);
  await session.run(statements['worker-current-transition-again'], [stepUuid], scope);
}

/** After the submission it keeps the results in the step. */
export async function keepLikeTasker({ session, statements, scope, stepUuid }: Work, results: object): Promise<void> {
  await session.run(statements['worker-keep-results'], [stepUuid, JSON.stringify(results)], scope);
}
