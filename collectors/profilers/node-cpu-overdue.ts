// https://nodejs.org/en/learn/getting-started/debugging : SIGUSR1 opens the inspector of a running Node process.
import { readdir, readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isSameProcess } from '../process-table.ts';

/** Where a process opens its inspector at SIGUSR1, unless it was told otherwise. */
const PORT = 9229;
const OPENS_WITHIN_MS = 2000;
const ENDS_WITHIN_MS = 3000;

/**
 * Ends processes that got `signal` and do not get to it. Node's own handling ends a program in the middle of a loop;
 * under the agent the signal waits for the loop's end, since only then can a profile be taken out. The inspector can
 * interrupt a loop, so it is opened (one process at a time: they share the port), and the agent is asked to
 * write and to let go of the signal, which is then sent again. Processes with a handler of their own are left alone: they are at it.
 */
export async function endOverdue(
  directory: string,
  pids: readonly number[],
  signal: NodeJS.Signals,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const pid of pids) {
    const stuck = await isStuck(directory, pid, signal);
    if (stuck === undefined) continue;
    if (await accepts(PORT)) {
      lines.push(`pid ${pid} does not get to ${signal}, and port ${PORT} is taken, so its profile cannot be asked for`);
      continue;
    }
    process.kill(pid, 'SIGUSR1');
    try {
      await askToRelease(pid, signal);
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
async function isStuck(
  directory: string,
  pid: number,
  signal: NodeJS.Signals,
): Promise<{ pid: number; startTime: string } | undefined> {
  const names = (await readdir(directory)).filter(name => name.startsWith(`CPU.${pid}.0`) && name.endsWith('.jsonl'));
  for (const name of names) {
    const text = await readFile(join(directory, name), 'utf8');
    const startTime = /"startTime":"(\d*)"/.exec(text)?.[1];
    if (startTime === undefined || text.includes('{"event":"end"')) continue;
    if (text.includes(`{"event":"handles","signal":"${signal}"}`) || text.includes('"signal":"SIGUSR1"}')) continue;
    if (isSameProcess({ pid, startTime })) return { pid, startTime };
  }
  return undefined;
}

async function askToRelease(pid: number, signal: NodeJS.Signals): Promise<void> {
  const socket = new WebSocket(await inspectorUrl());
  try {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('its inspector does not answer')), ENDS_WITHIN_MS);
      const done = (work: () => void): void => {
        clearTimeout(late);
        work();
      };
      const expression = `process.pid === ${pid} ? process[Symbol.for('tprof.node-cpu.overdue')]('${signal}') : 'other'`;
      socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
      socket.onclose = () => done(() => reject(new Error('its inspector closed')));
      socket.onerror = () => done(() => reject(new Error('its inspector refused')));
      socket.onmessage = ({ data }) => {
        const value = /"value":"([^"]*)"/.exec(String(data))?.[1];
        done(() => (value === 'released' ? resolve() : reject(new Error(value ?? 'its agent does not answer'))));
      };
    });
  } finally {
    socket.close();
  }
}

async function inspectorUrl(): Promise<string> {
  const until = Date.now() + OPENS_WITHIN_MS;
  while (Date.now() < until) {
    try {
      const response = await fetch(`http://127.0.0.1:${PORT}/json/list`);
      const [first] = (await response.json()) as { webSocketDebuggerUrl?: string }[];
      if (first?.webSocketDebuggerUrl !== undefined) return first.webSocketDebuggerUrl;
    } catch {
      // Not open yet.
    }
    await pause(50);
  }
  throw new Error('its inspector did not open');
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
