import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Source } from '../../base/source.ts';
import { rewriteOtlpRequest } from '../../formats/otlp-rewrite.ts';
import { writeOtlpRequests } from '../../formats/otlp-write.ts';
import { writeSpeedscope } from '../../formats/speedscope-write.ts';
import { CaptureFile, type CaptureManifest } from '../../model/capture.ts';
import type { Profile } from '../../model/profile.ts';
import type { Trace } from '../../model/trace.ts';
import { learnFromRows, learnFromTrace } from '../../redaction/learn.ts';
import { redactProfile } from '../../redaction/redact-profile.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { writeFileWhole } from '../output.ts';
import { beginManifest } from '../record/manifest-draft.ts';
import { readRowsDocument } from '../rows-input.ts';
import { otlpRewriter } from './redact-capture.ts';

/** Files that were given one by one: a trace, profiles, rows of the database. */
export interface BareInput {
  readonly names: readonly string[];
  readonly trace: Trace | undefined;
  readonly profiles: readonly Profile[];
  readonly rows: Source | undefined;
}

/**
 * Makes a capture of bare files, without their secrets: so that whoever gets them opens them as any capture. It claims
 * nothing that the files do not say: no host, no clock, no exit code.
 */
export async function redactBareInput(input: BareInput, target: string, redactor: Redactor): Promise<CaptureManifest> {
  await mkdir(join(target, 'raw', 'otlp'), { recursive: true });
  const rows = input.rows === undefined ? undefined : await readRowsDocument(input.rows);
  // Everything is seen before anything is written: a log record may tell a value before the payload does.
  if (rows !== undefined) learnFromRows(rows, redactor);
  if (input.trace !== undefined) learnFromTrace(input.trace, redactor);
  const counts = input.trace === undefined ? { requests: 0 } : await writeTrace(input.trace, target, redactor);
  const profiles: CaptureManifest['profiles'][number][] = [];
  for (const [i, profile] of input.profiles.entries()) {
    const file = `raw/profiles/${i + 1}.speedscope.json`;
    await writeFileWhole(join(target, file), writeSpeedscope(redactProfile(profile, redactor), {}));
    profiles.push({ file, format: 'speedscope', pid: 0, tid: 0 });
  }
  if (rows !== undefined) {
    await writeFile(join(target, CaptureFile.rows), `${JSON.stringify(redactor.rows(rows))}\n`);
  }
  const names = input.names.map(name => redactor.text(basename(name)));
  // Not who made it: the same files give the same archive, by which a posted comment is known again.
  const { recorder: _, ...begun } = beginManifest(names.join(' '), [], new Date(0));
  const manifest: CaptureManifest = {
    ...begun,
    complete: true,
    startedAt: '',
    host: { platform: '', release: '', arch: '', cpus: 0, cpuModel: '', memoryBytes: 0, node: '' },
    clocks: [],
    profiles,
    spans: {
      accepted: input.trace?.spans.length ?? 0,
      logs: input.trace?.logs.length ?? 0,
      metrics: 0,
      requests: counts.requests,
    },
    self: { cpuUserNs: 0, cpuSystemNs: 0, peakRssBytes: 0 },
  };
  await writeFileWhole(join(target, CaptureFile.manifest), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

async function writeTrace(trace: Trace, target: string, redactor: Redactor): Promise<{ requests: number }> {
  const rewriter = otlpRewriter(redactor);
  const parts = { traces: [] as Uint8Array[], logs: [] as Uint8Array[] };
  const offsets = { traces: 0, logs: 0 };
  const index: string[] = [];
  for (const { signal, bytes, process, arrivalNs } of writeOtlpRequests(trace)) {
    const rewritten = rewriteOtlpRequest(bytes, signal, rewriter).bytes;
    const header = Buffer.alloc(4);
    header.writeUInt32BE(rewritten.length);
    parts[signal].push(header, rewritten);
    const { pid } = trace.processes[process]!;
    const arrival = arrivalNs === undefined ? {} : { arrival: String(trace.epochNs + BigInt(Math.round(arrivalNs))) };
    const peer = pid === 0 ? {} : { pid };
    index.push(
      JSON.stringify({
        signal,
        offset: offsets[signal],
        length: rewritten.length,
        ...arrival,
        transport: 'file',
        ...peer,
      }),
    );
    offsets[signal] += 4 + rewritten.length;
  }
  await writeFile(join(target, CaptureFile.traces), parts.traces);
  await writeFile(join(target, CaptureFile.logs), parts.logs);
  await writeFile(join(target, CaptureFile.otlpIndex), index.map(line => `${line}\n`).join(''));
  return { requests: index.length };
}
