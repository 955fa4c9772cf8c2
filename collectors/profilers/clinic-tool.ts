// https://github.com/clinicjs/node-clinic
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkNodeTool, findNodeTool, type NodeTool, runNodeTool } from './node-tool.ts';
import type { ProfilerArtefact, ProfilerHarvest, ProfilerRequest, ProfilerStatus } from './profiler.ts';
import { requireNodeTool } from './require-node-tool.ts';

const DRAW_WITHIN_MS = 180_000;

/** One of clinic's tools: `clinic doctor`. */
export type ClinicTool = 'doctor' | 'flame' | 'bubbleprof' | 'heapprofiler';

/** Its own version, which is another than clinic's. */
export function checkClinic(tool: ClinicTool, note: string): Promise<ProfilerStatus> {
  return checkNodeTool('clinic', [tool, '--version'], note);
}

export function requireClinic({ cwd }: ProfilerRequest): NodeTool {
  return requireNodeTool('clinic', findNodeTool('clinic', cwd));
}

/** Words up to the `--`: nothing is opened, and everything lies below `directory`. */
export function clinicArguments(tool: ClinicTool, directory: string): readonly string[] {
  return [tool, '--open=false', '--dest', directory];
}

/** Files and folders are called `PID.clinic-TOOL…`, those of a worker thread `PID-worker-TID.clinic-TOOL…`. */
export interface ClinicData {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
}

export async function listClinicData(tool: ClinicTool, directory: string): Promise<readonly ClinicData[]> {
  const found: ClinicData[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const match = new RegExp(`^(\\d+)(?:-worker-(\\d+))?\\.clinic-${tool}$`).exec(name);
    if (match !== null) found.push({ name, pid: Number(match[1]), tid: Number(match[2] ?? 0) });
  }
  return found;
}

/** Clinic's own page of the target's data; drawn now where the tool was ended before it could. */
export async function clinicPage(
  run: { readonly tool: NodeTool; readonly clinic: ClinicTool; readonly work: string },
  directory: string,
  pid: number,
): Promise<{ readonly artefacts: readonly ProfilerArtefact[]; readonly losses: ProfilerHarvest['losses'] }> {
  const data = `${pid}.clinic-${run.clinic}`;
  const page = `${data}.html`;
  let said = '';
  if (!existsSync(join(directory, page)) && existsSync(join(directory, data))) {
    const args = [run.clinic, '--open=false', '--visualize-only', join(directory, data)];
    const drawn = await runNodeTool(run.tool.script, args, { cwd: run.work, timeoutMs: DRAW_WITHIN_MS });
    said = drawn.stderr.trim().split('\n')[0] ?? '';
  }
  if (existsSync(join(directory, page))) {
    return { artefacts: [{ file: page, format: undefined, pid, tid: 0 }], losses: [] };
  }
  const why = said === '' ? 'it found no data to draw' : `it says: ${said}`;
  return { artefacts: [], losses: [{ what: `the page of clinic ${run.clinic}`, count: 1, why }] };
}
