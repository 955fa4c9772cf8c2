import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '../../collectors/file-source.ts';
import { formatBytes, formatCount } from '../../src/base/format-units.ts';
import { perfData } from '../../src/formats/perf-data.ts';
import { compare, type Peer, quoted, tprofCommand } from './compare.ts';
import type { Contender } from './interleave.ts';

const ROUNDS = 5;

/**
 * perf.data to a picture and to Firefox's JSON: whole processes, start included. Recordings are named by
 * `TPROF_BENCH_FP` (frame pointers; without it one of Node itself is made) and `TPROF_BENCH_DWARF` (stack copies of a
 * program with debug information). Peers: perf with inferno on the PATH, samply on the PATH. `TPROF_BENCH_ROUNDS`
 * where a peer takes minutes.
 */
export async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-bench-'));
  const rounds = Number(process.env.TPROF_BENCH_ROUNDS ?? ROUNDS);
  try {
    const framePointers = process.env.TPROF_BENCH_FP ?? recordNode(folder);
    if (framePointers === undefined) process.stdout.write('frame pointers: not measured: perf cannot record here\n');
    else await measure('frame pointers', framePointers, folder, rounds, false);
    const copies = process.env.TPROF_BENCH_DWARF;
    if (copies !== undefined) await measure('stack copies, inlined functions', copies, folder, rounds, true);
    else {
      process.stdout.write(
        'stack copies: not measured: TPROF_BENCH_DWARF names no recording (perf record --call-graph dwarf, of a program built with debug=2)\n',
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(what: string, data: string, folder: string, rounds: number, stacks: boolean): Promise<void> {
  const { samples } = await perfData.read!(await fileSource(data), {});
  process.stdout.write(
    `${what}: ${formatCount(samples.length)} samples, ${formatBytes(statSync(data).size)}, ${rounds} rounds\n`,
  );
  const tprof = tprofCommand();
  const input = quoted(data);
  const out = (name: string): string => quoted(join(folder, name));
  const picture = { name: 'tprof flame', command: `${tprof} flame -q ${input} -o ${out('tprof.svg')}` };
  const script: Peer = {
    name: 'perf script | inferno',
    command: `perf script -i ${input} 2> /dev/null | inferno-collapse-perf 2> /dev/null | inferno-flamegraph > ${out('inferno.svg')} 2> /dev/null`,
    needs: ['perf', 'inferno-collapse-perf', 'inferno-flamegraph'],
    aim: stacks ? 100 : 15,
    slow: stacks,
  };
  await compare('to SVG', picture, [script], rounds);
  const json = (name: string, options: string): Contender => ({
    name,
    command: `${tprof} convert -q ${input} ${out('tprof.json.gz')} --to firefox ${options}`,
  });
  const samply = (name: string, flag: string, aim: number): Peer => ({
    name,
    command: `samply import --save-only ${flag} -o ${out('samply.json.gz')} ${input} > /dev/null 2>&1`,
    needs: ['samply'],
    aim,
  });
  const plain = samply('samply import', '', stacks ? 0.7 : 4);
  if (stacks)
    await compare(
      'to Firefox JSON, without symbols',
      json('tprof convert --no-symbols', '--no-symbols'),
      [plain],
      rounds,
    );
  const presymbolicated = samply('samply import, presymbolicated', '--unstable-presymbolicate', 1);
  await compare('to Firefox JSON, with symbols', json('tprof convert', ''), [stacks ? presymbolicated : plain], rounds);
  // Some versions take the flag when they import and do nothing with it.
  if (stacks && !readdirSync(folder).some(file => file.endsWith('.syms.json'))) {
    process.stdout.write('    samply wrote no symbols: its time is that of a file that holds addresses\n');
  }
}

/** A program that calls through many functions, some 40 deep. */
const PROGRAM = `
const functions = [];
for (let i = 0; i < 400; i++) {
  functions.push(new Function('next', 'depth', 'x', \`
    for (let k = 0; k < 60; k++) x = (x * 31 + \${i} + k) | 0;
    return depth === 0 ? x : next[(x >>> 3) % next.length](next, depth - 1, x);
  \`));
}
let x = 1;
while (process.cpuUsage().user < 13e6) for (let k = 0; k < 1000; k++) x = functions[k % 400](functions, 12 + (k % 30), x + k);
`;

/** At least 200,000 samples of this Node with frame pointers and its perf map; undefined where perf cannot. */
function recordNode(folder: string): string | undefined {
  const program = join(folder, 'program.cjs');
  const data = join(folder, 'perf.data');
  writeFileSync(program, PROGRAM);
  const node = [process.execPath, '--perf-basic-prof', '--interpreted-frames-native-stack', program];
  const options = ['record', '-q', '-k', 'CLOCK_MONOTONIC', '-e', 'cpu-clock', '-F', '20000', '--call-graph', 'fp'];
  const { status } = spawnSync('perf', [...options, '-o', data, '--', ...node], { cwd: folder, stdio: 'ignore' });
  return status === 0 && existsSync(data) ? data : undefined;
}
