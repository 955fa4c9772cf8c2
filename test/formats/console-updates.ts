import { ProtobufWriter } from '../../src/formats/protobuf-writer.ts';
import {
  CONSOLE_MAGIC,
  ConsoleFrame,
  consoleJsonFrame,
  consoleUpdateFrame,
} from '../../src/formats/tokio-console-frames.ts';

/** 2026-11-21T00:00:00Z: the zero of times in these tests, which are milliseconds. */
const ZERO_SECONDS = 1_795_219_200;

export interface DrawnTask {
  readonly id: bigint;
  readonly name?: string;
  readonly kind?: string;
  readonly taskId?: number;
  readonly file?: string;
  readonly line?: number;
  readonly size?: number;
  readonly originalSize?: number;
}

export interface DrawnStats {
  readonly created: number;
  readonly dropped?: number;
  readonly polls?: number;
  readonly firstPoll?: number;
  readonly started?: number;
  readonly ended?: number;
  readonly busy?: number;
  readonly scheduled?: number;
  readonly wakes?: number;
  readonly selfWakes?: number;
  readonly clones?: number;
  readonly drops?: number;
  readonly lastWake?: number;
}

export interface DrawnOp {
  readonly id: bigint;
  readonly source: string;
  readonly resource: bigint;
  readonly created: number;
  readonly dropped?: number;
}

export interface DrawnUpdate {
  readonly now: number;
  readonly tasks?: readonly DrawnTask[];
  readonly stats?: ReadonlyMap<bigint, DrawnStats>;
  readonly resources?: readonly { id: bigint; type: string; line?: number; created: number; dropped?: number }[];
  readonly ops?: readonly DrawnOp[];
  readonly droppedEvents?: number;
}

/** An `Update` as console-subscriber writes it, with field names as numbers into the metadata's list. */
export function consoleUpdate(update: DrawnUpdate): Uint8Array {
  const w = new ProtobufWriter();
  const id = (field: number, value: bigint): void => w.message(field, () => w.int64(1, value));
  const time = (field: number, ms: number | undefined): void => {
    if (ms === undefined) return;
    const ns = Math.round(ms * 1e6);
    const seconds = Math.floor(ns / 1e9);
    w.message(field, () => {
      w.int64(1, BigInt(ZERO_SECONDS + seconds));
      w.varint(2, ns - seconds * 1e9);
    });
  };
  const duration = (field: number, ms: number): void => {
    w.message(field, () => {
      w.varint(1, Math.floor(ms / 1000));
      w.varint(2, Math.round((ms % 1000) * 1e6));
    });
  };
  const location = (field: number, file: string | undefined, line: number | undefined): void => {
    if (file === undefined) return;
    w.message(field, () => {
      w.text(1, file);
      w.varint(3, line ?? 1);
      w.varint(4, 5);
    });
  };
  time(1, update.now);
  w.message(2, () => {
    for (const task of update.tasks ?? []) {
      w.message(1, () => {
        id(1, task.id);
        id(2, 7n);
        const field = (index: number, write: () => void): void =>
          w.message(4, () => {
            w.varint(2, index);
            write();
            id(8, 7n);
          });
        field(0, () => w.text(3, task.kind ?? 'task'));
        if (task.name !== undefined) field(1, () => w.text(3, task.name!));
        if (task.taskId !== undefined) field(2, () => w.varint(5, task.taskId!));
        if (task.size !== undefined) field(3, () => w.varint(5, task.size!));
        if (task.originalSize !== undefined) field(4, () => w.varint(5, task.originalSize!));
        location(6, task.file, task.line);
      });
    }
    for (const [key, stats] of update.stats ?? []) {
      w.message(3, () => {
        w.int64(1, key);
        w.message(2, () => {
          time(1, stats.created);
          time(2, stats.dropped);
          w.varint(3, stats.wakes ?? 0);
          w.varint(4, stats.clones ?? 0);
          w.varint(5, stats.drops ?? 0);
          time(6, stats.lastWake);
          w.message(7, () => {
            w.varint(1, stats.polls ?? 0);
            time(3, stats.firstPoll);
            time(4, stats.started);
            time(5, stats.ended);
            duration(6, stats.busy ?? 0);
          });
          w.varint(8, stats.selfWakes ?? 0);
          duration(9, stats.scheduled ?? 0);
        });
      });
    }
    if (update.droppedEvents !== undefined) w.varint(4, update.droppedEvents);
  });
  w.message(3, () => {
    for (const { id: key, type, line } of update.resources ?? []) {
      w.message(1, () => {
        id(1, key);
        w.text(3, type);
        w.message(4, () => w.text(2, 'Sync'));
        location(5, 'src/lib.rs', line ?? 3);
      });
    }
    for (const { id: key, created, dropped } of update.resources ?? []) {
      w.message(2, () => {
        w.int64(1, key);
        w.message(2, () => {
          time(1, created);
          time(2, dropped);
        });
      });
    }
  });
  w.message(4, () => {
    for (const op of update.ops ?? []) {
      w.message(1, () => {
        id(1, op.id);
        w.text(3, op.source);
        id(5, op.resource);
      });
    }
    for (const op of update.ops ?? []) {
      w.message(2, () => {
        w.int64(1, op.id);
        w.message(2, () => {
          time(1, op.created);
          time(2, op.dropped);
          w.message(5, () => w.varint(1, 2));
        });
      });
    }
  });
  w.message(5, () => {
    w.message(1, () => {
      id(1, 7n);
      w.message(2, () => {
        w.text(1, 'runtime.spawn');
        w.text(2, 'tokio::task');
        for (const name of ['kind', 'task.name', 'task.id', 'size.bytes', 'original_size.bytes']) w.text(7, name);
      });
    });
  });
  return w.finish();
}

/** A whole recording; `reconnect` between two updates is a connection that was lost and made again. */
export function consoleRecording(parts: readonly (DrawnUpdate | 'reconnect')[]): Uint8Array {
  const unixNs = (ms: number): bigint => BigInt(ZERO_SECONDS) * 1_000_000_000n + BigInt(Math.round(ms * 1e6));
  const connected = consoleJsonFrame(ConsoleFrame.connected, { unixNs: unixNs(0).toString(), pid: 77 });
  const ended = consoleJsonFrame(ConsoleFrame.ended, { unixNs: unixNs(0).toString(), why: 'the connection was reset' });
  return Buffer.concat([
    Buffer.from(CONSOLE_MAGIC),
    consoleJsonFrame(ConsoleFrame.header, { address: '127.0.0.1:6669', startedUnixNs: unixNs(0).toString() }),
    connected,
    ...parts.flatMap(part =>
      part === 'reconnect' ? [ended, connected] : [consoleUpdateFrame(unixNs(part.now), consoleUpdate(part))],
    ),
  ]);
}
