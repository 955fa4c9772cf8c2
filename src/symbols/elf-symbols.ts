import { ByteReader, cStringAt } from '../base/byte-reader.ts';
import { type Elf, type ElfSection, Machine } from './elf.ts';
import { NearestSymbols } from './nearest-symbols.ts';
import type { SectionBytes } from './section-bytes.ts';

const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_WEAK = 2;
const STB_LOCAL = 0;
const SHF_EXECINSTR = 4;

/** A text, or where one is in a table of texts. */
type SymbolName = string | { readonly table: SectionBytes; readonly at: number };

/**
 * Names of the functions at `wanted` addresses (ascending), from `.symtab` and `.dynsym`; `name@plt` for the stubs of
 * the procedure linkage table. `others` are files with more symbols of the same addresses (separate debug information).
 */
export async function elfSymbolNames(
  elf: Elf,
  others: readonly Elf[],
  wanted: Float64Array,
): Promise<readonly (string | undefined)[]> {
  const nearest = new NearestSymbols<SymbolName>(wanted, (a, b) => betterName(textOf(a), textOf(b)));
  for (const file of [...others, elf]) {
    await offerTable(file, '.symtab', nearest);
    await offerTable(file, '.dynsym', nearest);
  }
  if (elf.machine === Machine.x86_64) await offerPlt(elf, nearest);
  // Neighbours are mostly in one function: its name is decoded once.
  let last: SymbolName | undefined;
  let text: string | undefined;
  return Array.from(wanted, (_, i) => {
    const name = nearest.at(i)?.name;
    if (name !== last) text = name === undefined ? undefined : textOf(name);
    last = name;
    return text;
  });
}

function textOf(name: SymbolName): string {
  return typeof name === 'string' ? name : name.table.text(name.at);
}

/** Of two names for one address: fewer leading underscores, then longer, then first in the alphabet. */
function betterName(a: string, b: string): boolean {
  const underscores = (name: string): number => /^_*/.exec(name)![0].length;
  if (underscores(a) !== underscores(b)) return underscores(a) < underscores(b);
  if (a.length !== b.length) return a.length > b.length;
  return a < b;
}

async function offerTable(elf: Elf, name: string, nearest: NearestSymbols<SymbolName>): Promise<void> {
  const section = elf.section(name);
  const strings = section === undefined ? undefined : elf.sections[section.link];
  const bytes = await elf.read(name);
  const table = strings === undefined ? undefined : await elf.parts(strings.name);
  if (bytes === undefined || table === undefined) return;
  const { is64, littleEndian: le } = elf;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number): number =>
    is64
      ? view.getUint32(at + (le ? 0 : 4), le) + view.getInt32(at + (le ? 4 : 0), le) * 4294967296
      : view.getUint32(at, le);
  const size = is64 ? 24 : 16;
  const executable = elf.sections.map(s => (s.flags & SHF_EXECINSTR) !== 0);
  for (let at = 0; at + size <= bytes.length; at += size) {
    const info = bytes[at + (is64 ? 4 : 12)]!;
    const type = info & 15;
    if (type !== STT_FUNC && type !== STT_GNU_IFUNC && type !== STT_NOTYPE) continue;
    const index = view.getUint16(at + (is64 ? 6 : 14), le);
    // 0 = defined elsewhere; from 0xff00 on absolute and other special values.
    if (index === 0 || index >= 0xff00) continue;
    if (type === STT_NOTYPE && executable[index] !== true) continue;
    const start = word(at + (is64 ? 8 : 4));
    const length = word(at + (is64 ? 16 : 8));
    const binding = info >> 4;
    // Sized over unsized, global over local over weak.
    const rank = (length > 0 ? 4 : 0) + (binding === STB_WEAK ? 0 : binding === STB_LOCAL ? 1 : 2);
    const slot = nearest.slot(start, rank);
    if (slot < 0) continue;
    const nameAt = view.getUint32(at, le);
    if (nameAt === 0 || nameAt >= table.bytes.length) continue;
    // Mapping symbols of ARM and RISC-V ($x, $d) and local labels name no function.
    if (type === STT_NOTYPE && /^(\$|\.L)/.test(table.text(nameAt))) continue;
    // Hand-written assembly often has no size: such a symbol reaches to the next one, or to the section's end.
    const home = elf.sections[index]!;
    nearest.offer(slot, start, length > 0 ? start + length : home.address + home.size, rank, { table, at: nameAt });
  }
}

const PLT_ENTRY = 16;
const PLT_RANK = 6;

/** Stubs stand in the order of `.rela.plt`; with `-z ibtplt` the ones that are called stand in `.plt.sec`. */
async function offerPlt(elf: Elf, nearest: NearestSymbols<SymbolName>): Promise<void> {
  const relocations = await elf.read('.rela.plt');
  const dynsym = await elf.read('.dynsym');
  const strings = await elf.read('.dynstr');
  if (relocations === undefined || dynsym === undefined || strings === undefined) return;
  const second = elf.section('.plt.sec');
  const first = elf.section('.plt');
  const r = new ByteReader(relocations, elf.littleEndian);
  const count = Math.floor(relocations.length / 24);
  const stubs: [ElfSection, number][] = [];
  if (second !== undefined) stubs.push([second, 0]);
  if (first !== undefined) stubs.push([first, 1]);
  const offer = (start: number, name: () => string): void => {
    const slot = nearest.slot(start, PLT_RANK);
    if (slot >= 0) nearest.offer(slot, start, start + PLT_ENTRY, PLT_RANK, name());
  };
  for (const [section, skipped] of stubs) {
    for (let i = 0; i < count; i++) {
      const start = section.address + (i + skipped) * PLT_ENTRY;
      if (start + PLT_ENTRY > section.address + section.size) break;
      r.at = i * 24 + 12;
      const entry = new ByteReader(dynsym, elf.littleEndian, r.u32() * 24);
      if (entry.left >= 24) offer(start, () => `${cStringAt(strings, entry.u32())}@plt`);
    }
    if (skipped === 1) offer(section.address, () => '[plt]');
  }
}
