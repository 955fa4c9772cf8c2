import type { WhatIf } from './what-if.ts';
import type { WorkflowGraph } from './workflow-graph.ts';
import type { WorkflowPart, WorkflowStep } from './workflow-task.ts';

/** Which parts an assumption changes, and to what. */
export interface PartChanges {
  readonly durationOf: ReadonlyMap<WorkflowPart, number>;
  /** Parts of that name, and their time as recorded and as assumed; what several steps share counts once. */
  readonly parts: number;
  readonly before: number;
  readonly after: number;
}

interface Changed {
  readonly part: WorkflowPart;
  readonly newNs: number;
}

export function changeParts(graphs: readonly WorkflowGraph[], whatIf: WhatIf): PartChanges {
  const durationOf = new Map<WorkflowPart, number>();
  let parts = 0;
  let before = 0;
  let after = 0;
  for (const { steps } of graphs) {
    const stretches = stretchesOf(steps);
    const changed: Changed[] = [];
    for (const step of steps) {
      for (const change of changesOf(step, whatIf, stretches)) {
        durationOf.set(change.part, change.newNs);
        changed.push(change);
      }
    }
    const once = distinct(changed);
    for (const { part, newNs } of once) {
      parts++;
      before += part.durationNs;
      after += newNs;
    }
    for (const stretch of stretches) {
      const end = stretch.startNs + stretch.durationNs;
      let delta = 0;
      for (let i = firstFrom(once, stretch.startNs); i < once.length && once[i]!.part.startNs < end; i++) {
        const { part, newNs } = once[i]!;
        if (part.startNs + part.durationNs <= end) delta += newNs - part.durationNs;
      }
      if (delta !== 0) durationOf.set(stretch, Math.max(0, stretch.durationNs + delta));
    }
  }
  return { durationOf, parts, before, after };
}

/** An operation changes wherever it is; a phase as a whole in each step, its parts in proportion. */
function changesOf(step: WorkflowStep, { name, change }: WhatIf, stretches: ReadonlySet<WorkflowPart>): Changed[] {
  const own = step.parts.filter(part => !stretches.has(part));
  const named = own.filter(part => isCalled(part, name));
  if (named.length > 0) return named.map(part => ({ part, newNs: change(part.durationNs) }));
  const phase = own.filter(part => part.phase === name && part.kind !== 'wait' && part.kind !== 'unattributed');
  const total = phase.reduce((sum, part) => sum + part.durationNs, 0);
  if (total === 0) return phase.map(part => ({ part, newNs: change(0) / phase.length }));
  const scale = change(total) / total;
  return phase.map(part => ({ part, newNs: part.durationNs * scale }));
}

function isCalled(part: WorkflowPart, name: string): boolean {
  if (part.id === name || `${part.phase}/${part.id}` === name) return true;
  return part.kind === 'handler' && name === 'handler';
}

/**
 * Shared parts in which another step's parts lie: what a step's run did for its successors. They take what those take,
 * and are no operation of their own, whatever they are called.
 */
function stretchesOf(steps: readonly WorkflowStep[]): Set<WorkflowPart> {
  const all = steps
    .flatMap((step, of) => step.parts.map(part => ({ part, of })))
    .sort((a, b) => a.part.startNs - b.part.startNs);
  const found = new Set<WorkflowPart>();
  for (const { part: shared, of } of all) {
    if (shared.shared !== true || shared.durationNs === 0) continue;
    const end = shared.startNs + shared.durationNs;
    for (let i = firstFrom(all, shared.startNs); i < all.length && all[i]!.part.startNs < end; i++) {
      const { part, of: owner } = all[i]!;
      const within = part.startNs + part.durationNs <= end && part.durationNs < shared.durationNs;
      if (owner === of || part.durationNs === 0 || !within) continue;
      found.add(shared);
      break;
    }
  }
  return found;
}

/** In order of time; what stands in several steps' lives once. */
function distinct(changed: readonly Changed[]): Changed[] {
  const known = new Set<string>();
  return [...changed]
    .sort((a, b) => a.part.startNs - b.part.startNs)
    .filter(({ part }) => {
      if (part.shared !== true) return true;
      const key = `${part.startNs} ${part.durationNs} ${part.id}`;
      return known.has(key) ? false : known.add(key) !== undefined;
    });
}

/** Index of the first that begins at `startNs` or later. */
function firstFrom(sorted: readonly { readonly part: WorkflowPart }[], startNs: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.part.startNs < startNs) low = middle + 1;
    else high = middle;
  }
  return low;
}
