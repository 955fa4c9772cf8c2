import { isIP } from 'node:net';
import { TprofError } from '../../src/base/errors.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
}

/** Reads `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `PORT`; without a host it is loopback. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]:|([^:]*):)?(\d+)$/.exec(text.trim());
  const port = Number(match?.[3] ?? Number.NaN);
  if (match === null || port > 65_535 || (match[1] !== undefined && isIP(match[1]) !== 6)) {
    throw new TprofError('usage', `--listen ${text}: expected HOST:PORT or :PORT`, {
      hint: 'for example --listen 127.0.0.1:4318, or --listen :0 for any free port',
    });
  }
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
}

/** The address as a URL that a child process can be given. */
export function endpointUrl({ host, port }: ListenAddress): string {
  // A server on all interfaces is reached over loopback by the processes beside it.
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${isIP(reachable) === 6 ? `[${reachable}]` : reachable}:${port}`;
}
