import { TprofError } from '../../src/base/errors.ts';
import { memorySource } from '../../src/base/source.ts';
import type { Format } from '../../src/formats/format.ts';
import { checkProfile, checkTrace } from '../../src/model/integrity.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';

/** Rows that one byte of input may at most become, and rows that any input may have: a bound on memory. */
const ROWS_A_BYTE = 8;
const ROWS_ANYWAY = 10_000;

/**
 * Reads `bytes` as `format`: a sound model or a `TprofError` is fine, everything else throws. Models that are larger
 * than their input can explain throw as well.
 */
export async function tryRead(format: Format, bytes: Uint8Array): Promise<'read' | 'refused'> {
  try {
    const rows = await rowsOf(format, bytes);
    if (rows > ROWS_ANYWAY + ROWS_A_BYTE * bytes.length) throw new Error(`${rows} rows out of ${bytes.length} bytes`);
    return 'read';
  } catch (error) {
    if (error instanceof TprofError) return 'refused';
    throw error;
  }
}

async function rowsOf(format: Format, bytes: Uint8Array): Promise<number> {
  const source = memorySource('mutated', bytes);
  if (format.kind === 'trace') {
    const builder = new TraceBuilder('mutated');
    await format.read(source, builder, {});
    const trace = builder.finish();
    checkTrace(trace);
    return trace.spans.length + trace.logs.length + trace.attributes.length + trace.strings.length;
  }
  if (format.read === undefined) return 0;
  const profile = await format.read(source, {});
  checkProfile(profile);
  return profile.samples.length + profile.stacks.length + profile.frames.length + profile.strings.length;
}
