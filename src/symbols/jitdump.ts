// https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/tools/perf/Documentation/jitdump-specification.txt
import { ByteReader } from '../base/byte-reader.ts';
import { readAll, type Source } from '../base/source.ts';
import type { Warnings } from '../base/warnings.ts';
import { JitCode, type JitLoad } from './jit-code.ts';

const MAGIC = 0x4a695444;
const Kind = { load: 0, move: 1 } as const;

/** `jit-PID.dump`: code with its names as a runtime made it. Undefined where the file is no jitdump. */
export async function readJitDump(source: Source, warnings: Warnings): Promise<JitCode | undefined> {
  const bytes = await readAll(source);
  if (bytes.length < 40) return undefined;
  const littleEndian = new ByteReader(bytes, true).u32() === MAGIC;
  if (!littleEndian && new ByteReader(bytes, false).u32() !== MAGIC) return undefined;
  const r = new ByteReader(bytes, littleEndian, 8);
  r.at = r.u32();
  const loads: JitLoad[] = [];
  const ofIndex = new Map<number, JitLoad>();
  while (r.left >= 16) {
    const start = r.at;
    const kind = r.u32();
    const size = r.u32();
    if (size < 16 || start + size > bytes.length) {
      warnings.add('damaged-input', 'a jitdump ends early; what came before was used', { example: source.name });
      break;
    }
    const timeNs = r.u64();
    if (kind === Kind.load && size >= 56) {
      r.skip(16);
      const address = r.u64();
      const length = r.u64();
      const index = r.u64();
      const load = { start: address, end: address + length, timeNs, name: r.cString() };
      ofIndex.set(index, load);
      loads.push(load);
    } else if (kind === Kind.move && size >= 64) {
      r.skip(24);
      const address = r.u64();
      const length = r.u64();
      const moved = ofIndex.get(r.u64());
      if (moved !== undefined) {
        loads.push({ start: address, end: address + length, timeNs, name: moved.name });
      }
    }
    r.at = start + size;
  }
  return new JitCode(loads);
}
