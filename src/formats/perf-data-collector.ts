import { type Column, float64Column, int32Column, uint8Column, uint32Column } from '../base/column.ts';
import type { Warnings } from '../base/warnings.ts';
import { AddressCache } from '../symbols/address-cache.ts';
import { CodeLocations, type CodeModule } from '../symbols/code-location.ts';
import type { KernelReference } from '../symbols/kernel-symbols.ts';
import type { UserUnwinder } from '../symbols/unwind.ts';
import type { RecordBatch } from './perf-data-batches.ts';
import type { PerfHeader } from './perf-data-header.ts';
import { MappingRecords, recordText } from './perf-data-mappings.ts';
import type { CodeMapping } from './perf-data-maps.ts';
import { MountNamespaces } from './perf-data-namespaces.ts';
import { PreviousChain } from './perf-data-previous.ts';
import { Processes, type ProcessRun, type ThreadRun } from './perf-data-processes.ts';
import { CpuMode, Misc, RecordType } from './perf-data-record.ts';
import { SampleFields } from './perf-data-sample.ts';
import { type SwitchLayout, schedSwitchLayout } from './perf-data-switch.ts';
import { AddressTree } from './perf-data-tree.ts';

/** Flags of a collected sample. */
export const CollectedFlag = { waiting: 1, truncated: 2 } as const;

/** The kernel's marks between the parts of a call chain are -4095…-1, as no code has such an address. */
function isContextMark(high: number, low: number): boolean {
  return high === -1 && low < 0 && low > -4096;
}

/** One sentence for the records that hold such data and those that speak of it. */
export const AUX_DATA = 'hardware trace data (Intel PT, ARM SPE) was left out: tprof reads samples';

const DEFAULT_MAX_STACK = 127;
/** PERF_SAMPLE_REGS_ABI_64. */
const ABI_64 = 2;

/** One row a sample; `node` is its innermost frame in the tree of addresses. */
export interface CollectedSamples {
  readonly thread: Column<Uint32Array>;
  readonly node: Column<Int32Array>;
  readonly timeNs: Column<Float64Array>;
  readonly event: Column<Uint8Array>;
  readonly value: Column<Float64Array>;
  readonly flags: Column<Uint8Array>;
}

/** Takes records in order of time and keeps what is distinct: stacks, locations, threads; and one row a sample. */
export class PerfCollector {
  readonly locations: CodeLocations = new CodeLocations();
  readonly tree: AddressTree = new AddressTree();
  readonly processes: Processes = new Processes();
  /** When code that a runtime generated was seen first: later there may be other code in its place. */
  readonly jitSeenNs: Map<number, number> = new Map();
  /** First mapping that each location was seen in. */
  readonly mappingOf: (CodeMapping | undefined)[] = [];
  readonly samples: CollectedSamples = {
    thread: uint32Column(),
    node: int32Column(),
    timeNs: float64Column(),
    event: uint8Column(),
    value: float64Column(),
    flags: uint8Column(),
  };
  lost = 0;
  readonly #namespaces = new MountNamespaces();

  readonly #header: PerfHeader;
  readonly #warnings: Warnings;
  readonly #unwinder: UserUnwinder;
  readonly #mappings: MappingRecords;
  readonly #fields = new SampleFields();
  readonly #kernelChain = new PreviousChain();
  #switchLayouts: (SwitchLayout | undefined)[] = [];
  #lastNs = 0;

  constructor(header: PerfHeader, unwinder: UserUnwinder, warnings: Warnings) {
    this.#header = header;
    this.#unwinder = unwinder;
    this.#warnings = warnings;
    this.#mappings = new MappingRecords(header, this.locations, this.processes, warnings);
  }

  get jitDumps(): ReadonlyMap<number, string> {
    return this.#mappings.jitDumps;
  }

  get kernelReference(): KernelReference | undefined {
    return this.#mappings.kernelReference;
  }

