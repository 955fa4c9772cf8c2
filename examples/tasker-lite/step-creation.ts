import type { Scope, Session } from './database.ts';
import type { Scenario, StepTemplate } from './scenarios.ts';
import type { Statements } from './statements.ts';
import { createSteps, type NewStep } from './task-creation.ts';

/**
 * What a decision or a batchable step may answer, beside its value: which steps to make next, or how to cut the work.
 * `batches` makes one worker step each, numbered from 001, with the batch as its inputs.
 */
export interface StepOutcome {
  readonly create_steps?: readonly string[];
  readonly batches?: readonly Readonly<Record<string, unknown>>[];
}

/** The steps that `outcome` of `step` asks for, with the deferred steps in which they come together. Pure. */
export function stepsToCreate(scenario: Scenario, step: StepTemplate, outcome: StepOutcome): NewStep[] {
  const branches: NewStep[] = [];
  if (step.kind === 'decision') {
    for (const name of outcome.create_steps ?? []) {
      const template = scenario.steps.find(known => known.name === name && known.kind === 'deferred');
      if (template === undefined)
        throw new Error(`${step.name} decided for ${name}, which ${scenario.name} does not have`);
      branches.push({ template, inputs: {}, dependsOn: [step.name] });
    }
  } else if (step.kind === 'batchable') {
    const template = scenario.steps.find(known => known.kind === 'batch-worker' && known.dependsOn.includes(step.name));
    if (template === undefined) throw new Error(`${scenario.name} has no worker step for the batches of ${step.name}`);
    for (const [index, inputs] of (outcome.batches ?? []).entries()) {
      const name = `${template.name}_${String(index + 1).padStart(3, '0')}`;
      branches.push({ template: { ...template, name }, inputs, dependsOn: [step.name] });
    }
  }
  if (branches.length === 0) return [];
  const made = new Set(branches.map(branch => branch.template.name));
  const of = (parent: string): string[] =>
    branches.map(branch => branch.template.name).filter(name => name === parent || name.startsWith(`${parent}_`));
  const convergence = scenario.steps
    .filter(known => known.kind === 'deferred' && !made.has(known.name))
    .map(template => ({ template, inputs: {}, dependsOn: template.dependsOn.flatMap(of) }))
    .filter(({ dependsOn }) => dependsOn.length > 0);
  return [...branches, ...convergence];
}

/** Makes them in one transaction, unless an earlier processing of the same result has made them. */
export async function createOutcomeSteps(
  session: Session,
  statements: Statements,
  scope: Scope,
  taskUuid: string,
  steps: readonly NewStep[],
): Promise<void> {
  const { rows } = await session.run<{ workflow_step_uuid: string; step_name: string }>(
    statements['existing-steps'],
    [taskUuid],
    scope,
  );
  const existing = new Map(rows.map(row => [row.step_name, row.workflow_step_uuid]));
  const missing = steps.filter(step => !existing.has(step.template.name));
  if (missing.length === 0) return;
  await session.run(statements.begin, [], scope);
  await createSteps(session, statements, scope, { taskUuid, steps: missing, existing });
  await session.run(statements.commit, [], scope);
}
