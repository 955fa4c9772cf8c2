import { ByteReader, cStringAt } from '../base/byte-reader.ts';
import { type Elf, type ElfSection, Machine } from './elf.ts';
import { buildSymbolTable, type SymbolTable } from './symbol-table.ts';

const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_WEAK = 2;
const STB_LOCAL = 0;
const SHF_EXECINSTR = 4;

/**
 * Function symbols of `.symtab` and `.dynsym`, and `name@plt` for the stubs of the procedure linkage table. `others`
 * are files with more symbols of the same addresses (separate debug information), asked first.
 */
export async function readElfSymbols(elf: Elf, others: readonly Elf[] = []): Promise<SymbolTable> {
  const collected = new Collected();
  for (const file of [...others, elf]) {
    await collectTable(file, '.symtab', collected);
    await collectTable(file, '.dynsym', collected);
  }
  if (elf.machine === Machine.x86_64) await collectPlt(elf, collected);
  const { starts, sizes, ranks, names } = collected;
  const executable = elf.sections.filter(s => (s.flags & SHF_EXECINSTR) !== 0);
  return buildSymbolTable(
    Float64Array.from(starts),
    Float64Array.from(sizes),
    (a, b) => ranks[a]! > ranks[b]! || (ranks[a] === ranks[b] && betterName(collected.nameOf(a), collected.nameOf(b))),
    index => {
      const name = names[index];
      return name === undefined ? '' : collected.nameOf(index);
    },
    address => {
      const section = executable.find(s => address >= s.address && address < s.address + s.size);
      return section === undefined ? address : section.address + section.size;
    },
  );
}

class Collected {
  readonly starts: number[] = [];
  readonly sizes: number[] = [];
  /** Higher names an address better: sized over unsized, global over local over weak. */
  readonly ranks: number[] = [];
  /** A text, or an offset in a table of texts. */
  readonly names: (string | { readonly table: Uint8Array; readonly at: number })[] = [];

  add(start: number, size: number, rank: number, name: string | { table: Uint8Array; at: number }): void {
    this.starts.push(start);
    this.sizes.push(size);
    this.ranks.push(rank);
    this.names.push(name);
  }

  nameOf(index: number): string {
    const name = this.names[index]!;
    return typeof name === 'string' ? name : cStringAt(name.table, name.at);
  }
}

/** Of two names for one address: fewer leading underscores, then longer, then first in the alphabet. */
function betterName(a: string, b: string): boolean {
  const underscores = (name: string): number => /^_*/.exec(name)![0].length;
  if (underscores(a) !== underscores(b)) return underscores(a) < underscores(b);
  if (a.length !== b.length) return a.length > b.length;
  return a < b;
}

async function collectTable(elf: Elf, name: string, into: Collected): Promise<void> {
  const section = elf.section(name);
  if (section === undefined) return;
  const strings = elf.sections[section.link];
  const bytes = await elf.read(name);
  const table = strings === undefined ? undefined : await elf.read(strings.name);
  if (bytes === undefined || table === undefined) return;
  const r = new ByteReader(bytes, elf.littleEndian);
  const size = elf.is64 ? 24 : 16;
  const executable = elf.sections.map(s => (s.flags & SHF_EXECINSTR) !== 0);
  for (let at = 0; at + size <= bytes.length; at += size) {
    const info = bytes[at + (elf.is64 ? 4 : 12)]!;
    const type = info & 15;
    if (type !== STT_FUNC && type !== STT_GNU_IFUNC && type !== STT_NOTYPE) continue;
    r.at = at + (elf.is64 ? 6 : 14);
    const index = r.u16();
    // 0 = defined elsewhere; from 0xff00 on absolute and other special values.
    if (index === 0 || index >= 0xff00) continue;
    if (type === STT_NOTYPE && executable[index] !== true) continue;
    r.at = at;
    const nameAt = r.u32();
    if (nameAt === 0 || nameAt >= table.length) continue;
    r.at = at + (elf.is64 ? 8 : 4);
    const start = elf.is64 ? r.i64() : r.u32();
    const length = elf.is64 ? r.u64() : r.u32();
    const binding = info >> 4;
    // Mapping symbols of ARM and RISC-V ($x, $d) and local labels name no function.
    if (type === STT_NOTYPE && (table[nameAt] === 0x24 || (table[nameAt] === 0x2e && table[nameAt + 1] === 0x4c)))
      continue;
    const rank = (length > 0 ? 4 : 0) + (binding === STB_WEAK ? 0 : binding === STB_LOCAL ? 1 : 2);
    into.add(start, length, rank, { table, at: nameAt });
  }
}

const PLT_ENTRY = 16;

/** Stubs stand in the order of `.rela.plt`; with `-z ibtplt` the ones that are called stand in `.plt.sec`. */
async function collectPlt(elf: Elf, into: Collected): Promise<void> {
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
  for (const [section, skipped] of stubs) {
    for (let i = 0; i < count; i++) {
      const start = section.address + (i + skipped) * PLT_ENTRY;
      if (start + PLT_ENTRY > section.address + section.size) break;
      r.at = i * 24 + 12;
      const symbol = r.u32();
      const entry = new ByteReader(dynsym, elf.littleEndian, symbol * 24);
      if (symbol === 0 || entry.left < 24) continue;
      into.add(start, PLT_ENTRY, 4, `${cStringAt(strings, entry.u32())}@plt`);
    }
    if (skipped === 1) into.add(section.address, PLT_ENTRY, 4, '[plt]');
  }
}
