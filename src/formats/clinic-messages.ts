// https://github.com/clinicjs/node-clinic-doctor (format/process-stat.proto), …-bubbleprof (format/stack-trace.proto)
import { MalformedProtobuf, ProtobufCursor } from './protobuf-cursor.ts';

/** One turn of clinic doctor's sampler. */
export interface ProcessStat {
  readonly unixMs: number;
  /** How much later than asked for the sampler's timer fired. */
  readonly delayMs: number;
  /** Of one processor. */
  readonly cpuShare: number;
  readonly rssBytes: number;
  readonly heapTotalBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  readonly handles: number;
  /** Not-a-number where the recorder did not measure it. */
  readonly loopPercent: number;
}

/** Where an asynchronous operation began. */
export interface AsyncStart {
  readonly asyncId: number;
  /** The innermost call first. */
  readonly frames: readonly AsyncFrame[];
}

export interface AsyncFrame {
  readonly name: string;
  readonly type: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const decoder = new TextDecoder();

/** Messages with their length in two bytes before each. One that is cut, as a killed program leaves it, ends the list. */
function* messages(bytes: Uint8Array): Generator<{ readonly at: number; readonly end: number }> {
  for (let p = 0; p + 2 <= bytes.length; ) {
    const at = p + 2;
    const end = at + ((bytes[p]! << 8) | bytes[p + 1]!);
    if (end > bytes.length) return;
    yield { at, end };
    p = end;
  }
}

export function* readProcessStats(bytes: Uint8Array): Generator<ProcessStat> {
  const cursor = new ProtobufCursor();
  cursor.use(bytes);
  for (const { at, end } of messages(bytes)) {
    const top = numbers(cursor, at, end);
    const memory = top.memory === undefined ? new Map<number, number>() : numbers(cursor, ...top.memory).values;
    const value = (field: number): number => top.values.get(field) ?? 0;
    yield {
      unixMs: value(1),
      delayMs: value(2),
      cpuShare: value(3),
      rssBytes: memory.get(1) ?? 0,
      heapTotalBytes: memory.get(2) ?? 0,
      heapUsedBytes: memory.get(3) ?? 0,
      externalBytes: memory.get(4) ?? 0,
      handles: value(5),
      loopPercent: top.values.get(6) ?? Number.NaN,
    };
  }
}

/** Doubles and whole numbers by field; where the one message within lies. */
function numbers(
  cursor: ProtobufCursor,
  at: number,
  end: number,
): { readonly values: ReadonlyMap<number, number>; readonly memory: [number, number] | undefined } {
  const values = new Map<number, number>();
  let memory: [number, number] | undefined;
  try {
    for (cursor.p = at; cursor.p < end; ) {
      const tag = cursor.varint(end);
      const field = tag >>> 3;
      if ((tag & 7) === 1 && cursor.p + 8 <= end) {
        values.set(field, cursor.view.getFloat64(cursor.p, true));
        cursor.p += 8;
      } else if ((tag & 7) === 0) values.set(field, cursor.varint(end));
      else if (field === 4 && (tag & 7) === 2) {
        const stop = cursor.lengthEnd(end);
        memory = [cursor.p, stop];
        cursor.p = stop;
      } else cursor.skip(tag, end);
    }
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error;
  }
  return { values, memory };
}

export function* readAsyncStarts(bytes: Uint8Array): Generator<AsyncStart> {
  const cursor = new ProtobufCursor();
  cursor.use(bytes);
  for (const { at, end } of messages(bytes)) {
    let asyncId = 0;
    const frames: AsyncFrame[] = [];
    try {
      for (cursor.p = at; cursor.p < end; ) {
        const tag = cursor.varint(end);
        if (tag === ((1 << 3) | 1) && cursor.p + 8 <= end) {
          asyncId = cursor.view.getFloat64(cursor.p, true);
          cursor.p += 8;
        } else if (tag === ((2 << 3) | 2)) {
          const stop = cursor.lengthEnd(end);
          frames.push(frame(cursor, stop));
          cursor.p = stop;
        } else cursor.skip(tag, end);
      }
    } catch (error) {
      if (!(error instanceof MalformedProtobuf)) throw error;
      continue;
    }
    yield { asyncId, frames };
  }
}

function frame(cursor: ProtobufCursor, end: number): AsyncFrame {
  const texts = new Map<number, string>();
  const values = new Map<number, number>();
  while (cursor.p < end) {
    const tag = cursor.varint(end);
    if ((tag & 7) === 2) {
      const stop = cursor.lengthEnd(end);
      texts.set(tag >>> 3, decoder.decode(cursor.bytes.subarray(cursor.p, stop)));
      cursor.p = stop;
    } else if ((tag & 7) === 0) values.set(tag >>> 3, cursor.varint(end));
    else cursor.skip(tag, end);
  }
  return {
    name: texts.get(1) ?? '',
    type: texts.get(2) ?? '',
    file: texts.get(8) ?? '',
    line: values.get(9) ?? 0,
    column: values.get(10) ?? 0,
  };
}
