// https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, cStringAt } from '../base/byte-reader.ts';
import type { Source } from '../base/source.ts';
import { SectionBytes } from './section-bytes.ts';

export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Address when loaded at 0. */
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

interface ElfSegment {
  readonly address: number;
  readonly offset: number;
  readonly fileSize: number;
}

export const Machine = { x86: 3, arm: 40, x86_64: 62, aarch64: 183, riscv: 243 } as const;

/** Sections below are read whole. */
const LARGE_BYTES = 1 << 18;

const SHF_COMPRESSED = 0x800;
const SHT_NOBITS = 8;
const SHT_NOTE = 7;
const PT_LOAD = 1;
const PT_NOTE = 4;
const NT_GNU_BUILD_ID = 3;

/** An ELF file of either class and byte order, read by its tables: sections are fetched when they are asked for. */
export class Elf {
  readonly source: Source;
  readonly littleEndian: boolean;
  readonly is64: boolean;
  readonly machine: number;
  readonly sections: readonly ElfSection[];
  /** Lower-case hex; '' = it has none. */
  readonly buildId: string;
  readonly #segments: readonly ElfSegment[];
  readonly #sections = new Map<string, Promise<Uint8Array | undefined>>();

  private constructor(
    source: Source,
    shape: Pick<Elf, 'littleEndian' | 'is64' | 'machine' | 'sections' | 'buildId'>,
    segments: readonly ElfSegment[],
  ) {
    this.source = source;
    this.littleEndian = shape.littleEndian;
    this.is64 = shape.is64;
    this.machine = shape.machine;
    this.sections = shape.sections;
    this.buildId = shape.buildId;
    this.#segments = segments;
  }

