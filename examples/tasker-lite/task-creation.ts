import { createHash, randomUUID } from 'node:crypto';
import type { Scope, Session } from './database.ts';
import type { Scenario, StepTemplate } from './scenarios.ts';
import type { Statements } from './statements.ts';

/** What `POST /v1/tasks` accepts, narrowed. */
export interface TaskRequest {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly initiator: string | undefined;
  readonly sourceSystem: string | undefined;
  readonly reason: string | undefined;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly correlationId: string;
  readonly parentCorrelationId: string | undefined;
}

/** One step to be made, with the names of those it waits for. */
export interface NewStep {
  readonly template: StepTemplate;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly dependsOn: readonly string[];
}

/** Makes the task with the steps that exist from the start. False where an identical task is there already. */
export async function createTask(
  session: Session,
  statements: Statements,
  scope: Scope,
  task: { uuid: string; request: TaskRequest; template: Scenario; processor: string },
): Promise<boolean> {
  const { uuid, request, template } = task;
  await session.run(statements.begin, [], scope);
  const made = await session.run(
    statements['create-task'],
    [
      uuid,
      request.namespace,
      request.name,
      request.version,
      JSON.stringify(request.context),
      identityHash(request),
      request.correlationId,
      request.parentCorrelationId,
      request.initiator,
      request.sourceSystem,
      request.reason,
      JSON.stringify(request.tags),
      request.priority,
    ],
    scope,
  );
  if (made.rowCount === 0) {
    await session.run(statements.rollback, [], scope);
    return false;
  }
  const steps = template.steps
    .filter(step => step.kind !== 'deferred' && step.kind !== 'batch-worker')
    .map(step => ({ template: step, inputs: {}, dependsOn: step.dependsOn }));
  await createSteps(session, statements, scope, { taskUuid: uuid, steps, existing: new Map() });
  await session.run(statements['create-task-transitions'], [uuid, task.processor], scope);
  await session.run(statements.commit, [], scope);
  return true;
}

/** Makes steps, their edges and their first state, inside a transaction that the caller began. */
export async function createSteps(
  session: Session,
  statements: Statements,
  scope: Scope,
  { taskUuid, steps, existing }: { taskUuid: string; steps: readonly NewStep[]; existing: ReadonlyMap<string, string> },
): Promise<void> {
  const uuids = new Map(existing);
  const created = steps.map(step => {
    const uuid = randomUUID();
    uuids.set(step.template.name, uuid);
    return { uuid, step };
  });
  const newUuids = created.map(({ uuid }) => uuid);
  await session.run(
    statements['create-steps'],
    [
      newUuids,
      created.map(() => taskUuid),
      created.map(({ step }) => step.template.name),
      created.map(({ step }) => step.template.handler),
      created.map(({ step }) => step.template.kind ?? null),
      created.map(({ step }) => JSON.stringify(step.inputs)),
    ],
    scope,
  );
  const from: string[] = [];
  const to: string[] = [];
  for (const { uuid, step } of created) {
    for (const parent of step.dependsOn) {
      const parentUuid = uuids.get(parent);
      if (parentUuid === undefined) throw new Error(`${step.template.name} waits for ${parent}, which does not exist`);
      from.push(parentUuid);
      to.push(uuid);
    }
  }
  if (from.length > 0) await session.run(statements['create-edges'], [from, to], scope);
  await session.run(statements['create-step-transitions'], [newUuids], scope);
}

/** Two requests are the same task if template and context are the same, in whatever order the keys came. */
function identityHash({ namespace, name, version, context }: TaskRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([namespace, name, version, sorted(context)]))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
