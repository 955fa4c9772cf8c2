import type { BreakdownTask } from '../../analyzers/lifecycle/breakdown-result.ts';
import { renderWaterfallSvg } from '../../flame/waterfall.ts';
import { formatDuration } from '../base/format-units.ts';
import type { Block } from './block.ts';

/**
 * One task as a picture: a row a step, its parts as bars in the colour of their phase. Waits and what nobody saw keep
 * their own look, whatever phase they are in.
 */
export function taskWaterfall(task: BreakdownTask): Extract<Block, { kind: 'figure' }> {
  const svg = renderWaterfallSvg({
    title: `${task.name === '' ? task.namespace : task.name} ${task.taskUuid}`,
    facts: task.complete ? [] : ['not wholly in the recording'],
    totalNs: task.wallNs,
    rows: task.steps.map(step => ({
      label: step.name === '' ? step.stepUuid.slice(0, 8) : step.name,
      depth: step.stage - 1,
      bars: step.parts.map(part => ({
        startNs: part.startNs - task.startNs,
        durationNs: part.durationNs,
        kind: part.kind === 'operation' ? part.phase : part.kind,
        label: `${part.id}${part.phase === '' ? '' : `, ${part.phase}`}${part.shared ? ' (shared with its successors)' : ''}`,
      })),
    })),
  });
  const steps = task.steps.map(step => `${step.name} ${formatDuration(step.wallNs)}`);
  return { kind: 'figure', svg, caption: `Task ${task.taskUuid}, ${formatDuration(task.wallNs)}: ${steps.join(', ')}` };
}
