import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to answer; `hang` and `drop` are servers that do not: the one never, the other by hanging up. */
export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | 'hang'
  | 'drop';

export interface ScriptedServer {
  readonly url: string;
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

/** A server on loopback that writes down what it is asked, and answers as the test says. */
export async function scriptedServer(answerTo: (request: Seen, nth: number) => Answer): Promise<ScriptedServer> {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const one: Seen = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('latin1'),
      };
      const answer = answerTo(one, seen.push(one) - 1);
      if (answer === 'hang') return;
      if (answer === 'drop') {
        request.socket.destroy();
        return;
      }
      const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {});
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(text);
    });
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      server.closeAllConnections();
      await new Promise(done => server.close(done));
    },
  };
}

/** A wire that does not wait, and writes down for how long it would have. */
export function quickWire(timeoutMs = 10_000): {
  readonly waits: number[];
  readonly said: string[];
  readonly timeoutMs: number;
  readonly wait: (ms: number) => Promise<void>;
  readonly say: (line: string) => void;
} {
  const waits: number[] = [];
  const said: string[] = [];
  return {
    waits,
    said,
    timeoutMs,
    wait: async ms => {
      waits.push(ms);
    },
    say: line => {
      said.push(line);
    },
  };
}
