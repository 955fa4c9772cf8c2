import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TprofError } from '../../base/errors.ts';

/** One page of the server. `body` is called for each request, so that nothing large is held. */
export interface ViewPage {
  readonly type: string;
  readonly body: () => string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

export interface ViewServer {
  /** Opens once: the token in it is exchanged for a cookie at the first visit and then void. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `pages` (by exact path) on loopback to one browser. Profiles hold names and arguments that other users of
 * the machine, and other sites open in the browser, must not read: so the token, the cookie, the Host check against
 * DNS rebinding, and no listening beyond 127.0.0.1.
 */
export async function startViewServer(
  pages: ReadonlyMap<string, ViewPage>,
  options: { port?: number } = {},
): Promise<ViewServer> {
  let token: string | undefined = randomBytes(24).toString('base64url');
  const session = randomBytes(24).toString('base64url');
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { port } = server.address() as AddressInfo;
    if (request.headers.host !== `127.0.0.1:${port}` && request.headers.host !== `localhost:${port}`) {
      return refuse(response, 421, 'This server answers to 127.0.0.1 alone.');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'Only GET is answered.');
    const url = new URL(request.url ?? '/', `http://127.0.0.1:${port}`);
    const offered = url.searchParams.get('token');
    if (offered !== null && token !== undefined && same(offered, token)) {
      token = undefined;
      response.writeHead(303, {
        location: url.pathname,
        'set-cookie': `${cookieName(port)}=${session}; HttpOnly; SameSite=Strict; Path=/`,
        'cache-control': 'no-store',
      });
      response.end();
      return;
    }
    if (!same(cookieOf(request, cookieName(port)), session)) {
      return refuse(
        response,
        403,
        'The link was used already, or is not the one that tprof view printed. Run tprof view again.',
      );
    }
    const page = pages.get(decodeURIComponent(url.pathname));
    if (page === undefined) return refuse(response, 404, 'There is no such page.');
    response.writeHead(200, { 'content-type': page.type, ...HEADERS });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const body = page.body();
    if (typeof body === 'string' || body instanceof Uint8Array) response.end(body);
    else await pipeline(Readable.from(body), response);
  }

  await new Promise<void>((ready, failed) => {
    server.once('error', cause => {
      const { code } = cause as NodeJS.ErrnoException;
      failed(
        code === 'EADDRINUSE'
          ? new TprofError('machine-lacks', `port ${options.port} is taken`, {
              hint: 'leave --port out to use a free one',
              cause,
            })
          : cause,
      );
    });
    server.listen(options.port ?? 0, '127.0.0.1', ready);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    port,
    close: () =>
      new Promise(closed => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'SAMEORIGIN',
  // Inline styles and scripts are our own pages' and speedscope's; nothing is fetched from elsewhere.
  'content-security-policy':
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self' data: blob:; frame-ancestors 'self'",
} as const;

/** Cookies ignore ports: two servers at once need two names. */
function cookieName(port: number): string {
  return `tprof-${port}`;
}

function cookieOf(request: IncomingMessage, name: string): string {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name) return value ?? '';
  }
  return '';
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...HEADERS });
  response.end(`${text}\n`);
}
