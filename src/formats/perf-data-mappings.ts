import type { Warnings } from '../base/warnings.ts';
import type { CodeLocations, CodeModule } from '../symbols/code-location.ts';
import type { KernelReference } from '../symbols/kernel-symbols.ts';
import type { RecordBatch } from './perf-data-batches.ts';
import { hex, type PerfHeader } from './perf-data-header.ts';
import { AddressSpace } from './perf-data-maps.ts';
import type { Processes } from './perf-data-processes.ts';
import { CpuMode, Misc } from './perf-data-record.ts';

/** MMAP and MMAP2 records: what is mapped where, in processes and in the kernel. */
export class MappingRecords {
  /** The kernel and its modules, which all processes share. */
  readonly kernel: AddressSpace = new AddressSpace();
  /** Paths of jitdump files by process: they are mapped once, as a mark. */
  readonly jitDumps: Map<number, string> = new Map();
  /** Where `_text` or `_stext` was when this was recorded. */
  kernelReference: KernelReference | undefined;
  readonly #header: PerfHeader;
  readonly #locations: CodeLocations;
  readonly #processes: Processes;
  readonly #warnings: Warnings;

  constructor(header: PerfHeader, locations: CodeLocations, processes: Processes, warnings: Warnings) {
    this.#header = header;
    this.#locations = locations;
    this.#processes = processes;
    this.#warnings = warnings;
  }

  /** An MMAP record, or an MMAP2 where `second`: `body` and `end` are offsets in the batch. */
  read(batch: RecordBatch, body: number, end: number, misc: number, second: boolean): void {
    const { view } = batch;
    const le = this.#header.littleEndian;
    const nameAt = body + (second ? 64 : 32);
    if (nameAt > end) {
      this.#warnings.add('damaged-input', 'records of mapped files that are cut short were left out');
      return;
    }
    if ((misc & Misc.mmapData) !== 0) return;
    const path = recordText(batch, nameAt, end);
    const start = address(view, body + 8, le);
    const length = Number(view.getBigUint64(body + 16, le));
    const fileOffset = address(view, body + 24, le);
    const pid = view.getInt32(body, le);
    let buildId = this.#header.buildIds.get(path) ?? '';
    if (second && (misc & Misc.mmapBuildId) !== 0) {
      const size = Math.min(20, view.getUint8(body + 32));
      buildId = hex(batch.bytes.subarray(body + 36, body + 36 + size));
    }
    if (pid === -1 || (misc & Misc.cpuMode) === CpuMode.kernel) {
      this.#mapKernel(path, start, start + length, fileOffset, buildId);
      return;
    }
    if (/\/jit-\d+\.dump$/.test(path)) {
      this.jitDumps.set(pid, path);
      return;
    }
    const module = this.#moduleOf(path, buildId, pid);
    this.#processes.process(pid).space.add({ start, end: start + length, fileOffset, module });
  }

  #mapKernel(path: string, start: number, end: number, fileOffset: number, buildId: string): void {
    const reference = /^\[kernel\.kallsyms\](_s?text)$/.exec(path);
    if (reference !== null) {
      this.kernelReference = { symbol: reference[1]!, address: fileOffset };
      const id = this.#header.buildIds.get('[kernel.kallsyms]') ?? buildId;
      // Its length was once all of memory up to the top: modules that follow cut it.
      const module = this.#locations.module('kernel', '[kernel]', id, 0);
      this.kernel.add({ start, end: end <= start ? 0 : Math.min(end, 0), fileOffset: 0, module });
      return;
    }
    const module = this.#locations.module('kernel', path.startsWith('[') ? path : `[${basename(path)}]`, buildId, 0);
    this.kernel.add({ start, end, fileOffset: 0, module });
  }

  #moduleOf(path: string, buildId: string, pid: number): CodeModule {
    if (path === '[vdso]') return this.#locations.module('vdso', path, buildId, pid);
    if (path === '[vsyscall]' || path === '[uprobes]') return this.#locations.module('unknown', path, '', 0);
    if (path === '' || /^(\/\/anon|\[|\/memfd:|\/dev\/zero|\/SYSV|\/anon_hugepage)/.test(path)) {
      return this.#locations.module('jit', '[anon]', '', pid);
    }
    return this.#locations.module('file', path, buildId, pid);
  }
}

function address(view: DataView, at: number, le: boolean): number {
  return view.getUint32(at + (le ? 0 : 4), le) + view.getInt32(at + (le ? 4 : 0), le) * 4294967296;
}

const decoder = new TextDecoder();

/** The NUL-terminated text of a record. */
export function recordText({ bytes }: RecordBatch, start: number, end: number): string {
  const nul = bytes.indexOf(0, start);
  return decoder.decode(bytes.subarray(start, nul === -1 || nul > end ? end : nul));
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