  /** Undefined where it is no ELF file, or one whose tables are damaged. */
  static async open(source: Source): Promise<Elf | undefined> {
    const { head } = source;
    if (head.length < 52 || head[0] !== 0x7f || head[1] !== 0x45 || head[2] !== 0x4c || head[3] !== 0x46)
      return undefined;
    try {
      return await Elf.#parse(source, head[4] === 2, head[5] === 1);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  static async #parse(source: Source, is64: boolean, littleEndian: boolean): Promise<Elf> {
    const r = new ByteReader(source.head, littleEndian, 18);
    const word = (): number => (is64 ? r.u64() : r.u32());
    const machine = r.u16();
    r.skip(4);
    word();
    const segmentsAt = word();
    const sectionsAt = word();
    r.skip(6);
    const segmentSize = r.u16();
    const segmentCount = r.u16();
    const sectionSize = r.u16();
    let sectionCount = r.u16();
    let namesIndex = r.u16();
    const segments =
      segmentCount === 0 ? [] : await readSegments(source, segmentsAt, segmentSize, segmentCount, is64, littleEndian);
    let sections: ElfSection[] = [];
    if (sectionsAt > 0) {
      if (sectionCount === 0 || namesIndex === 0xffff) {
        // More than 65,279 sections: the first header holds the true numbers.
        const first = (await readSectionHeaders(source, sectionsAt, sectionSize, 1, is64, littleEndian))[0];
        if (sectionCount === 0) sectionCount = first?.size ?? 0;
        if (namesIndex === 0xffff) namesIndex = first?.link ?? 0;
      }
      const raw = await readSectionHeaders(
        source,
        sectionsAt,
        sectionSize,
        Math.min(sectionCount, 1 << 20),
        is64,
        littleEndian,
      );
      const names = raw[namesIndex];
      const nameBytes =
        names === undefined ? new Uint8Array(0) : await source.range(names.offset, Math.min(names.size, 1 << 26));
      sections = raw.map(section => ({ ...section, name: cStringAt(nameBytes, section.nameAt) }));
    }
    const notes = [
      ...sections.filter(s => s.type === SHT_NOTE),
      ...(sections.length === 0 ? segments.filter(s => s.note).map(s => ({ offset: s.offset, size: s.fileSize })) : []),
    ];
    let buildId = '';
    for (const note of notes) {
      if (buildId !== '' || note.size > 1 << 16) continue;
      buildId = buildIdOf(await source.range(note.offset, note.size), littleEndian);
    }
    const loaded = segments.filter(s => !s.note);
    return new Elf(source, { littleEndian, is64, machine, sections, buildId }, loaded);
  }

  section(name: string): ElfSection | undefined {
    return this.sections.find(s => s.name === name && s.type !== SHT_NOBITS);
  }

  /** Bytes of a section, unpacked where it is compressed; undefined where the file has no such section. */
  read(name: string): Promise<Uint8Array | undefined> {
    let bytes = this.#sections.get(name);
    if (bytes === undefined) {
      bytes = this.#read(name);
      this.#sections.set(name, bytes);
    }
    return bytes;
  }

  /** A section that is used here and there: fetched as it is needed where its bytes stand in the file as they are. */
  async parts(name: string): Promise<SectionBytes | undefined> {
    const section = this.section(name);
    const { fill, size } = this.source;
    const plain = section !== undefined && (section.flags & SHF_COMPRESSED) === 0;
    if (plain && fill !== undefined && size !== undefined && section.size >= LARGE_BYTES) {
      return SectionBytes.of(fill, section.offset, Math.max(0, Math.min(section.size, size - section.offset)));
    }
    const bytes = await this.read(name);
    return bytes === undefined ? undefined : SectionBytes.whole(bytes);
  }

  /** Drops sections that were read: their tables have been built. */
  forget(): void {
    this.#sections.clear();
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    const section = this.section(name);
    if (section === undefined) {
      if (!name.startsWith('.debug_')) return undefined;
      const old = this.section(`.z${name.slice(1)}`);
      if (old === undefined) return undefined;
      const packed = await this.source.range(old.offset, old.size);
      // 'ZLIB' and the size, big-endian in 8 bytes, before the data.
      return unpack(() => inflateSync(packed.subarray(12)));
    }
    const bytes = await this.source.range(section.offset, section.size);
    if ((section.flags & SHF_COMPRESSED) === 0) return bytes;
    const kind = new ByteReader(bytes, this.littleEndian).u32();
    const body = bytes.subarray(this.is64 ? 24 : 12);
    return kind === 1
      ? unpack(() => inflateSync(body))
      : kind === 2
        ? unpack(() => zstdDecompressSync(body))
        : undefined;
  }

  /** The address (as symbols name it) of the byte at an offset of the file; undefined where it is not loaded. */
  addressOfOffset(offset: number): number | undefined {
    for (const s of this.#segments) {
      if (offset >= s.offset && offset < s.offset + s.fileSize) return offset - s.offset + s.address;
    }
    return undefined;
  }
}

function unpack(unpacked: () => Uint8Array): Uint8Array | undefined {
  try {
    return unpacked();
  } catch {
    return undefined;
  }
}

async function readSegments(
  source: Source,
  at: number,
  size: number,
  count: number,
  is64: boolean,
  littleEndian: boolean,
): Promise<(ElfSegment & { readonly note: boolean })[]> {
  const r = new ByteReader(await source.range(at, size * count), littleEndian);
  const segments: (ElfSegment & { readonly note: boolean })[] = [];
  for (let i = 0; i < count; i++) {
    r.at = i * size;
    const type = r.u32();
    if (is64) r.skip(4);
    const offset = is64 ? r.u64() : r.u32();
    const address = is64 ? r.i64() : r.u32();
    if (is64) r.u64();
    else r.u32();
    const fileSize = is64 ? r.u64() : r.u32();
    if (type === PT_LOAD || type === PT_NOTE) {
      segments.push({ address, offset, fileSize, note: type === PT_NOTE });
    }
  }
  return segments;
}

async function readSectionHeaders(
  source: Source,
  at: number,
  size: number,
  count: number,
  is64: boolean,
  littleEndian: boolean,
): Promise<(ElfSection & { readonly nameAt: number })[]> {
  const r = new ByteReader(await source.range(at, size * count), littleEndian);
  const word = (): number => (is64 ? r.u64() : r.u32());
  const headers: (ElfSection & { readonly nameAt: number })[] = [];
  for (let i = 0; i < count; i++) {
    r.at = i * size;
    const nameAt = r.u32();
    const type = r.u32();
    const flags = word();
    const address = is64 ? r.i64() : r.u32();
    const offset = word();
    const length = word();
    const link = r.u32();
    const info = r.u32();
    word();
    const entrySize = word();
    headers.push({ name: '', nameAt, type, flags, address, offset, size: length, link, info, entrySize });
  }
  return headers;
}

/** The build id among the notes of a section, as lower-case hex; '' = none. */
function buildIdOf(notes: Uint8Array, littleEndian: boolean): string {
  const r = new ByteReader(notes, littleEndian);
  while (r.left >= 12) {
    const nameSize = r.u32();
    const size = r.u32();
    const type = r.u32();
    if (nameSize > r.left || size > r.left) return '';
    const name = cStringAt(notes, r.at);
    r.skip((nameSize + 3) & ~3);
    if (type === NT_GNU_BUILD_ID && name === 'GNU') {
      return Array.from(notes.subarray(r.at, r.at + size), byte => byte.toString(16).padStart(2, '0')).join('');
    }
    r.skip((size + 3) & ~3);
  }
  return '';
}
