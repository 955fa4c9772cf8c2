import { closeSync, openSync, writeSync } from 'node:fs';
import { OtlpEncoder } from '../../src/formats/otlp-encode.ts';

/** One recorded signal: OTLP JSON, one export request a line. */
export interface RecordedSignal {
  readonly signal: 'traces' | 'logs';
  readonly text: string;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Attributes whose value names a task, a step or a request: what is different in every run. */
const NAMING =
  /"key":"(?:[a-z.]*task_uuid|[a-z._]*step_uuid|correlation_id|[a-z.]*step_uuids|[a-z.]*depends_on)","value":\{[^\]]*?\}/g;
/** What Tasker's exporter puts on every span beside what the span says. */
const SDK_ATTRIBUTES = [
  '{"key":"code.file.path","value":{"stringValue":"crates/tasker-orchestration/src/orchestration/run.rs"}}',
  '{"key":"code.module.name","value":{"stringValue":"tasker_orchestration::orchestration::run"}}',
  '{"key":"code.line.number","value":{"intValue":"143"}}',
  '{"key":"thread.id","value":{"intValue":"2"}}',
  '{"key":"thread.name","value":{"stringValue":"tokio-runtime-worker"}}',
  '{"key":"busy_ns","value":{"intValue":"877360"}}',
  '{"key":"idle_ns","value":{"intValue":"7760427"}}',
].join(',');

/**
 * Writes a short recording many times over, one after the other, as one long one (framed protobuf): each copy has its
 * own times, tasks, steps, messages, traces and spans. `dress`: adds the attributes that every exporter adds.
 */
export function repeatRecording(
  file: string,
  signals: readonly RecordedSignal[],
  copies: number,
  { dress }: { readonly dress: boolean },
): void {
  const all = signals.map(({ signal, text }) => ({ signal, lines: text.split('\n').filter(line => line !== '') }));
  let [first, last] = [1n << 63n, 0n];
  const names = new Set<string>();
  for (const line of all.flatMap(({ lines }) => lines)) {
    for (const [, digits] of line.matchAll(/UnixNano":"?(\d{19})/g)) {
      const time = BigInt(digits!);
      if (time < first) first = time;
      if (time > last) last = time;
    }
    // Publishers' ids live as long as their process does.
    for (const [value] of line.matchAll(NAMING)) {
      if (!value.includes('pub_')) for (const [uuid] of value.matchAll(UUID)) names.add(uuid);
    }
  }
  const lengthNs = last - first + 1_000_000_000n;
  const encoder = new OtlpEncoder();
  const descriptor = openSync(file, 'w');
  for (let copy = 0; copy < copies; copy++) {
    const other = (hex: string): string => ((Number.parseInt(hex, 16) ^ copy) >>> 0).toString(16).padStart(8, '0');
    const shift = lengthNs * BigInt(copy);
    for (const { signal, lines } of all) {
      for (const line of lines) {
        const moved = line
          .replace(UUID, uuid => (names.has(uuid) ? other(uuid.slice(0, 8)) + uuid.slice(8) : uuid))
          .replace(/"traceId":"(\w{8})(\w{24})"/g, (_, a: string, b: string) => `"traceId":"${other(a)}${b}"`)
          .replace(
            /"(spanId|parentSpanId)":"(\w{8})(\w{8})"/g,
            (_, key: string, a: string, b: string) => `"${key}":"${other(a)}${b}"`,
          )
          .replace(/UnixNano":"(\d{19})"/g, (_, time: string) => `UnixNano":"${BigInt(time) + shift}"`)
          .replace(/msg_id: (\d+)/g, (_, id: string) => `msg_id: ${Number(id) + copy * 1000}`)
          .replace(
            /"key":"((?:messaging\.message\.|message_|msg_)id)","value":\{"(\w+Value)":"(\d{1,12})"/g,
            (_, key: string, type: string, id: string) =>
              `"key":"${key}","value":{"${type}":"${Number(id) + copy * 1000}"`,
          );
        const full = dress && signal === 'traces' ? dressed(moved) : moved;
        const message = encoder.encode(signal, Buffer.from(full));
        const length = Buffer.alloc(4);
        length.writeUInt32BE(message.length);
        writeSync(descriptor, Buffer.concat([length, message]));
      }
    }
  }
  closeSync(descriptor);
}

/** Attributes of spans stand behind their times; those of resources do not. */
function dressed(line: string): string {
  return line.replace(/("endTimeUnixNano":"\d+",)"attributes":\[(\]?)/g, (_, before: string, empty: string) =>
    empty === '' ? `${before}"attributes":[${SDK_ATTRIBUTES},` : `${before}"attributes":[${SDK_ATTRIBUTES}]`,
  );
}
