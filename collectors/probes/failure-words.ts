import { ProbeFailure } from './probe.ts';

/** What went wrong with a connection, in words without host, user or address. */
const SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed by the other side',
  EPIPE: 'the connection was closed by the other side',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ENOENT: 'there is no socket of that name',
  EACCES: 'the socket may not be entered',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_SOCKET: 'the connection was closed by the other side',
  ABORT_ERR: 'no answer in time',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted (NODE_EXTRA_CA_CERTS names more)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted (NODE_EXTRA_CA_CERTS names more)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted (NODE_EXTRA_CA_CERTS names more)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

/** Codes of PostgreSQL whose messages name a user, a database or an address. */
const SQLSTATE: Readonly<Record<string, string>> = {
  '08P01': 'the server takes no settings when connecting, as poolers do: name the PostgreSQL behind it',
  '28P01': 'the server does not accept the password',
  '28000': 'the server does not accept the user',
  '3D000': 'there is no such database',
  '42501': 'the user may not read this',
  '53300': 'the server has no connection left',
  '55000': 'it is not loaded when the server starts',
  '57014': 'a reading took longer than 2 s',
  '57P01': 'the server is shutting down',
  '57P02': 'the server crashed',
  '57P03': 'the server is not ready yet',
};

/** Any error of a connection as a `ProbeFailure`; undefined codes keep their bare name. */
export function connectionFailure(error: unknown): ProbeFailure {
  if (error instanceof ProbeFailure) return error;
  for (const one of causes(error)) {
    if (one.name === 'TimeoutError' || one.name === 'AbortError')
      return new ProbeFailure('no answer in time', { cause: error });
    const code = typeof one.code === 'string' ? one.code : '';
    const words = SYSTEM[code] ?? SQLSTATE[code];
    if (words !== undefined) return new ProbeFailure(words, { cause: error });
    if (/^[0-9A-Z]{5}$/.test(code))
      return new ProbeFailure(`the server refuses with SQLSTATE ${code}`, { cause: error });
    if (/^Connection terminated|^Client has encountered|^Client was closed/.test(one.message))
      return new ProbeFailure('the connection was closed by the other side', { cause: error });
    if (/timeout/i.test(one.message)) return new ProbeFailure('no answer in time', { cause: error });
    if (/SSL|TLS/.test(one.message)) return new ProbeFailure('no agreement on TLS', { cause: error });
    if (/password must be a string|SASL/.test(one.message))
      return new ProbeFailure('the server wants a password', {
        cause: error,
        hint: 'put it into PGPASSWORD, or ~/.pgpass',
      });
    if (code !== '') return new ProbeFailure(`the connection failed (${code})`, { cause: error });
  }
  return new ProbeFailure('the connection failed', { cause: error });
}

interface Cause {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
}

/** The error, what caused it, and the parts of one that tried several addresses. */
function* causes(error: unknown): Generator<Cause> {
  const open: unknown[] = [error];
  for (let seen = 0; seen < 16; seen++) {
    const next = open.shift();
    if (!(next instanceof Error)) return;
    if (next instanceof AggregateError) open.push(...next.errors);
    if (next.cause !== undefined) open.push(next.cause);
    // fetch says no more than that it failed: its cause does.
    if (next.message !== 'fetch failed' && !(next instanceof AggregateError && next.message === '')) yield next;
  }
}
