import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { OtlpSignal } from '../../src/formats/otlp-sink.ts';
import { diskFailure } from '../disk-failure.ts';

/** One request to be kept: its bytes as protobuf, and what is known of its arrival. */
export interface OtlpRecord {
  readonly signal: OtlpSignal;
  readonly message: Uint8Array;
  /** Unix nanoseconds, decimal. */
  readonly arrival: string;
  readonly transport: string;
  /** Address of the sender. */
  readonly peer: string;
  readonly pid?: number;
  readonly startTime?: string;
}

interface Waiting extends OtlpRecord {
  readonly settle: (error: unknown) => void;
}

/** A file that only grows; `length` is how far it is known to be whole. */
interface Grower {
  readonly file: FileHandle;
  readonly path: string;
  length: number;
}

/**
 * `raw/otlp`: requests behind 4-byte big-endian lengths, one file a signal, and an index of them. `append` resolves
 * when the request is on disk and synced. All requests that come while a sync is under way share the next one, so a
 * slow disk makes larger groups, not a longer queue.
 */
export class OtlpStore {
  readonly #files: Readonly<Record<OtlpSignal, Grower>>;
  readonly #index: Grower;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #syncs = 0;

  private constructor(files: Record<OtlpSignal, Grower>, index: Grower) {
    this.#files = files;
    this.#index = index;
  }

  static async open(directory: string): Promise<OtlpStore> {
    const opened: Grower[] = [];
    const grower = async (name: string): Promise<Grower> => {
      const path = join(directory, name);
      try {
        const made = { file: await open(path, 'w'), path, length: 0 };
        opened.push(made);
        return made;
      } catch (cause) {
        for (const { file } of opened) await file.close();
        throw diskFailure(path, cause);
      }
    };
    const files = {
      traces: await grower('traces.pb'),
      logs: await grower('logs.pb'),
      metrics: await grower('metrics.pb'),
    };
    return new OtlpStore(files, await grower('index.jsonl'));
  }

  /** How many times the disk was waited for. */
  get syncs(): number {
    return this.#syncs;
  }

  append(record: OtlpRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...record, settle: error => (error === undefined ? resolve() : reject(error)) });
      this.#running ??= this.#run();
    });
  }

  /** Waits for what is being written, then closes. Nothing may be appended afterwards. */
  async close(): Promise<void> {
    await this.#running;
    for (const { file } of [...Object.values(this.#files), this.#index]) await file.close();
  }

  async #run(): Promise<void> {
    // One turn of the event loop, so that requests which arrived together are written together.
    await new Promise(resolve => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      let failure: unknown;
      try {
        await this.#write(group);
      } catch (cause) {
        failure = cause;
      }
      for (const { settle } of group) settle(failure);
    }
    this.#running = undefined;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const parts = new Map<Grower, Uint8Array[]>();
    const ends = new Map<Grower, number>();
    const lines: string[] = [];
    for (const { signal, message, arrival, transport, peer, pid, startTime } of group) {
      const grower = this.#files[signal];
      const at = ends.get(grower) ?? grower.length;
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32BE(message.length);
      const list = parts.get(grower) ?? [];
      list.push(length, message);
      parts.set(grower, list);
      ends.set(grower, at + 4 + message.length);
      // `offset` is where the message itself begins, behind its length.
      lines.push(
        `${JSON.stringify({ signal, offset: at + 4, length: message.length, arrival, transport, peer, pid, startTime })}\n`,
      );
    }
    const index = Buffer.from(lines.join(''));
    parts.set(this.#index, [index]);
    ends.set(this.#index, this.#index.length + index.length);
    const results = await Promise.allSettled(
      [...parts].map(async ([grower, buffers]) => {
        await writeAll(grower, buffers);
        await grower.file.datasync();
      }),
    );
    this.#syncs++;
    const failed = results.find(result => result.status === 'rejected');
    if (failed === undefined) {
      for (const [grower, end] of ends) grower.length = end;
      return;
    }
    // Nothing of the group counts: its senders are told to try again, and the files end where they did before.
    for (const grower of parts.keys()) await grower.file.truncate(grower.length).catch(() => {});
    throw failed.reason;
  }
}

/** Writes at the known end, not at the file's: what a failed write left there is written over. */
async function writeAll(grower: Grower, buffers: Uint8Array[]): Promise<void> {
  let position = grower.length;
  for (let first = 0; first < buffers.length; first += 512) {
    let some = buffers.slice(first, first + 512);
    while (some.length > 0) {
      const { bytesWritten } = await grower.file.writev(some, position);
      position += bytesWritten;
      some = rest(some, bytesWritten);
    }
  }
}

function rest(buffers: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  let i = 0;
  while (i < buffers.length && skip >= buffers[i]!.length) skip -= buffers[i++]!.length;
  if (i === buffers.length) return [];
  return [buffers[i]!.subarray(skip), ...buffers.slice(i + 1)];
}
