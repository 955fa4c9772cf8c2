import { copyFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordBatches } from '../../src/formats/perf-data-batches.ts';
import { readPerfHeader } from '../../src/formats/perf-data-header.ts';
import { RecordType } from '../../src/formats/perf-data-record.ts';
import { fileSource } from '../file-source.ts';
import type { ProfilerArtefact, ProfilerHarvest } from './profiler.ts';

/**
 * What `perf record` and the runtimes under it left: the recording, copies of the perf maps of its processes (the maps
 * stay in /tmp, where perf itself looks for them), and V8's isolate logs, which are moved out of the working folder.
 */
export async function collectPerfFiles(
  rawDirectory: string,
  dataFile: string,
  startedMs: number,
  workingDirectory: string,
): Promise<ProfilerHarvest> {
  const data = join(rawDirectory, dataFile);
  const size = sizeOf(data);
  if (size === undefined || size === 0) {
    return { artefacts: [], losses: [{ what: 'profile', count: 1, why: 'perf left no recording' }] };
  }
  const artefacts: ProfilerArtefact[] = [{ file: dataFile, format: 'perf-data', pid: 0, tid: 0 }];
  const maps = scratchFiles(tmpdir(), /^perf-(\d+)\.map$/, startedMs);
  const logs = scratchFiles(workingDirectory, /^isolate-?0x[0-9a-f]+-(\d+)-v8\.log$/, startedMs);
  if (maps.length + logs.length === 0) return { artefacts, losses: [] };
  const ours = await recordedPids(data);
  const losses: { what: string; count: number; why: string }[] = [];
  for (const { path, name, pid } of maps) {
    if (!ours.has(pid)) continue;
    try {
      copyFileSync(path, join(rawDirectory, name));
      artefacts.push({ file: name, format: undefined, pid, tid: 0 });
    } catch (error) {
      losses.push({ what: 'perf map', count: 1, why: (error as Error).message });
    }
  }
  for (const { path, name, pid } of logs) {
    if (!ours.has(pid)) continue;
    move(path, join(rawDirectory, name));
    artefacts.push({ file: name, format: undefined, pid, tid: 0 });
  }
  return { artefacts, losses };
}

function scratchFiles(
  folder: string,
  pattern: RegExp,
  sinceMs: number,
): { readonly path: string; readonly name: string; readonly pid: number }[] {
  const found: { path: string; name: string; pid: number }[] = [];
  for (const name of readdirSync(folder)) {
    const pid = pattern.exec(name)?.[1];
    if (pid === undefined) continue;
    const path = join(folder, name);
    // File systems keep times in steps of up to two seconds.
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() === true && stat.mtimeMs >= sinceMs - 2000) found.push({ path, name, pid: Number(pid) });
  }
  return found.sort((a, b) => a.pid - b.pid);
}

/** Processes of a recording: other runs on this machine write perf maps too. */
async function recordedPids(path: string): Promise<Set<number>> {
  const pids = new Set<number>();
  const source = await fileSource(path);
  const header = await readPerfHeader(source);
  for await (const { view, offsets } of recordBatches(source, header, () => {})) {
    for (const offset of offsets) {
      const type = view.getUint32(offset, header.littleEndian);
      if (type === RecordType.comm || type === RecordType.fork)
        pids.add(view.getInt32(offset + 8, header.littleEndian));
    }
  }
  return pids;
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // Another file system.
    copyFileSync(from, to);
    rmSync(from, { force: true });
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
