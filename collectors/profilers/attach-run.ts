import { type AgentProduct, readAgentHarvest } from './agent-harvest.ts';
import { type AttachedInstrument, type Attachment, attachToNode } from './node-cpu-attach.ts';
import type { ProfilerHarvest, ProfilerRequest, ProfilerRun } from './profiler.ts';

/** Beside running processes: one after the other, since their inspectors share a port. */
export function attachRun(
  { pids, rawDirectory }: ProfilerRequest,
  instrument: AttachedInstrument,
  product: AgentProduct,
): ProfilerRun {
  const attachments: Attachment[] = [];
  const losses: ProfilerHarvest['losses'][number][] = [];
  const detachAll = async (): Promise<void> => {
    for (let next = attachments.pop(); next !== undefined; next = attachments.pop()) {
      const why = await next.detach();
      if (why !== undefined) losses.push({ what: `${product.profile} of pid ${next.pid}`, count: 1, why });
    }
  };
  return {
    command: [],
    environment: {},
    async started() {
      const failures: unknown[] = [];
      for (const pid of pids) {
        try {
          attachments.push(await attachToNode(pid, rawDirectory, instrument));
        } catch (error) {
          failures.push(error);
          losses.push({ what: `${product.profile} of pid ${pid}`, count: 1, why: (error as Error).message });
        }
      }
      if (attachments.length === 0) throw failures[0];
    },
    stop: detachAll,
    async collect() {
      const harvest = await readAgentHarvest(rawDirectory, product);
      return { ...harvest, losses: [...losses, ...harvest.losses] };
    },
  };
}
