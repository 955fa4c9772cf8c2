// perf.data: https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/tools/perf/Documentation/perf.data-file-format.txt
import { ByteReader } from '../base/byte-reader.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { type EventAttr, parseAttr } from './perf-data-attr.ts';

/** One event that was recorded; several kernel ids (one a CPU or thread) belong to it. */
export interface PerfEvent {
  name: string;
  readonly attr: EventAttr;
}

/** What the header, or the records that stand for it in pipe mode, say of the recording. */
export interface PerfHeader {
  readonly littleEndian: boolean;
  readonly pipe: boolean;
  /** Where records are; undefined = to the end of the file (a recording that was never finished). */
  readonly dataOffset: number;
  readonly dataSize: number | undefined;
  readonly events: PerfEvent[];
  /** Kernel event id → index into `events`. */
  readonly eventOfId: Map<number, number>;
  /** Path → lower-case hex, from the table that perf writes when it ends. */
  readonly buildIds: Map<string, string>;
  arch: string;
  osRelease: string;
  commandLine: readonly string[];
  /** Wall clock minus the clock of the samples, in Unix nanoseconds; undefined where perf did not note it. */
  clockOffsetNs: bigint | undefined;
  /** Text of the tracepoints' formats. */
  tracingData: Uint8Array | undefined;
  /** Sections behind the data that are not whole. */
  damage: string | undefined;
}

const MAGIC_SIZE = 8;
const FILE_HEADER_SIZE = 104;

/** Endianness by the magic, or undefined where it is no perf.data. */
export function perfByteOrder(head: Uint8Array): boolean | undefined {
  const magic = String.fromCharCode(...head.subarray(0, MAGIC_SIZE));
  return magic === 'PERFILE2' ? true : magic === '2ELIFREP' ? false : undefined;
}

export async function readPerfHeader(source: Source): Promise<PerfHeader> {
  const littleEndian = perfByteOrder(source.head);
  if (littleEndian === undefined) {
    const start = String.fromCharCode(...source.head.subarray(0, MAGIC_SIZE));
    if (start !== '' && ['PERFILE2', '2ELIFREP'].some(magic => magic.startsWith(start))) throw cutHeader(source);
    throw new TprofError('input-invalid', `${source.name}: expected perf.data, whose first bytes are PERFILE2`);
  }
  const header = emptyHeader(littleEndian);
  try {
    return await readSections(source, header);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw cutHeader(source, cause);
  }
}

function cutHeader(source: Source, cause?: unknown): TprofError {
  return new TprofError('input-invalid', `${source.name}: the header of this perf.data is cut off or damaged`, {
    hint: 'record again; perf writes the header last, when it ends',
    cause,
  });
}

function emptyHeader(littleEndian: boolean): PerfHeader {
  return {
    littleEndian,
    pipe: false,
    dataOffset: 16,
    dataSize: undefined,
    events: [],
    eventOfId: new Map(),
    buildIds: new Map(),
    arch: '',
    osRelease: '',
    commandLine: [],
    clockOffsetNs: undefined,
    tracingData: undefined,
    damage: undefined,
  };
}

async function readSections(source: Source, empty: PerfHeader): Promise<PerfHeader> {
  const { littleEndian } = empty;
  const r = new ByteReader(source.head, littleEndian, MAGIC_SIZE);
  const size = r.u64();
  if (size === 16) return { ...empty, pipe: true };
  if (size < FILE_HEADER_SIZE) throw new RangeError(`header of ${size} bytes`);
  const attrSize = r.u64();
  const attrs = { offset: r.u64(), size: r.u64() };
  const data = { offset: r.u64(), size: r.u64() };
  r.skip(16);
  const featureBits = r.take(32);
  if (attrs.size > 1 << 24 || attrSize < 80 || attrSize > 4096) throw new RangeError('attribute table');
  const header: PerfHeader = { ...empty, dataOffset: data.offset, dataSize: data.size === 0 ? undefined : data.size };

  const attrBytes = await exactly(source, attrs.offset, attrs.size);
  for (let at = 0; at + attrSize <= attrBytes.length; at += attrSize) {
    const entry = attrBytes.subarray(at, at + attrSize);
    const ids = new ByteReader(entry, littleEndian, attrSize - 16);
    const idsOffset = ids.u64();
    const idsSize = ids.u64();
    if (idsSize > 1 << 24) throw new RangeError('event ids');
    addEvent(header, parseAttr(entry.subarray(0, attrSize - 16), littleEndian), '');
    readIds(header, await exactly(source, idsOffset, idsSize), header.events.length - 1);
  }
  if (header.events.length === 0) throw new RangeError('no event attributes');
  if (header.dataSize !== undefined) await readFeatures(source, header, featureBits, data.offset + data.size);
  nameEvents(header);
  return header;
}

async function exactly(source: Source, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await source.range(offset, length);
  if (bytes.length < length) throw new RangeError(`expected ${length} bytes at ${offset}, found ${bytes.length}`);
  return bytes;
}

/** Adds an event of the attribute table (file mode) or of a HEADER_ATTR record (pipe mode). */
export function addEvent(header: PerfHeader, attr: EventAttr, name: string): void {
  header.events.push({ attr, name });
}

