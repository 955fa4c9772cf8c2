import { OtlpChecker } from '../../src/formats/otlp-check.ts';
import { OtlpEncoder, UnencodableJson } from '../../src/formats/otlp-encode.ts';
import type { OtlpSignal } from '../../src/formats/otlp-sink.ts';
import { isDiskFull } from '../disk-failure.ts';
import type { OtlpForwarder } from './otlp-forward.ts';
import type { OtlpStore } from './otlp-store.ts';
import type { Peer } from './peer-process.ts';

export type OtlpTransport = 'grpc' | 'http-protobuf' | 'http-json';

/** What became of a request; each transport says it in its own way. */
export type OtlpOutcome =
  /** On disk. `rejected` records in it have no valid ids and will not be read. */
  | { readonly kind: 'accepted'; readonly rejected: number }
  /** The sender's fault: sending it again is of no use. */
  | { readonly kind: 'invalid'; readonly message: string }
  /** Not kept, and not the sender's fault: to be sent again. */
  | { readonly kind: 'unavailable'; readonly message: string };

export interface OtlpCounts {
  readonly requests: number;
  readonly spans: number;
  readonly logs: number;
  readonly metrics: number;
  /** Of the requests as they are stored. */
  readonly bytes: number;
  /** Records without valid ids, inside of accepted requests. */
  readonly invalidIds: number;
  /** Requests refused because they could not be decoded. */
  readonly refused: number;
  /** Requests that failed by a fault of ours; `lastBug` has the stack. */
  readonly broken: number;
  /** Requests that could not be written; their senders were told to try again. */
  readonly unwritten: number;
}

/** Requests that wait for the disk may hold this much memory; beyond it senders are told to come back. */
const MOST_WAITING_BYTES = 256 << 20;

/** The way of every request, whatever it came by: decode or check, keep, count, pass on. */
export class OtlpIntake {
  readonly #store: OtlpStore;
  readonly #forwarder: OtlpForwarder | undefined;
  readonly #encoder = new OtlpEncoder();
  readonly #checker = new OtlpChecker();
  readonly #counts = {
    requests: 0,
    spans: 0,
    logs: 0,
    metrics: 0,
    bytes: 0,
    invalidIds: 0,
    refused: 0,
    broken: 0,
    unwritten: 0,
  };
  #waitingBytes = 0;
  #lastWriteError: unknown;
  #lastBug: unknown;

  constructor(store: OtlpStore, forwarder: OtlpForwarder | undefined) {
    this.#store = store;
    this.#forwarder = forwarder;
  }

  get counts(): OtlpCounts {
    return { ...this.#counts };
  }

  /** Why requests could not be written, if any could not. */
  get lastWriteError(): unknown {
    return this.#lastWriteError;
  }

  /** A request that was refused before it got here (too large, undecodable compression). */
  refused(): void {
    this.#counts.refused++;
  }

  /** A bug met a request: it is answered as such, and the recording goes on. */
  broke(error: unknown): void {
    this.#counts.broken++;
    this.#lastBug = error;
  }

  get lastBug(): unknown {
    return this.#lastBug;
  }

  async take(
    signal: OtlpSignal,
    transport: OtlpTransport,
    body: Uint8Array,
    peer: Promise<Peer>,
  ): Promise<OtlpOutcome> {
    let message = body;
    if (transport === 'http-json') {
      try {
        message = this.#encoder.encode(signal, body);
      } catch (error) {
        if (!(error instanceof UnencodableJson)) throw error;
        return this.#refuse(error.message);
      }
    }
    const check = this.#checker.check(signal, message);
    if (!check.ok) return this.#refuse(check.why);
    // An envelope without records says nothing; there is nothing to keep.
    if (check.records === 0) return { kind: 'accepted', rejected: 0 };
    if (this.#waitingBytes + message.length > MOST_WAITING_BYTES && this.#waitingBytes > 0) {
      this.#counts.unwritten++;
      return { kind: 'unavailable', message: 'the disk is slower than what arrives; try again' };
    }
    const arrival = unixNs();
    this.#waitingBytes += message.length;
    try {
      const { process, address } = await peer;
      await this.#store.append({ signal, message, arrival, transport, peer: address, ...process });
    } catch (error) {
      this.#counts.unwritten++;
      this.#lastWriteError = error;
      return {
        kind: 'unavailable',
        message: isDiskFull(error)
          ? 'the disk is full; nothing of this request was kept'
          : 'the request could not be written',
      };
    } finally {
      this.#waitingBytes -= message.length;
    }
    const counts = this.#counts;
    counts.requests++;
    counts.bytes += message.length;
    counts.invalidIds += check.invalidIds;
    counts[signal === 'traces' ? 'spans' : signal] += check.records - check.invalidIds;
    this.#forwarder?.pass(signal, message);
    return { kind: 'accepted', rejected: check.invalidIds };
  }

  #refuse(message: string): OtlpOutcome {
    this.#counts.refused++;
    return { kind: 'invalid', message };
  }
}

/** Unix nanoseconds as text. The fine clock was set when this process began: a clock step since then shows, and counts. */
function unixNs(): string {
  const coarseMs = Date.now();
  const fineMs = performance.timeOrigin + performance.now();
  const ms = Math.abs(fineMs - coarseMs) < 2 ? fineMs : coarseMs;
  return (BigInt(Math.round(ms * 1000)) * 1000n).toString();
}
