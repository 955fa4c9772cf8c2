import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaptureManifest } from '../src/model/capture.ts';
import { readManifest } from './capture-manifest.ts';
import { diskFailure } from './disk-failure.ts';
import { isSameProcess } from './process-table.ts';

export interface ListedCapture {
  readonly directory: string;
  /** Name of its folder. */
  readonly name: string;
  readonly manifest: CaptureManifest;
  readonly bytes: number;
  /** The tprof that writes it still runs. */
  readonly recording: boolean;
}

/** The captures directly below `root`, newest first; what is no capture is not listed. */
export async function listCaptures(root: string): Promise<ListedCapture[]> {
  let names: string[];
  try {
    names = await readdir(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw diskFailure(root, error);
  }
  const captures: ListedCapture[] = [];
  for (const name of names) {
    const directory = join(root, name);
    const manifest = await readManifest(directory);
    if (manifest === undefined) continue;
    const recording = !manifest.complete && manifest.recorder !== undefined && isSameProcess(manifest.recorder);
    captures.push({ directory, name, manifest, bytes: await sizeOf(directory), recording });
  }
  return captures.sort((a, b) => {
    const [x, y] = [a.manifest.startedAt, b.manifest.startedAt];
    return x === y ? (a.name < b.name ? -1 : 1) : x < y ? 1 : -1;
  });
}

/** Removes a capture, and refuses what is none: asked again right before, since much can happen in between. */
export async function removeCapture(directory: string): Promise<boolean> {
  const stat = await lstat(directory).catch(() => undefined);
  if (stat?.isDirectory() !== true || (await readManifest(directory)) === undefined) return false;
  try {
    await rm(directory, { recursive: true });
  } catch (error) {
    throw diskFailure(directory, error);
  }
  return true;
}

/** Bytes of all files below a folder, without following links. */
async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  const pending = [directory];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile()) bytes += (await lstat(path).catch(() => undefined))?.size ?? 0;
    }
  }
  return bytes;
}