export function readIds(header: PerfHeader, bytes: Uint8Array, event: number): void {
  const r = new ByteReader(bytes, header.littleEndian);
  while (r.left >= 8) header.eventOfId.set(r.u64(), event);
}

/** Feature sections stand behind the data, one table entry for each bit. A recording cut off has none of them. */
async function readFeatures(source: Source, header: PerfHeader, bits: Uint8Array, tableOffset: number): Promise<void> {
  const features: number[] = [];
  for (let bit = 0; bit < 256; bit++) {
    const word = header.littleEndian ? bits[bit >> 3]! : bits[((bit >> 6) << 3) + 7 - ((bit >> 3) & 7)]!;
    if ((word >> (bit & 7)) & 1) features.push(bit);
  }
  const table = new ByteReader(await source.range(tableOffset, features.length * 16), header.littleEndian);
  for (const feature of features) {
    if (table.left < 16) {
      header.damage = 'the table of its features is cut off';
      return;
    }
    const offset = table.u64();
    const size = table.u64();
    if (size === 0) continue;
    if (!WANTED.has(feature)) {
      // Not read, but its end says whether the file is whole.
      if ((await source.range(offset + size - 1, 1)).length === 0) header.damage = `its feature ${feature} is cut off`;
      continue;
    }
    const bytes = await source.range(offset, Math.min(size, 1 << 28));
    if (bytes.length < size) header.damage = `its feature ${feature} is cut off`;
    readFeature(header, feature, bytes);
  }
}

const Feature = { tracingData: 1, buildId: 2, osRelease: 4, arch: 6, cmdline: 11, eventDesc: 12, clockData: 29 };
const WANTED: ReadonlySet<number> = new Set(Object.values(Feature));

/** One feature section; what is damaged in it is left out, as the records can be read without it. */
export function readFeature(header: PerfHeader, feature: number, bytes: Uint8Array): void {
  const r = new ByteReader(bytes, header.littleEndian);
  try {
    switch (feature) {
      case Feature.tracingData:
        header.tracingData = bytes;
        break;
      case Feature.buildId:
        while (r.left >= 8) readBuildId(header, r);
        break;
      case Feature.osRelease:
        header.osRelease = headerString(r);
        break;
      case Feature.arch:
        header.arch = headerString(r);
        break;
      case Feature.cmdline:
        header.commandLine = Array.from({ length: Math.min(r.u32(), 65536) }, () => headerString(r));
        break;
      case Feature.eventDesc:
        readEventNames(header, r);
        break;
      case Feature.clockData: {
        r.skip(8);
        const wall = r.bigU64();
        header.clockOffsetNs = wall - r.bigU64();
        break;
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

function headerString(r: ByteReader): string {
  return new ByteReader(r.take(r.u32())).cString();
}

/** A build_id_event: also the body of record 67. Bit 15 of `misc` says that byte 20 is the id's true length. */
export function readBuildId(header: PerfHeader, r: ByteReader): void {
  const start = r.at;
  r.skip(4);
  const misc = r.u16();
  const size = r.u16();
  if (size < 36) throw new RangeError('build id record');
  r.skip(4);
  const id = r.take(24);
  const path = r.cString();
  r.at = start + size;
  const length = (misc & 0x8000) !== 0 && id[20]! > 0 && id[20]! <= 20 ? id[20]! : 20;
  header.buildIds.set(path, hex(id.subarray(0, length)));
}

/** Lower-case hex; trailing zero bytes of a 20-byte field that holds a shorter id are kept, as perf keeps them. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function readEventNames(header: PerfHeader, r: ByteReader): void {
  const count = r.u32();
  const attrSize = r.u32();
  for (let i = 0; i < count; i++) {
    r.skip(attrSize);
    const idCount = r.u32();
    const name = headerString(r);
    const event = header.events[i];
    if (event !== undefined) event.name = name;
    readIds(header, r.take(idCount * 8), i);
  }
}

const SOFTWARE = [
  'cpu-clock',
  'task-clock',
  'page-faults',
  'context-switches',
  'cpu-migrations',
  'minor-faults',
  'major-faults',
  'alignment-faults',
  'emulation-faults',
  'dummy',
  'bpf-output',
  'cgroup-switches',
];
const HARDWARE = [
  'cycles',
  'instructions',
  'cache-references',
  'cache-misses',
  'branches',
  'branch-misses',
  'bus-cycles',
  'stalled-cycles-frontend',
  'stalled-cycles-backend',
  'ref-cycles',
];

/**
 * Names the events that no EVENT_DESC named: perf's words where type and number are known. How often to sample
 * (`cpu-clock/freq=997/u`) is no part of a name.
 */
export function nameEvents(header: PerfHeader): void {
  for (const event of header.events) {
    event.name = event.name.replace(/\/(?:freq|period)=\d+\/(\w*)$/, (_, modifiers: string) =>
      modifiers === '' ? '' : `:${modifiers}`,
    );
    if (event.name !== '') continue;
    const { type, config } = event.attr;
    const known = type === 1 ? SOFTWARE[config] : type === 0 ? HARDWARE[config] : undefined;
    event.name = known ?? `event-${type}-${config.toString(16)}`;
  }
}
