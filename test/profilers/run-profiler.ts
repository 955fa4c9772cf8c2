import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Profiler, ProfilerHarvest, ProfilerRun } from '../../collectors/profilers/profiler.ts';

export interface Ran {
  readonly harvest: ProfilerHarvest;
  /** How the target ended: the tool's own word where it swallows that, as `record` takes it. */
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
  readonly stdout: string;
  readonly stderr: string;
  readonly rawDirectory: string;
  /** What lies in the folder that the target ran in, its program aside. */
  readonly litter: readonly string[];
}

export interface RunProfilerOptions {
  /** Instead of the Node that runs the tests. */
  readonly node?: string;
  readonly event?: string;
  readonly arguments?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** Called when the target has printed `ready`. */
  readonly onReady?: (child: { readonly pid: number }) => void;
}

/** Runs the program `source` under `profiler`, in a folder of its own with a blank in its name. */
export async function runProfiler<T>(
  profiler: Profiler,
  source: string,
  use: (ran: Ran) => T | Promise<T>,
  options: RunProfilerOptions = {},
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof test '));
  const environment = options.environment ?? process.env;
  try {
    const cwd = join(folder, 'its own');
    const rawDirectory = join(folder, 'raw', profiler.id);
    await mkdir(cwd);
    await mkdir(rawDirectory, { recursive: true });
    await writeFile(join(cwd, 'program.js'), source);
    const command = [options.node ?? process.execPath, 'program.js', ...(options.arguments ?? [])];
    const run: ProfilerRun = await profiler.prepare({
      command,
      cwd,
      pids: [],
      rawDirectory,
      environment,
      frequencyHz: undefined,
      callGraph: undefined,
      event: options.event,
    });
    const [file, ...args] = run.command as [string, ...string[]];
    const child = spawn(file, args, {
      cwd,
      env: { ...environment, ...run.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => {
      const before = stdout.includes('ready');
      stdout += chunk;
      if (!before && stdout.includes('ready')) options.onReady?.({ pid: child.pid as number });
    });
    child.stderr.on('data', chunk => {
      stderr += chunk;
    });
    const [code, signal] = await once(child, 'close');
    await run.stop?.();
    const harvest = await run.collect();
    const exit = run.targetExit?.() ?? { code, signal };
    const litter = readdirSync(cwd).filter(name => name !== 'program.js');
    return await use({ harvest, exit, stdout, stderr, rawDirectory, litter });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The Node that runs the tests, and the one that a `node` command means here, where that is another. */
export function nodesHere(): { readonly path: string; readonly version: string }[] {
  const found = [{ path: process.execPath, version: process.versions.node }];
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = join(folder, 'node');
    if (folder === '' || !existsSync(path)) continue;
    const version = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout?.trim() ?? '';
    if (Number(version.split('.')[0]) < 18 || found.some(node => node.version === version)) continue;
    found.push({ path, version });
  }
  return found;
}
