// https://nodejs.org/en/learn/getting-started/debugging : SIGUSR1 opens the inspector of a running Node process.
// https://chromedevtools.github.io/devtools-protocol/v8/Runtime/#method-evaluate
import { createConnection } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Where a process opens its inspector at SIGUSR1, unless it was told otherwise. */
export const INSPECTOR_PORT = 9229;
const OPENS_WITHIN_MS = 5000;
const ANSWERS_WITHIN_MS = 10_000;

/** Why the inspector of a process could not be used; one sentence's end. */
export class InspectorError extends Error {}

/**
 * Has the Node process `pid` open its inspector, evaluates an expression in its main thread (also in the middle of a
 * loop), and gives back its value, which must be a string. Several processes share the port, so that one has to close its
 * inspector before the next can be asked: an expression that does gives 'closed'. It should where this call opened it
 * (`openedHere`), and must not where the program had it open. (No promises: in a loop, nobody would ever settle them.)
 */
export async function evaluateIn(
  pid: number,
  expression: (openedHere: boolean) => string,
  answersWithinMs: number = ANSWERS_WITHIN_MS,
): Promise<string> {
  const until = Date.now() + OPENS_WITHIN_MS;
  let openedHere = false;
  // A second signal to a process that has not come to the first would open its inspector again after it was closed: it is
  // sent only where another process was in the way, so that the first can have failed.
  let mustSignal = true;
  let inTheWay = `its inspector did not open, or port ${INSPECTOR_PORT} is taken by another program`;
  while (Date.now() < until) {
    // Asked anew each time: the process before this one in line may still be closing its own.
    if (!(await accepts(INSPECTOR_PORT))) {
      if (mustSignal) process.kill(pid, 'SIGUSR1');
      openedHere ||= mustSignal;
      mustSignal = false;
    } else {
      const url = await debuggerUrl();
      const socket = url === undefined ? undefined : await connect(url, pid, answersWithinMs);
      if (socket === 'other process') {
        inTheWay = `port ${INSPECTOR_PORT} is taken by another process`;
        mustSignal = true;
      } else if (socket !== undefined) {
        try {
          return await ask(socket, expression(openedHere), answersWithinMs);
        } finally {
          await close(socket);
        }
      }
    }
    await pause(50);
  }
  throw new InspectorError(inTheWay);
}

/**
 * Only a process that said who it is may answer with silence later (it closed its inspector, as asked); one that is still
 * closing from another's turn is silent, too. Undefined where it was.
 */
async function connect(
  url: string,
  pid: number,
  answersWithinMs: number,
): Promise<WebSocket | 'other process' | undefined> {
  const socket = new WebSocket(url);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new InspectorError('its inspector refused the connection'));
      socket.onclose = () => reject(new InspectorError('its inspector closed the connection'));
    });
    const answer = await ask(socket, 'String(process.pid)', answersWithinMs);
    if (answer === String(pid)) return socket;
    await close(socket);
    return answer === 'closed' ? undefined : 'other process';
  } catch {
    await close(socket);
    return undefined;
  }
}

/** Evaluates `expression` by an open connection; 'closed' where that ended instead of an answer. */
function ask(socket: WebSocket, expression: string, withinMs: number): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new InspectorError('its inspector does not answer')), withinMs);
    const done = (work: () => void): void => {
      clearTimeout(late);
      work();
    };
    socket.onclose = () => done(() => resolve('closed'));
    socket.onerror = () => done(() => reject(new InspectorError('its inspector broke the connection')));
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id === undefined) return;
      const thrown = answer.result?.exceptionDetails?.exception?.description;
      const result = answer.result?.result?.value;
      if (thrown !== undefined) done(() => reject(new InspectorError(thrown.split('\n')[0])));
      else if (typeof result !== 'string') done(() => reject(new InspectorError('it answered something else')));
      else done(() => resolve(result));
    };
    if (socket.readyState !== WebSocket.OPEN) done(() => resolve('closed'));
    else {
      const params = { expression, returnByValue: true, includeCommandLineAPI: true };
      socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }));
    }
  });
}

interface Answer {
  readonly id?: number;
  readonly result?: {
    readonly result?: { readonly value?: unknown };
    readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
  };
}

/** Undefined where what listens does not answer as an inspector, or no longer. */
async function debuggerUrl(): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${INSPECTOR_PORT}/json/list`, { signal: AbortSignal.timeout(500) });
    const [first] = (await response.json()) as { webSocketDebuggerUrl?: string }[];
    return first?.webSocketDebuggerUrl;
  } catch {
    return undefined;
  }
}

/** Waits, so that the port is free when the process has been asked to close, too. */
async function close(socket: WebSocket): Promise<void> {
  socket.close();
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
