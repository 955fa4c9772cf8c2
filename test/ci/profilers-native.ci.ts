/**
 * Records the same programs, sixty, thirty and ten parts of time or of memory, by every profiler of native code and of
 * Python that this machine has: the shares, the tool's own files and its version in the capture, the exit, a death by
 * signal, a Ctrl-C, a tree of processes. Then two kinds of profilers at once, on one clock.
 * Run: node test/ci/profilers-native.ci.ts
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROFILERS } from '../../collectors/profilers/list.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { checkOneClock } from './one-clock.ts';

const HERE = fileURLToPath(new URL('profilers-native/', import.meta.url));
const TPROF = fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));
const PARANOID = '/proc/sys/kernel/perf_event_paranoid';
const POINTS = 3;

const folder = mkdtempSync(join(tmpdir(), 'tprof-profilers-'));
const failures: string[] = [];

function check(holds: boolean, what: string): boolean {
  if (!holds) failures.push(what);
  return holds;
}

interface Tool {
  readonly id: string;
  /** SECONDS PROCESSES EXIT → the words of the program. */
  readonly program: (words: readonly string[]) => readonly string[];
  readonly functions: readonly string[];
  readonly frequency: string | undefined;
  /** Among the files of `raw/ID`. */
  readonly files: readonly RegExp[];
  /** Of a program that a signal ended, where the tool needs its end to write. */
  readonly dies?: 'without-profile';
  /** What it cannot see of a tree of processes is named. */
  readonly tree?: 'first-alone';
  readonly seconds: string;
}

const SPINS = ['spin_sixty', 'spin_thirty', 'spin_ten'];
const native = (words: readonly string[]): string[] => [join(folder, 'split'), ...words];
const heap = (words: readonly string[]): string[] => [join(folder, 'allocate'), ...words];
const cargo = (words: readonly string[]): string[] => [
  ...['cargo', 'run', '--quiet', '--release', '--manifest-path', join(folder, 'crate', 'Cargo.toml'), '--'],
  ...words,
];
const python = (words: readonly string[]): string[] => ['python3', join(HERE, 'split.py'), ...words];
const allocations = ['allocate_sixty', 'allocate_thirty', 'allocate_ten'];
const cpu = { program: native, functions: SPINS, frequency: '997', seconds: '3' } as const;

const TOOLS: readonly Tool[] = [
  { ...cpu, id: 'perf', files: [/^perf\.data$/] },
  { ...cpu, id: 'samply', files: [/^profile\.json$/, /^profile\.syms\.json$/] },
  { ...cpu, id: 'flamegraph', files: [/^perf\.data$/, /^flamegraph\.svg$/] },
  { ...cpu, id: 'cargo-flamegraph', program: cargo, files: [/^perf\.data$/, /^flamegraph\.svg$/] },
  { ...cpu, id: 'py-spy', program: python, frequency: '400', files: [/^profile\.speedscope\.json$/, /^py-spy\.log$/] },
  {
    id: 'heaptrack',
    program: heap,
    functions: allocations,
    frequency: undefined,
    files: [/^heaptrack\.zst$/],
    tree: 'first-alone',
    seconds: '1',
  },
  {
    id: 'dhat',
    program: heap,
    functions: allocations,
    frequency: undefined,
    files: [/^dhat\.\d+\.json$/],
    seconds: '1',
  },
];

interface Recorded {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly directory: string;
  readonly manifest: CaptureManifest;
}

/** Runs `tprof record` in a group of its own; `act` is called when the program has said that it is ready. */
async function record(
  name: string,
  words: readonly string[],
  act: (child: ChildProcess) => void = () => {},
): Promise<Recorded> {
  const directory = join(folder, name);
  const child = spawn(process.execPath, [TPROF, 'record', '--no-trace', '-o', directory, ...words], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  let acted = false;
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
    if (acted || !stdout.includes('ready')) return;
    acted = true;
    act(child);
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text;
  });
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  const file = join(directory, 'capture.json');
  if (!existsSync(file)) throw new Error(`${name}: no capture; tprof said: ${stderr}`);
  return { code, stdout, stderr, directory, manifest: JSON.parse(readFileSync(file, 'utf8')) as CaptureManifest };
}

