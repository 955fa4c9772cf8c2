import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileSource } from '../../../collectors/file-source.ts';
import { TprofError } from '../../base/errors.ts';
import { type OtlpSignal, type OtlpTextRewriter, rewriteOtlpRequest } from '../../formats/otlp-rewrite.ts';
import { writeSpeedscope } from '../../formats/speedscope-write.ts';
import { CaptureFile, type CaptureManifest } from '../../model/capture.ts';
import { learnFromRows, learnFromTrace } from '../../redaction/learn.ts';
import { redactProfile } from '../../redaction/redact-profile.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { CaptureModels } from '../capture-models.ts';
import { formatById, readProfileSource } from '../inputs.ts';
import { writeFileWhole } from '../output.ts';
import { readRowsDocument } from '../rows-input.ts';
import { redactConsole } from './redact-console.ts';
import { redactProbeLog } from './redact-probe-log.ts';

/** What was not taken along, and why: named in the comment. */
export interface LeftOut {
  readonly file: string;
  readonly why: string;
}

export interface RedactedCapture {
  readonly manifest: CaptureManifest;
  readonly leftOut: readonly LeftOut[];
}

/** Files of text that a redactor can go through whole. */
const TEXT = new Set([
  '.json',
  '.jsonl',
  '.cpuprofile',
  '.heapprofile',
  '.txt',
  '.log',
  '.md',
  '.collapsed',
  '.folded',
  '.csv',
]);

/**
 * Copies what was recorded, without its secrets. What cannot be gone through (binary recordings, pages with packed
 * data) stays behind; a profile in such a file is written again as speedscope JSON.
 */
export async function redactCapture(
  source: string,
  manifest: CaptureManifest,
  target: string,
  redactor: Redactor,
): Promise<RedactedCapture> {
  const leftOut: LeftOut[] = [];
  const profiles: CaptureManifest['profiles'][number][] = [];
  await mkdir(join(target, 'raw', 'otlp'), { recursive: true });
  await learn(source, manifest, redactor);
  await redactOtlp(source, target, redactor, leftOut);
  if (existsSync(join(source, CaptureFile.rows))) {
    const rows = await readRowsDocument(await fileSource(join(source, CaptureFile.rows)));
    await writeFile(join(target, CaptureFile.rows), `${JSON.stringify(redactor.rows(rows))}\n`);
  }
  const taken = new Set<string>();
  for (const entry of manifest.profiles) {
    const name = redactor.text(entry.file);
    if (TEXT.has(extname(entry.file))) {
      await copyText(join(source, entry.file), join(target, name), redactor);
      profiles.push({ ...entry, file: name });
    } else {
      const file = `${name}.speedscope.json`;
      await rewriteProfile(join(source, entry.file), entry.format, join(target, file), redactor);
      profiles.push({ ...entry, file, format: 'speedscope' });
      leftOut.push({ file: name, why: `a binary recording cannot be redacted; its profile is in ${file}` });
    }
    taken.add(entry.file);
  }
  const asyncTasks: NonNullable<CaptureManifest['asyncTasks']>[number][] = [];
  for (const entry of manifest.asyncTasks ?? []) {
    const file = redactor.text(entry.file);
    if (!existsSync(join(source, entry.file))) {
      leftOut.push({ file, why: 'the capture does not have it any more' });
      continue;
    }
    await mkdir(dirname(join(target, file)), { recursive: true });
    const { unknownFields, damaged } = await redactConsole(join(source, entry.file), join(target, file), redactor);
    if (unknownFields > 0) {
      leftOut.push({ file, why: `${unknownFields} fields that this version of the protocol does not know` });
    }
    if (damaged > 0) leftOut.push({ file, why: `${damaged} records that are damaged` });
    asyncTasks.push({ ...entry, file, address: redactor.text(entry.address) });
    taken.add(entry.file);
  }
  for (const file of await filesBelow(join(source, CaptureFile.raw))) {
    const path = join(CaptureFile.raw, file);
    if (path.startsWith(join('raw', 'otlp')) || taken.has(path)) continue;
    if (path.startsWith(join('raw', 'probes')) && extname(path) === '.jsonl') {
      const text = redactProbeLog(await readFile(join(source, path), 'utf8'), redactor);
      await writeFileWhole(join(target, path), text);
    } else if (TEXT.has(extname(path))) await copyText(join(source, path), join(target, redactor.text(path)), redactor);
    else leftOut.push({ file: redactor.text(path), why: 'it cannot be gone through for secrets' });
  }
  const redacted: CaptureManifest = {
    ...(redactor.document(manifest) as CaptureManifest),
    command: redactor.words(manifest.command),
    processes: manifest.processes.map(process => ({
      ...process,
      name: redactor.text(process.name),
      command: redactor.words(process.command),
    })),
    profiles,
    ...(asyncTasks.length === 0 ? {} : { asyncTasks }),
  };
  await writeFileWhole(join(target, CaptureFile.manifest), `${JSON.stringify(redacted, undefined, 2)}\n`);
  return { manifest: redacted, leftOut };
}

