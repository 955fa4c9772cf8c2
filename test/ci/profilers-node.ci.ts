/**
 * Records the same program, sixty, thirty and ten parts of time or of memory, by every profiler of Node, around the Node
 * that runs this and around another where there is one: the shares, the tool's own files and its version in the capture, the exit
 * code, a death by signal, a Ctrl-C, two of them, a tree of processes and threads, and nothing left in the folder of the user.
 * Run: node test/ci/profilers-node.ci.ts [PROFILER…]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROFILERS } from '../../collectors/profilers/list.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { nodesHere } from '../profilers/run-profiler.ts';

const SPLIT = fileURLToPath(new URL('profilers-node/split.cjs', import.meta.url));
const TPROF = fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));
const POINTS = 3;

const folder = mkdtempSync(join(tmpdir(), 'tprof profilers '));
const failures: string[] = [];

function check(holds: boolean, what: string): void {
  if (!holds) failures.push(what);
}

interface Tool {
  readonly id: string;
  readonly kind: 'cpu' | 'heap';
  /** Whether its profile names the functions: doctor has figures, bubbleprof operations. */
  readonly splits: boolean;
  /** Among the files of `raw/ID`. */
  readonly files: readonly RegExp[];
}

const TOOLS: readonly Tool[] = [
  { id: 'node-cpu', kind: 'cpu', splits: true, files: [/\.cpuprofile$/] },
  { id: 'node-heap', kind: 'heap', splits: true, files: [/\.heapprofile$/] },
  { id: 'node-prof', kind: 'cpu', splits: true, files: [/isolate-.*-v8\.log$/, /\.v8log\.json$/] },
  { id: '0x', kind: 'cpu', splits: true, files: [/isolate-.*-v8\.log$/, /flamegraph\.html$/] },
  {
    id: 'clinic-flame',
    kind: 'cpu',
    splits: true,
    files: [/isolate-.*-v8\.log$/, /-samples$/, /\.clinic-flame\.html$/],
  },
  { id: 'clinic-heapprofiler', kind: 'heap', splits: true, files: [/\.heapprofile$/, /\.clinic-heapprofiler\.html$/] },
  {
    id: 'clinic-doctor',
    kind: 'cpu',
    splits: false,
    files: [/-processstat$/, /-traceevent$/, /\.clinic-doctor\.html$/],
  },
  {
    id: 'clinic-bubbleprof',
    kind: 'cpu',
    splits: false,
    files: [/-stacktrace$/, /-traceevent$/, /-operations\.pprof$/, /\.clinic-bubbleprof\.html$/],
  },
];

interface Recorded {
  readonly code: number | null;
  readonly stderr: string;
  readonly directory: string;
  readonly manifest: CaptureManifest;
  /** What lies in the folder that the program ran in. */
  readonly litter: readonly string[];
}

