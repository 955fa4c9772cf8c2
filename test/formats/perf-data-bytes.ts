/** Writes perf.data byte by byte, in either byte order, so that tests say what is in a file. */
export class PerfDataWriter {
  readonly #le: boolean;
  readonly #records: Uint8Array[] = [];

  constructor(littleEndian = true) {
    this.#le = littleEndian;
  }

  get records(): readonly Uint8Array[] {
    return this.#records;
  }

  /** A record of `type` over `body`. */
  record(type: number, misc: number, body: Uint8Array): Uint8Array {
    const bytes = concat([this.u32(type), this.u16(misc), this.u16(8 + body.length), body]);
    this.#records.push(bytes);
    return bytes;
  }

  comm(pid: number, tid: number, name: string, timeNs: number, exec = false): void {
    this.record(
      3,
      exec ? 0x2000 : 0,
      concat([this.u32(pid), this.u32(tid), this.text(name), this.trailer(pid, tid, timeNs)]),
    );
  }

  mmap2(pid: number, start: number, length: number, offset: number, path: string, timeNs: number): void {
    this.record(
      10,
      2,
      concat([
        this.u32(pid),
        this.u32(pid),
        this.u64(start),
        this.u64(length),
        this.u64(offset),
        new Uint8Array(24),
        this.u32(5),
        this.u32(2),
        this.text(path),
        this.trailer(pid, pid, timeNs),
      ]),
    );
  }

  fork(pid: number, parent: number, timeNs: number): void {
    this.record(
      7,
      0,
      concat([
        this.u32(pid),
        this.u32(parent),
        this.u32(pid),
        this.u32(parent),
        this.u64(timeNs),
        this.trailer(pid, pid, timeNs),
      ]),
    );
  }

  /** IP, TID, TIME, PERIOD, CALLCHAIN: the layout of `attr`. The chain is leaf first. */
  sample(pid: number, tid: number, timeNs: number, period: number, chain: readonly number[], id?: number): void {
    const user = this.bigU64(0xfffffffffffffe00n);
    this.record(
      9,
      2,
      concat([
        ...(id === undefined ? [] : [this.u64(id)]),
        this.u64(chain[0] ?? 0),
        this.u32(pid),
        this.u32(tid),
        this.u64(timeNs),
        this.u64(period),
        this.u64(chain.length + 1),
        user,
        ...chain.map(address => this.u64(address)),
      ]),
    );
  }

  lost(count: number, timeNs: number): void {
    this.record(2, 0, concat([this.u64(1), this.u64(count), this.trailer(0, 0, timeNs)]));
  }

  round(): void {
    this.record(68, 0, new Uint8Array(0));
  }

  /**
   * cpu-clock (or the software event `config`), 1,000,000 ns, IP|TID|TIME|PERIOD|CALLCHAIN, with sample ids in all
   * records; with IDENTIFIER where there are several events.
   */
  attr(config = 0, identifier = false): Uint8Array {
    const flags = new Uint8Array(8);
    // sample_id_all is bit 18; bit fields run from the other end on big-endian machines.
    flags[2] = this.#le ? 0x04 : 0x20;
    return concat([
      this.u32(1),
      this.u32(136),
      this.u64(config),
      this.u64(1_000_000),
      this.u64(1 | 2 | 4 | 256 | 32 | (identifier ? 65536 : 0)),
      this.u64(0),
      flags,
      new Uint8Array(88),
    ]);
  }

  file(): Uint8Array {
    const attr = this.attr();
    const data = concat(this.#records);
    const attrsAt = 104;
    const dataAt = attrsAt + attr.length + 16;
    return concat([
      this.#magic(),
      this.u64(104),
      this.u64(attr.length + 16),
      this.u64(attrsAt),
      this.u64(attr.length + 16),
      this.u64(dataAt),
      this.u64(data.length),
      this.u64(0),
      this.u64(0),
      new Uint8Array(32),
      attr,
      this.u64(0),
      this.u64(0),
      data,
    ]);
  }

  /** Two events, cpu-clock with id 7 and page-faults with id 8; all records end with an identifier. */
  fileOfTwoEvents(): Uint8Array {
    const attrs = [this.attr(0, true), this.attr(2, true)];
    const size = attrs[0]!.length + 16;
    const idsAt = 104 + 2 * size;
    const data = concat(this.#records);
    return concat([
      this.#magic(),
      ...[104, size, 104, 2 * size, idsAt + 16, data.length, 0, 0].map(word => this.u64(word)),
      new Uint8Array(32),
      ...attrs.flatMap((attr, i) => [attr, this.u64(idsAt + i * 8), this.u64(8)]),
      this.u64(7),
      this.u64(8),
      data,
    ]);
  }

  /** Pipe mode: the attribute comes as a record. */
  pipe(): Uint8Array {
    const attr = new PerfDataWriter(this.#le).record(64, 0, concat([this.attr(), this.u64(7)]));
    return concat([this.#magic(), this.u64(16), attr, ...this.#records]);
  }

  #magic(): Uint8Array {
    const magic = new TextEncoder().encode('PERFILE2');
    return this.#le ? magic : magic.reverse();
  }

  trailer(pid: number, tid: number, timeNs: number): Uint8Array {
    return concat([this.u32(pid), this.u32(tid), this.u64(timeNs)]);
  }

  u16(value: number): Uint8Array {
    const bytes = new Uint8Array(2);
    new DataView(bytes.buffer).setUint16(0, value, this.#le);
    return bytes;
  }

  u32(value: number): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, this.#le);
    return bytes;
  }

  u64(value: number): Uint8Array {
    return this.bigU64(BigInt.asUintN(64, BigInt(value)));
  }

  bigU64(value: bigint): Uint8Array {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, this.#le);
    return bytes;
  }

  /** NUL-terminated, padded to 8 bytes. */
  text(text: string): Uint8Array {
    const bytes = new TextEncoder().encode(text);
    const padded = new Uint8Array((bytes.length + 8) & ~7);
    padded.set(bytes);
    return padded;
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