interface HotFunction {
  readonly name: string;
  readonly total: number;
}

/** Shares of each in what all of them have, in percent: start-up and the tool's own frames are no part of the split. */
function shares({ directory, stderr }: Recorded, functions: readonly string[]): number[] {
  const file = join(directory, 'hot-paths.json');
  if (!existsSync(file)) throw new Error(`no hot paths; tprof said: ${stderr}`);
  const result = JSON.parse(readFileSync(file, 'utf8')) as { functions: HotFunction[] };
  const totals = functions.map(name =>
    result.functions.filter(f => f.name === name || f.name.endsWith(`::${name}`)).reduce((sum, f) => sum + f.total, 0),
  );
  const sum = totals.reduce((a, b) => a + b, 0);
  return totals.map(total => (100 * total) / sum);
}

/** Processes of the program itself, by what they run; those of cargo and version managers are not it. */
function programs(manifest: CaptureManifest): CaptureManifest['processes'] {
  return manifest.processes.filter(({ command }) =>
    /(^|\/)(split|allocate|split\.py)$/.test(command[command[0]?.includes('python') ? 1 : 0] ?? ''),
  );
}

async function checkTool(tool: Tool, version: string): Promise<string[]> {
  const { id } = tool;
  const options = ['--profiler', id, ...(tool.frequency === undefined ? [] : ['--frequency', tool.frequency])];
  const run = await record(`${id}-tree`, [...options, '--', ...tool.program([tool.seconds, '2', '3'])]);
  const { manifest, directory } = run;
  const found = shares(run, tool.functions);
  const close = found.every((share, i) => Math.abs(share - [60, 30, 10][i]!) <= POINTS);
  check(close, `${id}: expected 60/30/10 within ${POINTS} points, found ${found.map(s => s.toFixed(1)).join('/')}`);
  const exit = check(
    run.code === 3 && manifest.exit?.code === 3,
    `${id}: the target exits with 3, tprof with ${run.code}`,
  );
  check(manifest.complete, `${id}: the capture is not complete: ${manifest.incompleteWhy}`);
  const used = manifest.tools.find(t => t.id === id);
  check(used?.version === version, `${id}: the manifest names version ${used?.version}, doctor ${version}`);
  const files = execFileSync('ls', ['-A', join(directory, 'raw', id)], { encoding: 'utf8' })
    .trim()
    .split('\n');
  for (const pattern of tool.files) {
    const file = files.find(name => pattern.test(name));
    check(
      file !== undefined && statSync(join(directory, 'raw', id, file)).size > 0,
      `${id}: raw/${id} holds ${files.join(', ')}, and nothing like ${pattern.source}`,
    );
  }
  check(!files.some(name => name.startsWith('.')), `${id}: notes are left in raw/${id}: ${files.join(', ')}`);
  const processes = programs(manifest);
  check(processes.length === 2, `${id}: expected 2 processes of the program, found ${processes.length}`);
  const profiled = new Set((await profileOf(run)).threads.map(thread => thread.pid));
  const unseen = processes.filter(({ pid }) => !profiled.has(pid));
  const named = unseen.every(({ pid }) => manifest.losses.some(({ what }) => what.includes(`pid ${pid}`)));
  check(
    unseen.length === (tool.tree === 'first-alone' ? 1 : 0) && named,
    `${id}: of ${processes.length} processes, ${unseen.length} are not in the profile, ${named ? 'named' : 'and not named'}`,
  );

  const killed = await record(`${id}-killed`, [...options, '--', ...tool.program(['0.5', '1', '-9'])]);
  const said = check(
    killed.code === 137 &&
      killed.manifest.exit?.signal === 'SIGKILL' &&
      /ended by SIGKILL/.test(killed.stderr) &&
      killed.manifest.complete,
    `${id}: a target that SIGKILL ends gives ${killed.code}, ${JSON.stringify(killed.manifest.exit)}, said: ${killed.stderr.split('\n')[0]}`,
  );
  check(
    killed.manifest.profiles.length > 0 || killed.manifest.losses.length > 0,
    `${id}: of a target that was killed there is neither a profile nor a word`,
  );

  // As a terminal does: everything in the foreground group gets the signal.
  const stopped = await record(`${id}-stopped`, [...options, '--', ...tool.program(['60', '1', '0'])], child => {
    setTimeout(() => process.kill(-child.pid!, 'SIGINT'), 1000);
  });
  const complete = check(
    stopped.code === 130 && stopped.manifest.complete,
    `${id}: Ctrl-C gives ${stopped.code}, complete: ${stopped.manifest.complete}; said: ${stopped.stderr}`,
  );
  check(
    stopped.manifest.profiles.length > 0 || (tool.dies === 'without-profile' && stopped.manifest.losses.length > 0),
    `${id}: after Ctrl-C there is no profile; losses: ${JSON.stringify(stopped.manifest.losses)}`,
  );
  return [
    id,
    version,
    found.map(share => share.toFixed(1)).join(' / '),
    exit ? 'passes' : 'LOST',
    said ? 'said' : 'NOT SAID',
    complete ? 'complete' : 'BROKEN',
    `${processes.length - unseen.length} of ${processes.length}${unseen.length > 0 && named ? ', other named' : ''}`,
  ];
}