/** Runs `tprof record` in a process group of its own; `act` is called when the program has said that it is ready. */
async function record(
  name: string,
  words: readonly string[],
  act: (child: ChildProcess) => void = () => {},
): Promise<Recorded> {
  const cwd = join(folder, `${name} cwd`);
  const directory = join(folder, name);
  mkdirSync(cwd);
  const child = spawn(process.execPath, [TPROF, 'record', '--no-trace', '-o', directory, ...words], {
    cwd,
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
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as CaptureManifest;
  return { code, stderr, directory, manifest, litter: readdirSync(cwd) };
}

/** Shares of each in what all of them have, in percent. */
function shares({ directory, stderr }: Recorded): number[] {
  const file = join(directory, 'hot-paths.json');
  if (!existsSync(file)) throw new Error(`no hot paths; tprof said: ${stderr}`);
  const { functions } = JSON.parse(readFileSync(file, 'utf8')) as { functions: { name: string; total: number }[] };
  const totals = ['sixty', 'thirty', 'ten'].map(name =>
    functions.filter(f => f.name === name).reduce((sum, f) => sum + f.total, 0),
  );
  const sum = totals.reduce((a, b) => a + b, 0);
  return totals.map(total => (100 * total) / sum);
}

/** The program's processes: each is profiled, or named among what is missing. */
function processesMissed({ manifest }: Recorded): readonly string[] {
  const found = manifest.processes.filter(({ command }) => command.some(word => word.endsWith('split.cjs')));
  const seen = new Set([...manifest.profiles.map(({ pid }) => pid)]);
  const missed = found
    .filter(({ pid }) => !seen.has(pid) && !manifest.losses.some(({ what }) => what.includes(`pid ${pid}`)))
    .map(({ pid }) => `pid ${pid}`);
  return found.length === 2 ? missed : [`${found.length} processes instead of 2`, ...missed];
}

async function tree(tool: Tool, node: string, version: string): Promise<string> {
  const { id, kind } = tool;
  const recorded = await record(`${id} ${version}`, ['--profiler', id, '--', node, SPLIT, 'tree', kind]);
  const { code, manifest, directory, litter, stderr } = recorded;
  const name = `${id}, Node ${version}`;
  check(code === 3, `${name}: exit ${code} instead of 3; tprof said: ${stderr}`);
  check(manifest.complete, `${name}: the capture is not complete`);
  check(litter.length === 0, `${name}: left ${litter.join(', ')} in the folder that it ran in`);
  check(manifest.losses.length === 0, `${name}: losses ${JSON.stringify(manifest.losses)}`);
  const files = globSync('**', { cwd: join(directory, 'raw', id) });
  for (const wanted of tool.files)
    check(
      files.some(file => wanted.test(file)),
      `${name}: no ${wanted} in raw/${id}`,
    );
  const ownVersion = manifest.tools.find(one => one.id === id)?.version ?? '';
  check(/^\d+\.\d+/.test(ownVersion), `${name}: its version is '${ownVersion}'`);
  check(
    manifest.tools.some(one => one.id === 'node' && one.version === version),
    `${name}: no Node ${version} in tools`,
  );
  const missed = processesMissed(recorded);
  check(missed.length === 0, `${name}: ${missed.join(', ')} are neither profiled nor named`);
  const threads = manifest.profiles.filter(profile => profile.tid > 0).length;
  const figures = manifest.probes?.filter(probe => probe.id === id) ?? [];
  if (id === 'clinic-doctor') {
    check(figures.length === 3 && figures.every(({ readings }) => readings > 0), `${name}: ${figures.length} figures`);
  } else check(threads > 0, `${name}: no worker thread among the profiles`);
  if (!tool.splits) {
    const { weight } = JSON.parse(readFileSync(join(directory, 'hot-paths.json'), 'utf8'));
    return `${figures.length > 0 ? `${figures.reduce((sum, f) => sum + f.readings, 0)} readings, ` : ''}${weight.name}`;
  }
  const found = shares(recorded);
  const off = found.map((share, i) => Math.abs(share - ([60, 30, 10][i] ?? 0)));
  check(
    off.every(points => points <= POINTS),
    `${name}: ${found.map(share => share.toFixed(1))} instead of 60, 30, 10`,
  );
  for (const file of ['flame.svg', 'profile.speedscope.json']) {
    check(existsSync(join(directory, file)), `${name}: no ${file}`);
  }
  return found.map(share => share.toFixed(1)).join(' / ');
}

async function killed({ id, kind }: Tool, node: string): Promise<string> {
  const { code, manifest, litter } = await record(`${id} killed`, [
    '--profiler',
    id,
    '--',
    node,
    SPLIT,
    'killed',
    kind,
  ]);
  check(code === 137, `${id}: exit ${code} of a program that was killed, instead of 137`);
  check(manifest.exit?.signal === 'SIGKILL', `${id}: the capture says ${JSON.stringify(manifest.exit)}`);
  check(litter.length === 0, `${id}, killed: left ${litter.join(', ')}`);
  return String(code);
}

/** To the whole group, as the terminal does it. */
async function interrupted({ id, kind }: Tool, node: string): Promise<string> {
  const words = ['--profiler', id, '--', node, SPLIT, 'wait', kind];
  const { code, manifest, litter, stderr } = await record(`${id} interrupted`, words, child => {
    setTimeout(() => process.kill(-(child.pid as number), 'SIGINT'), 1000);
  });
  check(manifest.complete, `${id}: no complete capture after Ctrl-C; tprof said: ${stderr}`);
  check(manifest.profiles.length > 0, `${id}: no profile after Ctrl-C: ${JSON.stringify(manifest.losses)}`);
  check(code === 130, `${id}: exit ${code} after Ctrl-C instead of 130`);
  check(litter.length === 0, `${id}, Ctrl-C: left ${litter.join(', ')}`);
  return `${code}, ${manifest.profiles.length} profile(s)`;
}

async function interruptedTwice(id: string, node: string): Promise<void> {
  const { manifest } = await record(`${id} twice`, ['--profiler', id, '--', node, SPLIT, 'wait', 'cpu'], child => {
    for (const ms of [1000, 1400]) setTimeout(() => process.kill(-(child.pid as number), 'SIGINT'), ms);
  });
  check(!manifest.complete, `${id}: the capture is complete after two Ctrl-C`);
  check(/second Ctrl-C/.test(manifest.incompleteWhy ?? ''), `${id}: two Ctrl-C: '${manifest.incompleteWhy}'`);
}

try {
  const nodes = nodesHere();
  const rows: string[][] = [];
  const usable: Tool[] = [];
  const asked = process.argv.slice(2);
  for (const tool of TOOLS) {
    if (asked.length > 0 && !asked.includes(tool.id)) continue;
    const status = await PROFILERS.find(({ id }) => id === tool.id)?.check();
    if (status?.usable === true) usable.push(tool);
    else console.log(`${tool.id} is not checked: ${status?.reason}; ${status?.hint}`);
  }
  /** Two at once: half of each run is spent in one process. */
  const waiting = [...usable];
  const [main] = nodes;
  if (main === undefined) throw new Error('no Node');
  const lane = async (): Promise<void> => {
    for (let tool = waiting.shift(); tool !== undefined; tool = waiting.shift()) {
      const row = [tool.id];
      const steps = [
        // What names no functions is the same on every Node.
        ...nodes.map(({ path, version }, i) => async () => {
          return i > 0 && tool?.splits === false ? 'not run' : tree(tool as Tool, path, version);
        }),
        () => killed(tool as Tool, main.path),
        () => interrupted(tool as Tool, main.path),
      ];
      for (const [i, step] of steps.entries()) {
        const began = performance.now();
        row.push(
          await step().catch(error => {
            failures.push(`${tool?.id}: ${error instanceof Error ? error.message : String(error)}`);
            return 'failed';
          }),
        );
        console.log(`${tool.id}, step ${i + 1}: ${row.at(-1)} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
      }
      rows.push(row);
    }
  };
  await Promise.all([lane(), lane()]);
  if (usable.some(({ id }) => id === '0x')) await interruptedTwice('0x', main.path);
  const heads = ['profiler', ...nodes.map(({ version }) => `60/30/10 on ${version}`), 'killed', 'Ctrl-C'];
  const order = TOOLS.map(({ id }) => id);
  const table = [heads, ...rows.sort((a, b) => order.indexOf(a[0] ?? '') - order.indexOf(b[0] ?? ''))];
  const widths = heads.map((_, i) => Math.max(...table.map(row => row[i]?.length ?? 0)));
  for (const row of table) console.log(row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  if (failures.length > 0) {
    console.log(`\n${failures.length} failed:\n${failures.join('\n')}`);
    process.exitCode = 1;
  } else console.log(`\n${usable.length} profilers of Node, ${nodes.length} versions of Node: all as expected`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
