// perf.data: https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/tools/perf/Documentation/perf.data-file-format.txt
import { ByteReader } from '../base/byte-reader.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { Warnings } from '../base/warnings.ts';
import type { Profile } from '../model/profile.ts';
import { ImageLoader } from '../symbols/image-loader.ts';
import { type LocationFrames, symbolize } from '../symbols/symbolize.ts';
import { UserUnwinder } from '../symbols/unwind.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { parseAttr } from './perf-data-attr.ts';
import { BatchMemory, type RecordBatch, RecordSplitter, recordBatches } from './perf-data-batches.ts';
import { AUX_DATA, PerfCollector } from './perf-data-collector.ts';
import { RecordDecompressor } from './perf-data-decompress.ts';
import {
  addEvent,
  nameEvents,
  type PerfHeader,
  perfByteOrder,
  readBuildId,
  readFeature,
  readIds,
  readPerfHeader,
} from './perf-data-header.ts';
import { RecordQueue } from './perf-data-order.ts';
import { buildPerfProfile } from './perf-data-profile.ts';
import { RecordType } from './perf-data-record.ts';

export const perfData: ProfileFormat = {
  kind: 'profile',
  id: 'perf-data',
  title: 'Linux perf record: samples, mappings and stacks, named and unwound by tprof itself',
  recognisedBy: 'the magic PERFILE2 (or 2ELIFREP, from a machine of the other byte order)',
  extensions: ['perf.data', 'data', 'perf'],
  detect: head => (perfByteOrder(head) === undefined ? 0 : 1),
  read: readPerfData,
};

/**
 * Reads a recording in one pass: records in order of time, stacks unwound as they come, so that no stack copy is kept.
 * What is named is the distinct code locations, at the end. Without `objectFiles` they keep their addresses.
 */
async function readPerfData(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const warnings = new Warnings();
  const header = await readPerfHeader(source);
  const reading = new PerfReading(source, header, options, warnings);
  await reading.run();
  if (header.events.length === 0) {
    throw new TprofError(
      'input-invalid',
      `${source.name}: this perf.data describes no event, so its samples cannot be read`,
    );
  }
  const { collector, loader } = reading;
  let frames: LocationFrames = [];
  if (loader !== undefined && options.symbols !== false) {
    const base = Number(reading.clock().epochNs ?? 0n);
    frames = await symbolize(collector.locations, loader, warnings, {
      kernelReference: collector.kernelReference,
      jitDumps: collector.jitDumps,
      firstSeenNs: location => {
        const seen = collector.jitSeenNs.get(location);
        return seen === undefined ? undefined : base + seen;
      },
    });
  } else if (loader === undefined && collector.locations.length > 0) {
    warnings.add('symbols-missing', 'read without object files: functions are known by their module only');
  }
  const profile = buildPerfProfile(
    source.name,
    header,
    collector,
    frames,
    reading.clock(),
    chosenEvent(header, options, source),
  );
  warnings.merge(profile.warnings);
  return { ...profile, warnings: warnings.list() };
}

