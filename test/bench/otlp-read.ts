// One read in a process of its own, so that its memory and start-up are its own: prints a line of JSON.
import { createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs';
import type { Source } from '../../src/base/source.ts';
import { HEAD_BYTES } from '../../src/base/source.ts';
import { otlp } from '../../src/formats/otlp.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';

const [mode, path] = process.argv.slice(2) as [string, string];
const began = performance.now();
const cpu = process.threadCpuUsage();
let spans = 0;
if (mode === 'JSON.parse') {
  for (const line of linesOf(path)) {
    const request = JSON.parse(line) as { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] };
    for (const r of request.resourceSpans) for (const s of r.scopeSpans) spans += s.spans.length;
  }
} else {
  const builder = new TraceBuilder(path);
  await otlp.read(fileSource(path), builder, {});
  spans = builder.finish().spans.length;
}
const wallMs = performance.now() - began;
const { user, system } = process.threadCpuUsage(cpu);
const peakRssBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ spans, wallMs, cpuMs: (user + system) / 1000, peakRssBytes }));

function fileSource(name: string): Source {
  const head = Buffer.alloc(HEAD_BYTES);
  const length = readSync(openSync(name, 'r'), head);
  return {
    name,
    size: statSync(name).size,
    head: head.subarray(0, length),
    chunks: () => createReadStream(name, { highWaterMark: 1 << 20 }),
    range: () => Promise.reject(new Error('not needed here')),
  };
}

/** Lines of a file that may be larger than a string: what a careful user of JSON.parse would do. */
function* linesOf(name: string): Generator<string> {
  const bytes = readFileSync(name);
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    yield bytes.toString('utf8', at, end);
    at = end + 1;
  }
}
