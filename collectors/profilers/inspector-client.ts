// https://nodejs.org/en/learn/getting-started/debugging : SIGUSR1 opens the inspector of a running Node process.
// https://chromedevtools.github.io/devtools-protocol/v8/Runtime/#method-evaluate
import { createConnection } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Where a process opens its inspector at SIGUSR1, unless it was told otherwise. */
export const INSPECTOR_PORT = 9229;
const OPENS_WITHIN_MS = 2000;
const ANSWERS_WITHIN_MS = 10_000;

/** Why the inspector of a process could not be used; one sentence's end. */
export class InspectorError extends Error {}

/**
 * Has the Node process `pid` open its inspector, evaluates `expression` in its main thread (also in the middle of a
 * loop), and gives back its value, which must be a string. Several processes share the port, so that one has to close its
 * inspector before the next can be asked: an expression that does gives 'closed'. (No promises: in a loop, nobody would ever settle them.)
 */
export async function evaluateIn(
  pid: number,
  expression: string,
  answersWithinMs: number = ANSWERS_WITHIN_MS,
): Promise<string> {
  const wasOpen = await accepts(INSPECTOR_PORT);
  if (!wasOpen) process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await debuggerUrl());
  try {
    return await ask(socket, `process.pid === ${pid} ? (${expression}) : 'tprof: other process'`, answersWithinMs);
  } finally {
    socket.close();
    await closed(socket);
  }
}

async function ask(socket: WebSocket, expression: string, withinMs: number): Promise<string> {
  const value = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new InspectorError('its inspector does not answer')), withinMs);
    const done = (work: () => void): void => {
      clearTimeout(late);
      work();
    };
    const params = { expression, returnByValue: true, includeCommandLineAPI: true };
    socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }));
    // The expression may close the inspector: then there is no answer, but also no complaint.
    socket.onclose = () => done(() => resolve('closed'));
    socket.onerror = () => done(() => reject(new InspectorError('its inspector refused the connection')));
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id !== 1) return;
      const thrown = answer.result?.exceptionDetails?.exception?.description;
      const result = answer.result?.result?.value;
      if (thrown !== undefined) done(() => reject(new InspectorError(thrown.split('\n')[0])));
      else if (typeof result !== 'string') done(() => reject(new InspectorError('it answered something else')));
      else done(() => resolve(result));
    };
  });
  if (value === 'tprof: other process') throw new InspectorError(`port ${INSPECTOR_PORT} is taken by another process`);
  return value;
}

interface Answer {
  readonly id?: number;
  readonly result?: {
    readonly result?: { readonly value?: unknown };
    readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
  };
}

async function debuggerUrl(): Promise<string> {
  const until = Date.now() + OPENS_WITHIN_MS;
  while (Date.now() < until) {
    try {
      const response = await fetch(`http://127.0.0.1:${INSPECTOR_PORT}/json/list`, {
        signal: AbortSignal.timeout(500),
      });
      const [first] = (await response.json()) as { webSocketDebuggerUrl?: string }[];
      if (first?.webSocketDebuggerUrl !== undefined) return first.webSocketDebuggerUrl;
    } catch {
      // Not open yet.
    }
    await pause(50);
  }
  throw new InspectorError(`its inspector did not open, or port ${INSPECTOR_PORT} is taken by another program`);
}

async function closed(socket: WebSocket): Promise<void> {
  const until = Date.now() + 1000;
  while (socket.readyState !== WebSocket.CLOSED && Date.now() < until) await pause(10);
}

/** Whether something listens there. */
export function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
