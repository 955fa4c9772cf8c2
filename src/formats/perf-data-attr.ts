// struct perf_event_attr and the sample layouts that follow from it: include/uapi/linux/perf_event.h
import { ByteReader } from '../base/byte-reader.ts';

/** Bits of `sampleType`, in the kernel's names. */
export const SampleType = {
  ip: 1,
  tid: 2,
  time: 4,
  addr: 8,
  read: 16,
  callchain: 32,
  id: 64,
  cpu: 128,
  period: 256,
  streamId: 512,
  raw: 1024,
  branchStack: 2048,
  regsUser: 4096,
  stackUser: 8192,
  weight: 0x4000,
  dataSrc: 0x8000,
  identifier: 0x10000,
  transaction: 0x20000,
  regsIntr: 0x40000,
} as const;

/** The parts of perf_event_attr that decide how its samples are laid out and weighed. */
export interface EventAttr {
  /** 0 hardware, 1 software, 2 tracepoint, 3 cache, 4 raw, … */
  readonly type: number;
  readonly config: number;
  /** Period, or frequency in Hz where `freq`. */
  readonly samplePeriod: number;
  readonly freq: boolean;
  readonly sampleType: number;
  readonly readFormat: number;
  readonly branchSampleType: number;
  /** Register mask of user registers, as two 32-bit words. */
  readonly regsUserLow: number;
  readonly regsUserHigh: number;
  readonly regsUserCount: number;
  readonly sampleIdAll: boolean;
  readonly contextSwitch: boolean;
  /** 0 = the kernel's default (`kernel.perf_event_max_stack`, 127 unless changed). */
  readonly maxStack: number;
  /** Offset of each field in a sample's body; -1 = absent. Those behind `callchain` depend on the sample. */
  readonly at: SampleOffsets;
  /** Distance from a non-sample record's end back to its fields (`sample_id_all`); -1 = absent. */
  readonly back: TrailerOffsets;
}

export interface SampleOffsets {
  readonly identifier: number;
  readonly ip: number;
  readonly tid: number;
  readonly time: number;
  readonly id: number;
  readonly cpu: number;
  readonly period: number;
  /** Where the fields of varying length begin: `read`, or `callchain`. */
  readonly rest: number;
}

export interface TrailerOffsets {
  readonly tid: number;
  readonly time: number;
  readonly id: number;
}

/** Reads an attribute of any length; fields that older kernels lack are 0. */
export function parseAttr(bytes: Uint8Array, littleEndian: boolean): EventAttr {
  const whole = new Uint8Array(Math.max(bytes.length, 136));
  whole.set(bytes);
  const r = new ByteReader(whole, littleEndian);
  const u32 = (at: number): number => {
    r.at = at;
    return r.u32();
  };
  const u64 = (at: number): number => {
    r.at = at;
    return r.u64();
  };
  const low = (at: number): number => u32(at + (littleEndian ? 0 : 4));
  const high = (at: number): number => u32(at + (littleEndian ? 4 : 0));
  const flag = (bit: number): boolean => {
    // Bit fields fill bytes in memory order from the other end on big-endian machines.
    const byte = whole[40 + (bit >> 3)]!;
    return ((byte >> (littleEndian ? bit & 7 : 7 - (bit & 7))) & 1) === 1;
  };
  const sampleType = low(24);
  r.at = 108;
  const maxStack = r.u16();
  const regsUserLow = low(80);
  const regsUserHigh = high(80);
  const sampleIdAll = flag(18);
  return {
    type: u32(0),
    config: u64(8),
    samplePeriod: u64(16),
    freq: flag(10),
    sampleType,
    readFormat: low(32),
    branchSampleType: low(72),
    regsUserLow,
    regsUserHigh,
    regsUserCount: popCount(regsUserLow) + popCount(regsUserHigh),
    sampleIdAll,
    contextSwitch: flag(26),
    maxStack,
    at: sampleOffsets(sampleType),
    back: trailerOffsets(sampleType, sampleIdAll),
  };
}

function sampleOffsets(type: number): SampleOffsets {
  let next = 8;
  const field = (bit: number): number => {
    if ((type & bit) === 0) return -1;
    next += 8;
    return next - 8;
  };
  const identifier = field(SampleType.identifier);
  const ip = field(SampleType.ip);
  const tid = field(SampleType.tid);
  const time = field(SampleType.time);
  field(SampleType.addr);
  const id = field(SampleType.id);
  field(SampleType.streamId);
  const cpu = field(SampleType.cpu);
  const period = field(SampleType.period);
  return { identifier, ip, tid, time, id: identifier >= 0 ? identifier : id, cpu, period, rest: next };
}

function trailerOffsets(type: number, sampleIdAll: boolean): TrailerOffsets {
  if (!sampleIdAll) return { tid: -1, time: -1, id: -1 };
  let back = 0;
  const field = (bit: number): number => {
    if ((type & bit) === 0) return -1;
    back += 8;
    return back;
  };
  const identifier = field(SampleType.identifier);
  field(SampleType.cpu);
  field(SampleType.streamId);
  const id = field(SampleType.id);
  const time = field(SampleType.time);
  const tid = field(SampleType.tid);
  return { tid, time, id: identifier >= 0 ? identifier : id };
}

function popCount(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}