/** The event asked for, or the first that samples something: side-band events of perf itself are no weight. */
function chosenEvent(header: PerfHeader, { event }: ProfileReadOptions, source: Source): number {
  const { events } = header;
  if (event !== undefined) {
    const bare = (name: string): string => name.replace(/:[a-zA-Z]*$/, '');
    const index = events.findIndex(e => e.name === event || bare(e.name) === event);
    if (index >= 0) return index;
    // Off-CPU time is a weight that no event is named after.
    if (event === 'off-cpu') return events.length;
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected the event '${event}', found ${events.map(e => e.name).join(', ')}`,
      {
        hint: `--event ${events[0]!.name}`,
      },
    );
  }
  const index = events.findIndex(e => !e.name.startsWith('dummy') && !e.name.startsWith('sched:sched_switch'));
  return Math.max(0, index);
}

/** Time of what perf wrote of the processes that already ran: it has none, and comes first. */
const BEFORE_ALL = -1e18;

class PerfReading {
  readonly loader: ImageLoader | undefined;
  readonly collector: PerfCollector;
  readonly #source: Source;
  readonly #header: PerfHeader;
  readonly #warnings: Warnings;
  readonly #onProgress: ((bytes: number) => void) | undefined;
  readonly #memory = new BatchMemory();
  readonly #queue = new RecordQueue(this.#memory);
  readonly #decompressor = new RecordDecompressor();
  #inner: RecordSplitter | undefined;
  /** Times are counted from the first one, so that float64 holds them exactly. */
  #baseNs: bigint | undefined;
  #baseLow = 0;
  #baseHigh = 0;
  #bytes = 0;

  constructor(source: Source, header: PerfHeader, options: ProfileReadOptions, warnings: Warnings) {
    this.#source = source;
    this.#header = header;
    this.#warnings = warnings;
    this.#onProgress = options.onProgress;
    this.loader = options.objectFiles === undefined ? undefined : new ImageLoader(options.objectFiles, warnings);
    this.collector = new PerfCollector(header, new UserUnwinder(this.loader, warnings), warnings);
  }

  clock(): { readonly epochNs: bigint | undefined; readonly timed: boolean } {
    return { epochNs: this.#baseNs, timed: this.#baseNs !== undefined };
  }

  async run(): Promise<void> {
    this.collector.prepareSwitches();
    if (this.#header.damage !== undefined) this.#damaged(this.#header.damage);
    try {
      const damaged = (reason: string): void => this.#damaged(reason);
      for await (const batch of recordBatches(this.#source, this.#header, damaged, this.#memory)) {
        for (const offset of batch.offsets) {
          const pending = this.#record(batch, offset);
          if (pending !== undefined) await pending;
        }
        this.#bytes += batch.bytes.length;
        this.#memory.release(batch);
        this.#onProgress?.(this.#bytes);
      }
    } finally {
      this.#decompressor.close();
    }
    if (this.#header.events.length === 0) return;
    nameEvents(this.#header);
    this.collector.prepareSwitches();
    await this.#queue.end((batch, offset, time) => this.collector.take(batch, offset, time));
    this.collector.finish();
  }

  #damaged(reason: string): void {
    this.#warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${this.#source.name}: ${reason}`,
    });
  }

  #record(batch: RecordBatch, offset: number): Promise<void> | undefined {
    const { view, bytes } = batch;
    const le = this.#header.littleEndian;
    const type = view.getUint32(offset, le);
    if (type < 64) {
      this.#enqueue(batch, offset, type);
      return undefined;
    }
    const end = offset + view.getUint16(offset + 6, le);
    switch (type) {
      case RecordType.finishedRound:
        return this.#queue.round((b, at, time) => this.collector.take(b, at, time));
      case RecordType.compressed:
        return this.#unpack(bytes.subarray(offset + 8, end));
      case RecordType.compressed2:
        return this.#unpack(
          bytes.subarray(offset + 16, Math.min(end, offset + 16 + view.getUint32(offset + (le ? 8 : 12), le))),
        );
      case RecordType.headerAttr:
        this.#attr(bytes.subarray(offset + 8, end));
        break;
      case RecordType.headerFeature:
        if (end - offset >= 16) {
          readFeature(this.#header, view.getUint32(offset + (le ? 8 : 12), le), bytes.subarray(offset + 16, end));
          this.collector.prepareSwitches();
        }
        break;
      case RecordType.headerTracingData: {
        const size = view.getUint32(offset + 8, le);
        this.#header.tracingData = bytes.slice(end, end + size);
        this.collector.prepareSwitches();
        break;
      }
      case RecordType.headerBuildId:
        this.#tolerate(() => readBuildId(this.#header, new ByteReader(bytes.subarray(offset, end), le)));
        break;
      case RecordType.eventUpdate:
        this.#tolerate(() => this.#eventUpdate(new ByteReader(bytes.subarray(offset + 8, end), le)));
        break;
      case RecordType.auxtrace:
        this.#warnings.add('aux-data', AUX_DATA);
        break;
    }
    return undefined;
  }

  #tolerate(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#damaged('a record of perf itself is damaged');
    }
  }

  /** Pipe mode: the attribute, its own size first, then the ids up to the record's end. */
  #attr(body: Uint8Array): void {
    const size = body.length < 72 ? Number.POSITIVE_INFINITY : new ByteReader(body, this.#header.littleEndian, 4).u32();
    if (size > body.length) {
      this.#damaged('an event attribute is cut off');
      return;
    }
    addEvent(this.#header, parseAttr(body.subarray(0, size), this.#header.littleEndian), '');
    readIds(this.#header, body.subarray(size), this.#header.events.length - 1);
  }

  #eventUpdate(r: ByteReader): void {
    const NAME = 2;
    if (r.u64() !== NAME) return;
    const event = this.#header.events[this.#header.eventOfId.get(r.u64()) ?? -1];
    if (event !== undefined) event.name = r.cString();
  }

  async #unpack(piece: Uint8Array): Promise<void> {
    this.#inner ??= new RecordSplitter(this.#header.littleEndian, reason => this.#damaged(reason));
    if (this.#inner.broken) return;
    try {
      const batch = this.#inner.push(await this.#decompressor.push(piece));
      if (batch === undefined) return;
      for (const offset of batch.offsets) {
        const type = batch.view.getUint32(offset, this.#header.littleEndian);
        if (type < 64) this.#enqueue(batch, offset, type);
      }
    } catch (error) {
      this.#inner.broken = true;
      this.#damaged(`compressed records are damaged (${(error as Error).message})`);
    }
  }

  #enqueue(batch: RecordBatch, offset: number, type: number): void {
    const { events, littleEndian: le } = this.#header;
    const first = events[0];
    if (first === undefined) {
      this.#damaged('samples stand before the description of their event');
      return;
    }
    const { view } = batch;
    const size = view.getUint16(offset + 6, le);
    let at = -1;
    if (type === RecordType.sample) {
      at = events.length === 1 ? first.attr.at.time : events[this.collector.eventOf(batch, offset)]!.attr.at.time;
      if (at >= 0 && at + 8 > size) at = -1;
    } else {
      const { time } = first.attr.back;
      if (time > 0 && time + 8 <= size) at = size - time;
    }
    this.#queue.push(batch, offset, at < 0 ? 0 : this.#time(view, offset + at));
  }

  #time(view: DataView, at: number): number {
    const le = this.#header.littleEndian;
    const low = view.getUint32(at + (le ? 0 : 4), le);
    const high = view.getUint32(at + (le ? 4 : 0), le);
    if (this.#baseNs === undefined) {
      if (low === 0 && high === 0) return BEFORE_ALL;
      this.#baseNs = view.getBigUint64(at, le);
      this.#baseLow = low;
      this.#baseHigh = high;
    }
    // What perf wrote itself (the processes that ran before) has time 0 and comes first.
    if (low === 0 && high === 0) return BEFORE_ALL;
    return (high - this.#baseHigh) * 4294967296 + (low - this.#baseLow);
  }
}