  /** One record. A promise only where an object file has to be opened before its stack can be unwound. */
  take(batch: RecordBatch, offset: number, timeNs: number): Promise<void> | undefined {
    const { view } = batch;
    const le = this.#header.littleEndian;
    const misc = view.getUint16(offset + 4, le);
    const body = offset + 8;
    const end = offset + view.getUint16(offset + 6, le);
    if (timeNs > this.#lastNs) this.#lastNs = timeNs;
    const i32 = (at: number): number => (at + 4 <= end ? view.getInt32(at, le) : 0);
    switch (view.getUint32(offset, le)) {
      case RecordType.sample:
        return this.#sample(batch, offset, timeNs);
      case RecordType.mmap:
        this.#mappings.read(batch, body, end, misc, false);
        break;
      case RecordType.mmap2:
        this.#mappings.read(batch, body, end, misc, true);
        break;
      case RecordType.comm:
        this.processes.comm(i32(body), i32(body + 4), recordText(batch, body + 8, end), (misc & Misc.commExec) !== 0);
        break;
      case RecordType.fork:
        this.processes.fork(i32(body), i32(body + 4), i32(body + 8), i32(body + 12));
        break;
      case RecordType.exit:
        this.processes.exit(i32(body), i32(body + 8));
        break;
      case RecordType.lost:
        this.lost += body + 16 <= end ? Number(view.getBigUint64(body + 8, le)) : 1;
        break;
      case RecordType.lostSamples:
        this.lost += body + 8 <= end ? Number(view.getBigUint64(body, le)) : 1;
        break;
      case RecordType.throttle:
        this.#warnings.add(
          'samples-throttled',
          'the kernel held sampling back for a while: it was asked for too often',
        );
        break;
      case RecordType.switch:
      case RecordType.switchCpuWide: {
        const trailer = this.#header.events[0]!.attr.back.tid;
        if (trailer < 0) break;
        const run = this.processes.thread(i32(end - trailer), i32(end - trailer + 4));
        if ((misc & Misc.switchOut) === 0) this.#return(run, timeNs);
        // Where the tracepoint is recorded too, its sample came first and knows the stack.
        else if (run.offSinceNs < 0) this.#leave(run, run.lastStack, timeNs);
        break;
      }
      case RecordType.aux:
        this.#warnings.add('aux-data', AUX_DATA);
        break;
      case RecordType.namespaces:
        this.#namespaces.read(view, body, end, le);
        break;
      default:
        if (view.getUint32(offset, le) > RecordType.auxOutputHardwareId) {
          this.#warnings.add('unknown-records', 'records of kinds that tprof does not know were left out', {
            example: `kind ${view.getUint32(offset, le)}`,
          });
        }
    }
    return undefined;
  }

  /** Layouts of tracepoints are known once their formats are: in pipe mode that is after the first records. */
  prepareSwitches(): void {
    const { events, tracingData } = this.#header;
    this.#switchLayouts = events.map(event => schedSwitchLayout(event, tracingData));
  }

  /** Threads that are still waiting have waited until the end. */
  finish(): void {
    for (const run of this.processes.runs) if (!run.exited) this.#return(run, this.#lastNs);
    const { elsewhere } = this.#namespaces;
    if (elsewhere > 0) {
      this.#warnings.add(
        'namespaces',
        'processes see other files than most (containers): theirs are looked for through /proc/PID/root, while they run',
        { count: elsewhere },
      );
    }
  }

  #sample(batch: RecordBatch, offset: number, timeNs: number): Promise<void> | undefined {
    const { view } = batch;
    const { littleEndian: le, events } = this.#header;
    const event = this.eventOf(batch, offset);
    const { attr } = events[event]!;
    const fields = this.#fields;
    if (!fields.read(view, offset, attr, le)) {
      this.#warnings.add('damaged-input', 'samples whose parts do not fit into their record were left out');
      return undefined;
    }
    const cpuMode = view.getUint16(offset + 4, le) & Misc.cpuMode;
    if (cpuMode === CpuMode.guestKernel || cpuMode === CpuMode.guestUser) {
      this.#warnings.add(
        'guest-samples',
        'samples of a virtual machine were left out: its programs are not known here',
      );
      return undefined;
    }
    const run = this.processes.thread(fields.pid, fields.tid);
    if (fields.stackAt >= 0 && fields.regsAbi !== 0 && this.#canUnwind(fields.regsAbi)) {
      const ready = this.#unwinder.begin(run.process.space, view, fields, attr, le);
      if (ready !== undefined) {
        return ready.then(() => {
          const { view: v } = batch;
          // The fields are shared by all samples, and others may not have been read in between: still read again.
          fields.read(v, offset, attr, le);
          return this.#sample(batch, offset, timeNs);
        });
      }
      this.#finishSample(run, event, timeNs, this.#userStack(run.process, batch));
      return undefined;
    }
    const root = this.#root(run.process);
    run.previous ??= new PreviousChain();
    this.#finishSample(run, event, timeNs, this.#chain(run.process, batch, root, attr.maxStack, run.previous));
    return undefined;
  }

  /** Register numbers and rules are known for x86-64 alone; others keep the chain that the kernel recorded. */
  #canUnwind(abi: number): boolean {
    const { arch } = this.#header;
    if (abi === ABI_64 && (arch === '' || arch === 'x86_64')) return true;
    this.#warnings.add(
      'unwinding-unsupported',
      'copies of stacks are unwound for 64-bit x86 programs alone: others show their innermost function; record them with --call-graph fp',
      { example: abi === ABI_64 ? arch : 'a 32-bit program' },
    );
    return false;
  }

  #finishSample(run: ThreadRun, event: number, timeNs: number, node: number): void {
    const { period, rawAt, rawSize } = this.#fields;
    this.#add(run, node, timeNs, event, period, this.#truncated ? CollectedFlag.truncated : 0);
    run.lastStack = node;
    const layout = this.#switchLayouts[event];
    if (layout === undefined) return;
    this.#leave(run, node, timeNs);
    if (layout.nextPidAt + 4 > rawSize) return;
    const nextTid = this.#rawView!.getInt32(rawAt + layout.nextPidAt, this.#header.littleEndian);
    const next = this.processes.byTid(nextTid);
    if (next !== undefined) this.#return(next, timeNs);
  }

  #truncated = false;
  #rawView: DataView | undefined;

  /** Index of the event that a record belongs to; 0 where a file has one event or does not say. */
  eventOf(batch: RecordBatch, offset: number): number {
    const { events, eventOfId, littleEndian: le } = this.#header;
    this.#rawView = batch.view;
    if (events.length === 1) return 0;
    const at = events[0]!.attr.at.id;
    if (at < 0 || offset + at + 8 > batch.bytes.length) return 0;
    const id =
      batch.view.getUint32(offset + at + (le ? 0 : 4), le) +
      batch.view.getUint32(offset + at + (le ? 4 : 0), le) * 4294967296;
    return eventOfId.get(id) ?? 0;
  }

  #add(run: ThreadRun, node: number, timeNs: number, event: number, value: number, flags: number): void {
    const s = this.samples;
    s.thread.push(run.index);
    s.node.push(node);
    s.timeNs.push(timeNs);
    s.event.push(event);
    s.value.push(value);
    s.flags.push(flags);
  }

  #leave(run: ThreadRun, node: number, timeNs: number): void {
    if (run.exited || run.tid === 0) return;
    run.offSinceNs = timeNs;
    run.offStack = node;
  }

  #return(run: ThreadRun, timeNs: number): void {
    if (run.offSinceNs < 0) return;
    this.#add(run, run.offStack, run.offSinceNs, OFF_CPU_EVENT, timeNs - run.offSinceNs, CollectedFlag.waiting);
    run.offSinceNs = -1;
  }

  #root(process: ProcessRun): number {
    if (process.root < 0 || process.rootGeneration !== process.space.generation) {
      process.root = this.tree.root();
      process.rootGeneration = process.space.generation;
    }
    return process.root;
  }

  /** The sample's call chain below `parent`, or its one address where it has none. */
  #chain(process: ProcessRun, batch: RecordBatch, parent: number, maxStack: number, previous: PreviousChain): number {
    const { chainAt, chainCount, ipLow, ipHigh } = this.#fields;
    const { tree } = this;
    this.#truncated = chainCount >= (maxStack || DEFAULT_MAX_STACK);
    let node = parent;
    if (chainCount === 0) {
      if (ipLow === 0 && ipHigh === 0) return parent;
      node = tree.child(parent, ipLow, ipHigh, false);
      if (tree.locationOf(node) === -2) this.#resolve(process, node, ipLow, ipHigh, false);
      return node;
    }
    const { words } = batch;
    const first = chainAt >> 2;
    // The outer part of a stack is mostly that of the thread's sample before. Whether the last address that is alike is
    // one that a call returns to depends on the next.
    let depth = Math.max(0, previous.sameAs(parent, words, first, chainCount) - 1);
    if (depth > 0) node = previous.nodes[depth - 1]!;
    previous.begin(parent, chainCount);
    const { words: known, nodes } = previous;
    for (let at = first + (chainCount - 1 - depth) * 2; at >= first; at -= 2, depth++) {
      const low = words[at]!;
      const high = words[at + 1]!;
      if (!isContextMark(high, low)) {
        // The innermost address of the user part, and of the kernel's, is exact; the others are returned to.
        const isReturn = at > first && !isContextMark(words[at - 1]!, words[at - 2]!);
        node = tree.child(node, low, high, isReturn);
        if (tree.locationOf(node) === -2) this.#resolve(process, node, low >>> 0, high, isReturn);
      }
      known[depth * 2] = low;
      known[depth * 2 + 1] = high;
      nodes[depth] = node;
    }
    return node;
  }

  /** User frames from registers and stack, then the kernel's part of the chain on top of them. */
  #userStack(process: ProcessRun, batch: RecordBatch): number {
    const { count, low, high, truncated } = this.#unwinder.frames;
    let node = this.#root(process);
    for (let i = count - 1; i >= 0; i--) {
      const isReturn = i > 0 && this.#unwinder.isReturn(i);
      const child = this.tree.child(node, low[i]!, high[i]!, isReturn);
      if (this.tree.locationOf(child) === -2) this.#resolve(process, child, low[i]!, high[i]!, isReturn);
      node = child;
    }
    const { chainCount } = this.#fields;
    if (chainCount > 0) node = this.#chain(process, batch, node, Number.MAX_SAFE_INTEGER, this.#kernelChain);
    this.#truncated = truncated;
    return node;
  }

  #resolve(process: ProcessRun, node: number, low: number, high: number, isReturn: boolean): void {
    const address = high * 4294967296 + low - (isReturn ? 1 : 0);
    // A place is found by many paths: what is mapped there is looked up once.
    const known = address < 0 ? this.#kernelLocations() : this.#locationsOf(process);
    let location = known.get(address, false);
    if (location === undefined) {
      location = this.#locate(process, address);
      known.set(address, false, location);
    }
    this.tree.setLocation(node, location);
  }

  readonly #locationsByRoot = new WeakMap<ProcessRun, { root: number; known: AddressCache<number> }>();
  #kernelKnown = { generation: -1, known: new AddressCache<number>() };

  #locationsOf(process: ProcessRun): AddressCache<number> {
    let entry = this.#locationsByRoot.get(process);
    if (entry === undefined || entry.root !== process.root) {
      entry = { root: process.root, known: new AddressCache() };
      this.#locationsByRoot.set(process, entry);
    }
    return entry.known;
  }

  #kernelLocations(): AddressCache<number> {
    const { generation } = this.#mappings.kernel;
    if (this.#kernelKnown.generation !== generation) this.#kernelKnown = { generation, known: new AddressCache() };
    return this.#kernelKnown.known;
  }

  #locate(process: ProcessRun, address: number): number {
    const { locations } = this;
    const mapping = address < 0 ? this.#mappings.kernel.find(address) : process.space.find(address);
    if (mapping === undefined) {
      return locations.location(address < 0 ? this.#kernelModule() : this.#unknownModule(process.pid), address);
    }
    const { module } = mapping;
    const inFile = module.kind === 'file' || module.kind === 'vdso';
    const location = locations.location(module, inFile ? address - mapping.start + mapping.fileOffset : address);
    if (module.kind === 'jit' && !this.jitSeenNs.has(location)) this.jitSeenNs.set(location, this.#lastNs);
    this.mappingOf[location] ??= mapping;
    return location;
  }

  /** Kept: the name of a module is a key of text, and code without frame pointers leads to a million such places. */
  readonly #unknownModules = new Map<number, CodeModule>();

  #unknownModule(pid: number): CodeModule {
    let module = this.#unknownModules.get(pid);
    if (module === undefined) {
      module = this.locations.module('unknown', '', '', pid);
      this.#unknownModules.set(pid, module);
    }
    return module;
  }

  #kernelModule(): CodeModule {
    return this.locations.module('kernel', '[kernel]', '', 0);
  }
}

/** Event number of rows that no event made: time off the CPU. */
export const OFF_CPU_EVENT = 255;
