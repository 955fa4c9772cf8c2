/** OTLP, as requests on disk: https://opentelemetry.io/docs/specs/otlp/ and its file exporters' framings. */
import { zstdDecompressSync } from 'node:zlib';
import { ByteWindow } from '../base/byte-window.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import type { TraceBuilder } from '../model/trace-builder.ts';
import type { TraceFormat, TraceReadOptions } from './format.ts';
import { type OtlpFraming, otlpFraming } from './otlp-framing.ts';
import { OtlpJson, readOtlpJson } from './otlp-json.ts';
import { OtlpProtobuf } from './otlp-protobuf.ts';
import { OtlpSink } from './otlp-sink.ts';
import { MalformedProtobuf } from './protobuf-cursor.ts';

/** A length beyond this is not a length: requests are a few megabytes, and receivers stop at 64. */
const LONGEST_FRAME = 1 << 30;

export const otlp: TraceFormat = {
  kind: 'trace',
  id: 'otlp',
  title: 'OpenTelemetry (OTLP) traces and logs, as JSON or protobuf',
  recognisedBy: '"resourceSpans", "resourceLogs" or "batches" in JSON; nested tags of an export request in protobuf',
  extensions: ['.jsonl', '.json', '.pb', '.otlp'],
  detect: head => otlpFraming(head)?.sureness ?? 0,
  read: readOtlp,
};

async function readOtlp(source: Source, builder: TraceBuilder, options: TraceReadOptions): Promise<void> {
  if (source.head.length === 0) throw notOtlp(source, 'nothing: it is empty');
  const framing = otlpFraming(source.head)?.framing;
  if (framing === undefined) throw notOtlp(source, 'something else');
  const sink = new OtlpSink(builder, options);
  const window = new ByteWindow(source, options.onProgress);
  try {
    if (framing === 'json') await readOtlpJson(source.name, window, sink);
    else await readProtobuf(source, framing, window, sink);
  } finally {
    await window.close();
  }
}

async function readProtobuf(
  source: Source,
  framing: Exclude<OtlpFraming, 'json'>,
  window: ByteWindow,
  sink: OtlpSink,
): Promise<void> {
  const decoder = new OtlpProtobuf(sink);
  const before = recordCount(sink);
  const damages: string[] = [];
  const damage = (what: string): unknown => damages.push(`near byte ${window.offset}: ${what}`);
  let good = 0;
  if (framing === 'bare') sink.beginRequest();
  while (await window.need(1)) {
    const length = await frameLength(framing, window);
    if (length === undefined || length > LONGEST_FRAME) {
      damage(length === undefined ? 'it ends inside a length' : 'a length makes no sense');
      break;
    }
    const whole = await window.need(length);
    const end = window.pos + Math.min(length, window.available);
    try {
      if (framing === 'bare') decoder.resourcePart(window.bytes, window.pos, end, !whole);
      else readFrame(source, decoder, sink, window.bytes.subarray(window.pos, end), !whole);
      if (whole) good++;
      else damage('it ends inside a request');
    } catch (error) {
      if (!(error instanceof MalformedProtobuf)) throw error;
      damage(whole ? 'a request in it is not well formed' : 'it ends inside a request');
    }
    window.pos = end;
  }
  if (damages.length > 0 && good === 0 && recordCount(sink) === before) {
    throw new TprofError('input-invalid', `${source.name}: expected OTLP requests, and none is whole: ${damages[0]}`, {
      hint: 'the file is cut off or not OTLP: record or export it again',
    });
  }
  for (const example of damages) {
    sink.builder.warnings.add(
      'damaged-input',
      'the input is damaged: what could be read is used, the rest is missing',
      { example: `${source.name}, ${example}` },
    );
  }
}

function recordCount({ builder }: OtlpSink): number {
  return builder.spanCount + builder.logCount;
}

/** Consumes what stands before a message; undefined where the source ends inside it. */
async function frameLength(framing: OtlpFraming, window: ByteWindow): Promise<number | undefined> {
  if (framing === 'length32') {
    if (!(await window.need(4))) return undefined;
    const { bytes, pos } = window;
    window.pos += 4;
    return bytes[pos]! * 0x100_0000 + ((bytes[pos + 1]! << 16) | (bytes[pos + 2]! << 8) | bytes[pos + 3]!);
  }
  // Bare messages are read field by field: one field of a request is one resource's part.
  if (framing === 'bare' && window.bytes[window.pos++] !== 0x0a) return Number.POSITIVE_INFINITY;
  let length = 0;
  for (let scale = 1; scale < 2 ** 49; scale *= 128) {
    if (!(await window.need(1))) return undefined;
    const byte = window.bytes[window.pos++]!;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return length;
  }
  return Number.POSITIVE_INFINITY;
}

/** One framed message: protobuf, or what the collector's file exporter puts there when it compresses. */
function readFrame(source: Source, decoder: OtlpProtobuf, sink: OtlpSink, frame: Uint8Array, cut: boolean): void {
  let message = frame;
  if (frame[0] === 0x28 && frame[1] === 0xb5 && frame[2] === 0x2f && frame[3] === 0xfd) {
    try {
      message = new Uint8Array(zstdDecompressSync(frame));
    } catch {
      throw new MalformedProtobuf();
    }
  }
  if (message[0] === 0x7b) {
    // The scanner wants a 0 behind the text.
    const text = new Uint8Array(message.length + 1);
    text.set(message);
    const json = new OtlpJson(source.name, sink);
    json.run(text, 0, message.length, true, 0);
    json.finish();
    return;
  }
  sink.beginRequest();
  decoder.request(message, 0, message.length, cut);
}

function notOtlp(source: Source, found: string): TprofError {
  return new TprofError(
    'input-invalid',
    `${source.name}: expected OTLP traces or logs (JSON or protobuf), found ${found}`,
    { hint: 'tprof formats lists what can be read and how it is recognised' },
  );
}
