import { type EventAttr, SampleType } from './perf-data-attr.ts';

/** Where the parts of one sample are; filled anew for each, so that reading makes no objects. Offsets; -1 = absent. */
export class SampleFields {
  pid = 0;
  tid = 0;
  ipLow = 0;
  ipHigh = 0;
  period = 1;
  chainAt = -1;
  chainCount = 0;
  rawAt = -1;
  rawSize = 0;
  /** 0 = no user registers (the sample came from a kernel thread). */
  regsAbi = 0;
  regsAt = -1;
  stackAt = -1;
  /** Bytes of stack that were copied. */
  stackSize = 0;

  /** False where the fields do not fit into the record. */
  read(view: DataView, start: number, attr: EventAttr, le: boolean): boolean {
    const end = start + view.getUint16(start + 6, le);
    const { at, sampleType } = attr;
    if (start + at.rest > end) return false;
    this.pid = at.tid < 0 ? 0 : view.getInt32(start + at.tid, le);
    this.tid = at.tid < 0 ? 0 : view.getInt32(start + at.tid + 4, le);
    if (at.ip < 0) this.ipLow = this.ipHigh = 0;
    else {
      this.ipLow = view.getUint32(start + at.ip + (le ? 0 : 4), le);
      this.ipHigh = view.getInt32(start + at.ip + (le ? 4 : 0), le);
    }
    if (at.period >= 0) this.period = u64(view, start + at.period, le);
    else this.period = attr.freq || attr.samplePeriod === 0 ? 1 : attr.samplePeriod;
    this.chainAt = this.rawAt = this.regsAt = this.stackAt = -1;
    this.chainCount = this.rawSize = this.regsAbi = this.stackSize = 0;

    let next = start + at.rest;
    if (sampleType & SampleType.read) next += readSize(view, next, end, attr.readFormat, le);
    if (sampleType & SampleType.callchain) {
      if (next + 8 > end) return false;
      this.chainCount = view.getUint32(next + (le ? 0 : 4), le);
      this.chainAt = next + 8;
      next += 8 + this.chainCount * 8;
    }
    if (sampleType & SampleType.raw) {
      if (next + 4 > end) return false;
      this.rawSize = view.getUint32(next, le);
      this.rawAt = next + 4;
      next += (4 + this.rawSize + 7) & ~7;
    }
    if (sampleType & SampleType.branchStack) {
      if (next + 8 > end) return false;
      const count = view.getUint32(next + (le ? 0 : 4), le);
      const hardwareIndex = attr.branchSampleType & (1 << 17) ? 8 : 0;
      const counters = attr.branchSampleType & (1 << 19) ? 8 : 0;
      next += 8 + hardwareIndex + count * (24 + counters);
    }
    if (sampleType & SampleType.regsUser) {
      if (next + 8 > end) return false;
      this.regsAbi = view.getUint32(next + (le ? 0 : 4), le);
      this.regsAt = next + 8;
      next += 8 + (this.regsAbi === 0 ? 0 : attr.regsUserCount * 8);
    }
    if (sampleType & SampleType.stackUser) {
      if (next + 8 > end) return false;
      const size = view.getUint32(next + (le ? 0 : 4), le);
      this.stackAt = next + 8;
      next += 8 + size;
      if (size > 0) {
        if (next + 8 > end) return false;
        // The kernel reserves `size` and says behind it how much of that it could copy.
        this.stackSize = Math.min(size, u64(view, next, le));
        next += 8;
      }
    }
    return next <= end;
  }
}

function readSize(view: DataView, at: number, end: number, format: number, le: boolean): number {
  const times = (format & 1 ? 8 : 0) + (format & 2 ? 8 : 0);
  const each = 8 + (format & 4 ? 8 : 0) + (format & 16 ? 8 : 0);
  if ((format & 8) === 0) return times + each;
  return at + 8 > end ? 8 : 8 + times + each * view.getUint32(at + (le ? 0 : 4), le);
}

function u64(view: DataView, at: number, le: boolean): number {
  return view.getUint32(at + (le ? 0 : 4), le) + view.getUint32(at + (le ? 4 : 0), le) * 4294967296;
}
