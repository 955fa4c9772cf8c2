/** One request to a tracker's API. The body of an upload is a file on disk, read as it is sent. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Blob;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What a conversation with a server needs of the machine; tests have their own. */
export interface Wire {
  /** How long an answer may take. Longer than the servers' own limit, so that what timed out is over there too. */
  readonly timeoutMs: number;
  readonly wait: (ms: number) => Promise<void>;
  readonly say: (line: string) => void;
}

/** No answer came. `taken`: the server may have done what it was asked to. */
export class NoAnswer extends Error {
  readonly taken: boolean;

  constructor(message: string, taken: boolean, cause: unknown) {
    super(message, { cause });
    this.name = 'NoAnswer';
    this.taken = taken;
  }
}

const REDIRECTS = 3;

/**
 * Sends a request and reads its answer. Follows redirects that stay at the same server (a renamed repository), with the
 * same method and body; others are answers, so that no token goes where it was not meant to. Throws `NoAnswer`.
 */
export async function exchange(request: ApiRequest, wire: Wire): Promise<ApiAnswer> {
  let { url } = request;
  for (let hop = 0; ; hop++) {
    const answer = await exchangeOnce({ ...request, url }, wire);
    const location = answer.headers.get('location');
    if (![301, 302, 307, 308].includes(answer.status) || location === null || hop === REDIRECTS) return answer;
    const next = new URL(location, url);
    if (next.origin !== new URL(url).origin) return answer;
    url = next.href;
  }
}

async function exchangeOnce({ method, url, headers, body }: ApiRequest, wire: Wire): Promise<ApiAnswer> {
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(wire.timeoutMs),
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    throw noAnswer(error, new URL(url).host, wire.timeoutMs);
  }
}

/** Codes of failures before a request left: nothing can have been done. */
const NEVER_SENT = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function noAnswer(error: unknown, host: string, timeoutMs: number): NoAnswer {
  if (!(error instanceof Error)) return new NoAnswer(`${host} could not be reached`, true, error);
  if (error.name === 'TimeoutError')
    return new NoAnswer(`${host} did not answer in ${timeoutMs / 1000} s`, true, error);
  const { cause } = error;
  // Several addresses of one name that all failed come as one error around them.
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const code = String((inner as { code?: unknown } | undefined)?.code ?? '');
  const why = inner instanceof Error && inner.message !== '' ? inner.message : error.message;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new NoAnswer(`the address of ${host} could not be found`, false, error);
  }
  if (code === 'ECONNREFUSED') return new NoAnswer(`${host} refused the connection`, false, error);
  const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL/.test(code);
  if (isCertificate) return new NoAnswer(`the certificate of ${host} is not trusted (${code})`, false, error);
  return new NoAnswer(`the connection to ${host} failed (${why})`, !NEVER_SENT.has(code), error);
}
