import { TprofError } from '../../src/base/errors.ts';

/**
 * Parses an address that a flag was given. Messages name the flag and never the address: it may hold a password.
 * Throws `TprofError` (`usage`).
 */
export function parseTargetUrl(text: string, flag: string, schemes: readonly string[], example: string): URL {
  const expected = `${flag}: expected an address such as ${example}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    // The host of a unix socket (`postgresql://user@%2Frun%2Fpostgresql/db`) is no host to every parser.
    const socket = /^(postgres(?:ql)?:\/\/(?:[^@/]*@)?)(%2F[^/?:]*)?(:\d+)?(.*)$/i.exec(text);
    if (socket === null) throw new TprofError('usage', `${expected}, found something else`, { cause });
    try {
      url = new URL(`${socket[1]}localhost${socket[3] ?? ''}${socket[4]}`);
    } catch {
      throw new TprofError('usage', `${expected}, found something else`, { cause });
    }
  }
  const scheme = url.protocol.slice(0, -1);
  if (!schemes.includes(scheme)) {
    throw new TprofError('usage', `${expected}, found one that begins with ${scheme}:`, {
      hint: `it has to begin with ${schemes.map(s => `${s}:`).join(' or ')}`,
    });
  }
  return url;
}

/** Host, port and path of an address, without user, password, query and fragment: what may go into a capture. */
export function describeTarget(url: URL, defaultPort: number): Record<string, string | number> {
  return {
    'server.address': url.hostname.replace(/^\[|\]$/g, ''),
    'server.port': url.port === '' ? defaultPort : Number(url.port),
    scheme: url.protocol.slice(0, -1),
  };
}

/** `Authorization` from the user and password of an address; undefined where it has none. */
export function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** The same address without user, password and fragment: `fetch` refuses one that has them. */
export function withoutCredentials(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.hash = '';
  return plain;
}
