import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNodeTool } from '../../collectors/profilers/node-tool.ts';
import type { Profiler, ProfilerRun } from '../../collectors/profilers/profiler.ts';

export const clinicSkip: { readonly skip?: string } =
  findNodeTool('clinic') === undefined ? { skip: 'clinic is not installed' } : {};

/** What a profiler would start around `command`, which it does not. */
export async function prepareAround(
  profiler: Profiler,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  use: (run: ProfilerRun) => void,
): Promise<void> {
  const rawDirectory = mkdtempSync(join(tmpdir(), 'tprof test '));
  try {
    const run = await profiler.prepare({
      command,
      pids: [],
      rawDirectory,
      environment: { PATH: process.env.PATH, ...environment },
      frequencyHz: undefined,
      callGraph: undefined,
      event: undefined,
    });
    use(run);
  } finally {
    rmSync(rawDirectory, { recursive: true, force: true });
  }
}
