import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes, formatCount } from '../../src/base/format-units.ts';
import { OtlpEncoder } from '../../src/formats/otlp-encode.ts';
import { median } from './interleave.ts';

const ROUNDS = 5;
const PER_REQUEST = 512;

interface Read {
  readonly spans: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakRssBytes: number;
}

/**
 * How fast OTLP becomes a trace, beside JSON.parse of the same bytes. Each read is a process of its own, in turn; rates
 * are per second of CPU time of the reading thread, cold start included (compiling and collecting on other threads are
 * not): less moved by what else the machine does than wall time is.
 * `OTLP_BENCH_SPANS` sets the size: 10000000 shows the memory that ten million spans take.
 */
export async function bench(): Promise<void> {
  const spans = Number(process.env.OTLP_BENCH_SPANS ?? 300_000);
  const folder = mkdtempSync(join(tmpdir(), 'tprof-bench-'));
  try {
    const json = join(folder, 'traces.jsonl');
    const protobuf = join(folder, 'traces.pb');
    write(json, protobuf, spans);
    process.stdout.write(
      `${formatCount(spans)} spans of 8 attributes, an event on every fifth: ` +
        `${formatBytes(statSync(protobuf).size)} protobuf, ${formatBytes(statSync(json).size)} JSON\n`,
    );
    const contenders: [name: string, mode: string, file: string][] = [
      ['OTLP protobuf to trace', 'tprof', protobuf],
      ['OTLP JSON to trace', 'tprof', json],
      ['JSON.parse, line by line', 'JSON.parse', json],
    ];
    const reads = new Map<string, Read[]>(contenders.map(([name]) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, mode, file] of contenders) reads.get(name)!.push(read(mode, file));
    }
    for (const [name, list] of reads) {
      const of = (pick: (r: Read) => number): number => median(list.map(pick));
      const perSecond = formatCount((spans / of(r => r.cpuMs)) * 1000).padStart(11);
      const wall = `${(of(r => r.wallMs) / 1000).toFixed(2)} s wall`.padStart(12);
      const cpu = `${(of(r => r.cpuMs) / 1000).toFixed(2)} s CPU`.padStart(12);
      process.stdout.write(
        `${name.padEnd(26)}${perSecond} spans/s${cpu}${wall}  ${formatBytes(of(r => r.peakRssBytes))} peak\n`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function read(mode: string, file: string): Read {
  const script = fileURLToPath(new URL('./otlp-read.ts', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, mode, file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Read;
}

/** The same requests as JSON lines and as framed protobuf: names of a workflow system, ids that differ. */
function write(json: string, protobuf: string, spans: number): void {
  const encoder = new OtlpEncoder();
  for (let first = 0; first < spans; first += PER_REQUEST) {
    const count = Math.min(PER_REQUEST, spans - first);
    const list = Array.from({ length: count }, (_, i) => spanJson(first + i)).join(',');
    const line = Buffer.from(
      `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"orchestration"}}]},"scopeSpans":[{"scope":{"name":"tasker"},"spans":[${list}]}]}]}\n`,
    );
    appendFileSync(json, line);
    const message = encoder.encode('traces', line);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    appendFileSync(protobuf, Buffer.concat([length, message]));
  }
}

const NAMES = ['get_next_ready_tasks', 'enqueue', 'claim', 'transition', 'send', 'receive', 'handle', 'submit'];

function spanJson(n: number): string {
  const hex = (value: number, length: number): string => value.toString(16).padStart(length, '0');
  const text = (key: string, value: string): string => `{"key":"${key}","value":{"stringValue":"${value}"}}`;
  const int = (key: string, value: number): string => `{"key":"${key}","value":{"intValue":"${value}"}}`;
  const start = 1795227665534213880n + BigInt(n) * 1000n;
  const attributes = [
    text('db.system.name', 'postgresql'),
    text('db.query.text', `SELECT * FROM workflow_steps WHERE step_uuid = $1 AND attempts < ${n % 19}`),
    text('task_uuid', `0192f0a0-7b1c-7def-8a9b-${hex(n >> 6, 12)}`),
    text('step_uuid', `0192f0a0-7b1c-7def-9a9b-${hex(n >> 4, 12)}`),
    int('busy_ns', (n * 37) % 1_000_003),
    int('idle_ns', (n * 91) % 10_000_019),
    int('thread.id', 3),
    '{"key":"sampled","value":{"boolValue":true}}',
  ].join(',');
  const events =
    n % 5 === 0
      ? `,"events":[{"timeUnixNano":"${start + 900n}","name":"rows","attributes":[${int('rows', n % 7)}]}]`
      : '';
  return `{"traceId":"${hex(0xabcd, 8)}${hex(n >> 4, 24)}","spanId":"${hex(n + 1, 16)}","parentSpanId":"${n % 16 === 0 ? '' : hex(n, 16)}","name":"${NAMES[n % 8]}","kind":3,"startTimeUnixNano":"${start}","endTimeUnixNano":"${start + 40_000n}","attributes":[${attributes}]${events}}`;
}
