import { connectionFailure } from './failure-words.ts';
import { ProbeFailure } from './probe.ts';

const ANSWER_MS = 3000;
const MOST_BYTES = 16 << 20;

/** The text behind an address. Throws `ProbeFailure`, also for an answer that is no 2xx or larger than 16 MiB. */
export async function readHttp(url: URL, headers: Readonly<Record<string, string>>): Promise<string> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok) {
      await response.body?.cancel();
      throw new ProbeFailure(`the server answers ${response.status}`, {
        ...(response.status === 401 || response.status === 403
          ? { hint: 'user and password go into the address: http://user:password@host' }
          : {}),
      });
    }
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > MOST_BYTES) throw new ProbeFailure('the answer is larger than 16 MiB');
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  } catch (error) {
    throw connectionFailure(error);
  }
}
