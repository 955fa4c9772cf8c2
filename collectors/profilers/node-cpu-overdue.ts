import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isSameProcess } from '../process-table.ts';
import { accepts, evaluateIn, INSPECTOR_PORT } from './inspector-client.ts';

const ENDS_WITHIN_MS = 3000;

/**
 * Ends processes that got `signal` and do not get to it. Node's own handling ends a program in the middle of a loop;
 * under the agent the signal waits for the loop's end, since only then can a profile be taken out. The inspector can
 * interrupt a loop, so it is opened (one process at a time: they share the port), and the agent is asked to
 * write and to let go of the signal, which is then sent again. Processes with a handler of their own are left alone:
 * they are at it.
 */
export async function endOverdue(
  directory: string,
  pids: readonly number[],
  signal: NodeJS.Signals,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const pid of pids) {
    const stuck = await findStuck(directory, pid, signal);
    if (stuck === undefined) continue;
    if (await accepts(INSPECTOR_PORT)) {
      lines.push(
        `pid ${pid} does not get to ${signal}, and port ${INSPECTOR_PORT} is taken, so its profile cannot be asked for; Ctrl-C again kills it`,
      );
      continue;
    }
    try {
      const expression = `process[Symbol.for('tprof.node-cpu.overdue')]('${signal}')`;
      if ((await evaluateIn(pid, () => expression, ENDS_WITHIN_MS)) !== 'released') continue;
      process.kill(pid, signal);
      lines.push(`pid ${pid} was in a loop and did not get to ${signal}; its profile was asked for by the inspector`);
    } catch (error) {
      lines.push(`pid ${pid} does not get to ${signal} (${(error as Error).message}); Ctrl-C again kills it`);
    }
    const until = Date.now() + ENDS_WITHIN_MS;
    while (isSameProcess(stuck) && Date.now() < until) await pause(25);
  }
  return lines;
}

/** By the agent's journal: it began, has not ended, and its program has no handler for the signal or for SIGUSR1. */
async function findStuck(
  directory: string,
  pid: number,
  signal: NodeJS.Signals,
): Promise<{ pid: number; startTime: string } | undefined> {
  const names = (await readdir(directory)).filter(name =>
    new RegExp(`^(CPU|Heap)\\.${pid}\\.0\\b.*\\.jsonl$`).test(name),
  );
  for (const name of names) {
    const text = await readFile(join(directory, name), 'utf8');
    const startTime = /"startTime":"(\d*)"/.exec(text)?.[1];
    if (startTime === undefined || text.includes('{"event":"end"')) continue;
    if (text.includes(`{"event":"handles","signal":"${signal}"}`) || text.includes('"signal":"SIGUSR1"}')) continue;
    if (isSameProcess({ pid, startTime })) return { pid, startTime };
  }
  return undefined;
}
