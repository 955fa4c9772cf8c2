import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CaptureFile, type CaptureManifest } from '../src/model/capture.ts';
import { diskFailure } from './disk-failure.ts';

/**
 * Writes `capture.json` whole or not at all: beside it first, synced, then renamed over it. A recording writes it with
 * `complete: false` before anything else, so that a killed one leaves a capture that says what it is.
 */
export async function writeManifest(directory: string, manifest: CaptureManifest): Promise<void> {
  const path = join(directory, CaptureFile.manifest);
  const partial = `${path}.${process.pid}.partial`;
  try {
    const file = await open(partial, 'w');
    try {
      await file.writeFile(`${JSON.stringify(manifest, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    throw diskFailure(path, cause);
  }
}

/** The manifest of a folder, or undefined where the folder is not a capture. */
export async function readManifest(directory: string): Promise<CaptureManifest | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(directory, CaptureFile.manifest), 'utf8'));
    return isManifest(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): value is CaptureManifest {
  return typeof value === 'object' && value !== null && (value as { schema?: unknown }).schema === 'tprof.capture/1';
}