/** Everything is seen before anything is written: a log record may tell a value before the payload does. */
async function learn(source: string, manifest: CaptureManifest, redactor: Redactor): Promise<void> {
  const models = new CaptureModels(source, manifest);
  const trace = await models.trace();
  if (trace !== undefined) learnFromTrace(trace, redactor);
  if (existsSync(join(source, CaptureFile.rows))) {
    learnFromRows(await readRowsDocument(await fileSource(join(source, CaptureFile.rows))), redactor);
  }
}

/** How a redactor treats the texts of an export request. */
export function otlpRewriter(redactor: Redactor): OtlpTextRewriter {
  return {
    attribute: (key, value) => redactor.attribute(key, value),
    text: value => redactor.text(value),
    body: value => redactor.body(value),
  };
}

/** Export requests one by one, with the index rewritten, since lengths change. */
async function redactOtlp(source: string, target: string, redactor: Redactor, leftOut: LeftOut[]): Promise<void> {
  const index = await indexLines(join(source, CaptureFile.otlpIndex));
  const rewriter = otlpRewriter(redactor);
  const written: string[] = [];
  const offsets = new Map<OtlpSignal, { offset: number; parts: Uint8Array[] }>();
  const readers = new Map<OtlpSignal, AsyncGenerator<Uint8Array>>();
  for (const line of index) {
    const signal = line.signal as OtlpSignal;
    let reader = readers.get(signal);
    if (reader === undefined) {
      reader = framedRequests(join(source, `raw/otlp/${signal}.pb`));
      readers.set(signal, reader);
      offsets.set(signal, { offset: 0, parts: [] });
    }
    const next = await reader.next();
    if (next.done === true) break;
    const out = offsets.get(signal)!;
    const { bytes, unknownFields } = rewriteOtlpRequest(next.value, signal, rewriter);
    if (unknownFields > 0)
      leftOut.push({
        file: `raw/otlp/${signal}.pb`,
        why: `${unknownFields} fields that this version of the protocol does not know`,
      });
    const header = Buffer.alloc(4);
    header.writeUInt32BE(bytes.length);
    out.parts.push(header, bytes);
    written.push(JSON.stringify({ ...line, offset: out.offset, length: bytes.length }));
    out.offset += 4 + bytes.length;
  }
  for (const [signal, { parts }] of offsets) await writeFile(join(target, `raw/otlp/${signal}.pb`), parts);
  await writeFile(join(target, CaptureFile.otlpIndex), written.map(line => `${line}\n`).join(''));
}

async function indexLines(path: string): Promise<Record<string, unknown>[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap(line => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Record<string, unknown>];
    } catch {
      // A last line that was cut: its request was never acknowledged.
      return [];
    }
  });
}

/** Requests behind their 4-byte lengths; a cut last one ends the stream. */
async function* framedRequests(path: string): AsyncGenerator<Uint8Array, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of (await fileSource(path)).chunks()) {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    let at = 0;
    while (pending.length - at >= 4) {
      const length = pending.readUInt32BE(at);
      if (pending.length - at - 4 < length) break;
      yield pending.subarray(at + 4, at + 4 + length);
      at += 4 + length;
    }
    pending = pending.subarray(at);
  }
  return undefined;
}

async function rewriteProfile(path: string, format: string, target: string, redactor: Redactor): Promise<void> {
  const reader = formatById(format);
  if (reader.kind !== 'profile') throw new TprofError('input-invalid', `${path}: expected a profile, found ${format}`);
  const profile = redactProfile(await readProfileSource(await fileSource(path), reader, {}), redactor);
  await writeFileWhole(target, writeSpeedscope(profile, {}));
}

async function copyText(path: string, target: string, redactor: Redactor): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const text = await readFile(path, 'utf8');
  await writeFile(target, redactFileText(basename(path), text, redactor));
}

/** JSON is gone through string by string, so that it stays JSON; everything else line by line. */
export function redactFileText(name: string, text: string, redactor: Redactor): string {
  if (/\.(json|cpuprofile|heapprofile)$/.test(name)) {
    try {
      return `${JSON.stringify(redactor.document(JSON.parse(text)))}\n`;
    } catch {
      // Damaged JSON is text.
    }
  }
  if (name.endsWith('.jsonl')) {
    const lines = text.split('\n').map(line => {
      try {
        return line === '' ? line : JSON.stringify(redactor.document(JSON.parse(line)));
      } catch {
        return redactor.text(line);
      }
    });
    return lines.join('\n');
  }
  return redactor.text(text);
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter(entry => entry.isFile())
      .map(entry => relative(folder, join(entry.parentPath, entry.name)));
    return files.sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (await stat(folder).catch(() => undefined)) === undefined)
      return [];
    throw error;
  }
}
