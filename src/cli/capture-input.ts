import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TprofError } from '../base/errors.ts';
import { CaptureFile, type CaptureManifest } from '../model/capture.ts';
import type { TraceBuilder } from '../model/trace-builder.ts';

/** Reads `capture.json`; a folder without one is not a capture, and the message says what is in it instead. */
export async function readCaptureManifest(directory: string, name: string): Promise<CaptureManifest> {
  let text: string;
  try {
    text = await readFile(join(directory, CaptureFile.manifest), 'utf8');
  } catch (cause) {
    const files = (await readdir(directory)).sort();
    const usable = files.filter(file => /\.(jsonl?|pb|cpuprofile|data)(\.gz|\.zst)?$/.test(file));
    throw new TprofError(
      'input-invalid',
      `${name}: expected a capture, found a folder without capture.json (${files.length === 0 ? 'it is empty' : `it holds ${files.slice(0, 4).join(', ')}${files.length > 4 ? ', …' : ''}`})`,
      usable.length === 0
        ? { cause }
        : {
            cause,
            hint: `name its files instead: ${usable
              .slice(0, 6)
              .map(f => join(name, f))
              .join(' ')}`,
          },
    );
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw new TprofError(
      'input-invalid',
      `${join(name, CaptureFile.manifest)}: expected JSON, found something damaged`,
      { cause },
    );
  }
  const schema = (manifest as { schema?: unknown } | null)?.schema;
  if (schema !== 'tprof.capture/1') {
    throw new TprofError(
      'input-invalid',
      `${join(name, CaptureFile.manifest)}: expected the schema tprof.capture/1, found ${String(schema)}`,
      { hint: 'a newer tprof wrote it: npm install -g tprof@latest' },
    );
  }
  return manifest as CaptureManifest;
}

/** Lines of `raw/otlp/index.jsonl`. */
interface OtlpIndexLine {
  readonly signal: 'traces' | 'logs' | 'metrics';
  /** Absent where the capture was made of files that do not say. */
  readonly arrival?: string;
  readonly pid?: number;
  readonly startTime?: string;
}

export interface OtlpIndex {
  /** For the format's reader: process and arrival of the n-th request of this file. */
  processOf(
    file: string,
    builder: TraceBuilder,
  ): (request: number) => { readonly process: number; readonly arrivalNs: number | undefined };
}

/** The receiver's notes on each export request; a capture without them (or with a cut last line) still opens. */
export async function readOtlpIndex(directory: string, manifest: CaptureManifest): Promise<OtlpIndex> {
  const lines: OtlpIndexLine[] = [];
  try {
    for (const line of (await readFile(join(directory, CaptureFile.otlpIndex), 'utf8')).split('\n')) {
      if (line === '') continue;
      try {
        lines.push(JSON.parse(line) as OtlpIndexLine);
      } catch {
        // The last line of an interrupted recording: its request is read without a process.
      }
    }
  } catch {
    // Spans alone, from an older or foreign capture.
  }
  const nameOf = new Map(manifest.processes.map(process => [process.pid, process.name]));
  return {
    processOf(file, builder) {
      const ofFile = lines.filter(line => file.endsWith(`${line.signal}.pb`));
      return request => {
        const line = ofFile[request];
        if (line === undefined) return { process: 0, arrivalNs: undefined };
        const pid = line.pid ?? 0;
        const process = builder.process({ pid, key: line.startTime ?? '', name: nameOf.get(pid) ?? '' });
        return {
          process,
          arrivalNs: line.arrival === undefined ? undefined : builder.timeOfUnixNs(BigInt(line.arrival)),
        };
      };
    },
  };
}
