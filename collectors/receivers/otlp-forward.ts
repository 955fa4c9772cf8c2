import { setTimeout as sleep } from 'node:timers/promises';
import { TprofError } from '../../src/base/errors.ts';
import type { OtlpSignal } from '../../src/formats/otlp-sink.ts';
import { grpcSender } from './otlp-forward-grpc.ts';

export interface ForwardOptions {
  readonly url: string;
  /** Sent with every request: tokens that the user's collector asks for. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ForwardSummary {
  readonly url: string;
  readonly sent: number;
  /** Requests that the collector refused, that did not fit the queue, or that were left when time was up. */
  readonly failed: number;
  readonly lastError: string | undefined;
}

/** How one request went: done, worth another try, or refused for good. */
export type SendResult = { readonly kind: 'sent' } | { readonly kind: 'retry' | 'refused'; readonly why: string };

export interface Sender {
  send(signal: OtlpSignal, message: Uint8Array): Promise<SendResult>;
  close(): void;
}

/** What waits for a slow or absent collector; beyond it the newest are dropped, and counted. */
const MOST_QUEUED_BYTES = 64 << 20;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const SEND_TIMEOUT_MS = 10_000;
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Passes on every batch to the user's own collector, after it is on our disk and without anyone waiting: a collector
 * that fails costs that collector its copy, and nothing else.
 */
export class OtlpForwarder {
  readonly #url: string;
  readonly #sender: Sender;
  readonly #queue: { signal: OtlpSignal; message: Uint8Array }[] = [];
  readonly #stopping = new AbortController();
  #queuedBytes = 0;
  #running: Promise<void> | undefined;
  #sent = 0;
  #failed = 0;
  #lastError: string | undefined;

  constructor(options: ForwardOptions) {
    this.#url = options.url;
    this.#sender = senderOf(options);
  }

  get summary(): ForwardSummary {
    return { url: this.#url, sent: this.#sent, failed: this.#failed, lastError: this.#lastError };
  }

  pass(signal: OtlpSignal, message: Uint8Array): void {
    if (this.#queuedBytes + message.length > MOST_QUEUED_BYTES && this.#queue.length > 0) {
      this.#fail(`${this.#url} is slower than what arrives`);
      return;
    }
    this.#queue.push({ signal, message });
    this.#queuedBytes += message.length;
    this.#running ??= this.#run();
  }

  /** Gives the queue `graceMs` to empty itself; what is left then counts as failed. */
  async close(graceMs: number): Promise<void> {
    if (this.#running !== undefined) {
      const timer = setTimeout(() => this.#stopping.abort(), graceMs);
      await this.#running;
      clearTimeout(timer);
    }
    this.#sender.close();
  }

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (this.#queue.length > 0) {
      const { signal, message } = this.#queue[0]!;
      const result = await this.#sender.send(signal, message);
      if (result.kind === 'retry' && !this.#stopping.signal.aborted) {
        this.#lastError = result.why;
        await sleep(pause, undefined, { signal: this.#stopping.signal }).catch(() => {});
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        continue;
      }
      pause = FIRST_PAUSE_MS;
      this.#queue.shift();
      this.#queuedBytes -= message.length;
      if (result.kind === 'sent') this.#sent++;
      else this.#fail(result.why);
      if (result.kind !== 'sent' && this.#stopping.signal.aborted) {
        // Time is up: one try each would take as long again.
        while (this.#queue.pop() !== undefined) this.#fail(result.why);
        this.#queuedBytes = 0;
      }
    }
    this.#running = undefined;
  }

  #fail(why: string): void {
    this.#failed++;
    this.#lastError = why;
  }
}

function senderOf(options: ForwardOptions): Sender {
  let url: URL;
  try {
    url = new URL(options.url);
  } catch (cause) {
    throw badUrl(options.url, cause);
  }
  // 4317 is gRPC's port by convention; a URL with a path is meant for HTTP.
  if (url.protocol === 'grpc:' || url.protocol === 'grpcs:') return grpcSender(url, options.headers);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw badUrl(options.url, undefined);
  if (url.port === '4317' && url.pathname === '/') return grpcSender(url, options.headers);
  return httpSender(url, options.headers);
}

function httpSender(url: URL, headers: Readonly<Record<string, string>>): Sender {
  const base = url.href.replace(/\/+$/, '').replace(/\/v1\/(?:traces|logs|metrics)$/, '');
  return {
    async send(signal, message) {
      try {
        const response = await fetch(`${base}/v1/${signal}`, {
          method: 'POST',
          body: Buffer.from(message.buffer as ArrayBuffer, message.byteOffset, message.length),
          headers: { ...headers, 'Content-Type': 'application/x-protobuf' },
          signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
          redirect: 'error',
        });
        await response.arrayBuffer();
        if (response.ok) return { kind: 'sent' };
        const why = `${base} answered ${response.status}`;
        return { kind: RETRYABLE.has(response.status) ? 'retry' : 'refused', why };
      } catch (error) {
        return { kind: 'retry', why: `${base}: ${reason(error)}` };
      }
    },
    close() {},
  };
}

/** `fetch failed` says nothing; its cause does. */
function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ECONNREFUSED') return 'connection refused';
  return cause instanceof Error ? cause.message : String(cause);
}

function badUrl(url: string, cause: unknown): TprofError {
  return new TprofError('usage', `--forward ${url}: expected the URL of a collector`, {
    hint: 'for example --forward http://127.0.0.1:4318 (HTTP) or --forward grpc://127.0.0.1:4317',
    cause,
  });
}