async function profileOf({ directory, manifest }: Recorded): Promise<{ threads: readonly { pid: number }[] }> {
  const { CaptureModels } = await import('../../src/cli/capture-models.ts');
  return (await new CaptureModels(directory, manifest).profile()) ?? { threads: [] };
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map(row => row[c]!.length)));
  return rows
    .map(row =>
      row
        .map((cell, c) => cell.padEnd(widths[c]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** samply wants less than most kernels allow, root included; what was set is set back. */
function withParanoid(level: string): () => void {
  const before = existsSync(PARANOID) ? readFileSync(PARANOID, 'utf8') : '';
  if (before === '' || Number(before) <= Number(level)) return () => {};
  try {
    writeFileSync(PARANOID, level);
    return () => writeFileSync(PARANOID, before);
  } catch {
    return () => {};
  }
}

const restore = withParanoid('1');
try {
  for (const name of ['split', 'allocate', 'beat']) {
    const words = ['-O1', '-g', '-fno-omit-frame-pointer', '-o', join(folder, name), join(HERE, `${name}.c`)];
    execFileSync('gcc', words, { stdio: 'inherit' });
  }
  cpSync(join(HERE, 'split'), join(folder, 'crate'), { recursive: true });
  const rows = [['profiler', 'version', '60 / 30 / 10', 'exit 3', 'killed', 'Ctrl-C', 'processes in the profile']];
  for (const tool of TOOLS) {
    const profiler = PROFILERS.find(p => p.id === tool.id);
    const status = await profiler?.check();
    if (status?.usable !== true) {
      console.log(`not run: ${tool.id}: ${status?.reason} (${status?.hint})`);
      continue;
    }
    if (tool.id === 'cargo-flamegraph') {
      const build = ['build', '--quiet', '--release', '--manifest-path', join(folder, 'crate', 'Cargo.toml')];
      spawnSync('cargo', build, { stdio: 'inherit' });
    }
    const began = Date.now();
    try {
      rows.push([...(await checkTool(tool, status.version)), `${((Date.now() - began) / 1000).toFixed(0)} s`]);
    } catch (error) {
      check(false, `${tool.id}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  rows[0]!.push('took');
  console.log(table(rows));
  for (const line of await checkOneClock(record, join(folder, 'beat'), join(HERE, 'beat.mjs'))) check(false, line);
} finally {
  restore();
  rmSync(folder, { recursive: true, force: true });
}
for (const failure of failures) console.error(`FAILED ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
