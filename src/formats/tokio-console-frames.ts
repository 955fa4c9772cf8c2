import { ByteWindow } from '../base/byte-window.ts';
import type { Source } from '../base/source.ts';

/**
 * A recording of what a console-subscriber sent: a line that names it, then frames, each a 4-byte big-endian length,
 * one byte that says what it is, and a body. Updates are as they came over the wire, behind their arrival.
 */
export const CONSOLE_MAGIC = 'tprof.tokio-console/1\n';

export const ConsoleFrame = {
  /** JSON: `{ address, startedUnixNs }`. Once, first. */
  header: 0,
  /** JSON: `{ unixNs, pid, startTime }` of a connection that was made. */
  connected: 1,
  /** 8 bytes Unix ns of the arrival, big-endian, then an `rs.tokio.console.instrument.Update`. */
  update: 2,
  /** JSON: `{ unixNs, why }` of a connection that ended. */
  ended: 3,
  /** 8 bytes Unix ns of the arrival, then the last `rs.tokio.console.tasks.TaskDetails` of a task. */
  details: 4,
} as const;

/** The whole frame, as it stands in the file. */
export function consoleFrame(kind: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length + 1);
  frame[4] = kind;
  frame.set(body, 5);
  return frame;
}

export function consoleJsonFrame(kind: number, value: object): Uint8Array {
  return consoleFrame(kind, new TextEncoder().encode(JSON.stringify(value)));
}

export function consoleUpdateFrame(arrivalUnixNs: bigint, update: Uint8Array): Uint8Array {
  return arrivedFrame(ConsoleFrame.update, arrivalUnixNs, update);
}

export function consoleDetailsFrame(arrivalUnixNs: bigint, details: Uint8Array): Uint8Array {
  return arrivedFrame(ConsoleFrame.details, arrivalUnixNs, details);
}

function arrivedFrame(kind: number, arrivalUnixNs: bigint, message: Uint8Array): Uint8Array {
  const body = new Uint8Array(8 + message.length);
  new DataView(body.buffer).setBigUint64(0, arrivalUnixNs);
  body.set(message, 8);
  return consoleFrame(kind, body);
}

export interface ReadFrame {
  readonly kind: number;
  /** Valid until the next frame is asked for. */
  readonly body: Uint8Array;
  /** Where the frame begins in the source. */
  readonly offset: number;
}

/** The frames of a source, behind its first line. A last frame that is cut off comes as `undefined`. */
export async function* readConsoleFrames(
  source: Source,
  onProgress?: (bytes: number) => void,
): AsyncGenerator<ReadFrame | undefined> {
  const window = new ByteWindow(source, onProgress);
  try {
    if (!(await window.need(CONSOLE_MAGIC.length))) return yield undefined;
    window.pos += CONSOLE_MAGIC.length;
    for (;;) {
      if (!(await window.need(1))) return;
      if (!(await window.need(4))) return yield undefined;
      const { bytes, pos } = window;
      const length = bytes[pos]! * 0x100_0000 + ((bytes[pos + 1]! << 16) | (bytes[pos + 2]! << 8) | bytes[pos + 3]!);
      if (length === 0 || !(await window.need(4 + length))) return yield undefined;
      const start = window.pos + 4;
      const kind = window.bytes[start]!;
      const body = window.bytes.subarray(start + 1, start + length);
      yield { kind, body, offset: window.offset };
      window.pos += 4 + length;
    }
  } finally {
    await window.close();
  }
}
