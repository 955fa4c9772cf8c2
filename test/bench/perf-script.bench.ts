import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { seededRandom } from '../../analyzers/statistics.ts';
import { formatBytes } from '../../src/base/format-units.ts';
import { type Contender, interleave, median } from './interleave.ts';

const BYTES = 500e6;
const ROUNDS = 3;

/**
 * Text of `perf script` to collapsed stacks: whole processes, start included. The text is that of `PERF_SCRIPT` (a
 * file, .gz or not) again and again until it is 500 MB, otherwise made up. Peers: `inferno-collapse-perf -n 1` on the
 * PATH, and FlameGraph's `stackcollapse-perf.pl` on the PATH or named by `STACKCOLLAPSE_PERF_PL`.
 */
export async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-bench-'));
  try {
    const input = join(folder, 'perf-script.txt');
    const bytes = writeInput(input);
    const built = fileURLToPath(new URL('../../dist/src/cli.js', import.meta.url));
    const tprof = existsSync(built) ? built : fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));
    const origin = process.env.PERF_SCRIPT === undefined ? 'made up' : 'PERF_SCRIPT, repeated';
    process.stdout.write(
      `${formatBytes(bytes)} of text (${origin}), ${ROUNDS} rounds, ${existsSync(built) ? 'build in dist/' : 'from source'}\n`,
    );
    const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
    const output = (name: string): string => quoted(join(folder, `${name.split(' ')[0]}.folded`));
    const ours: Contender = {
      name: 'tprof convert',
      command: `${quoted(process.execPath)} ${quoted(tprof)} convert -q ${quoted(input)} ${output('tprof')}`,
    };
    const peers: Contender[] = [];
    for (const [name, program] of [
      ['inferno-collapse-perf -n 1', 'inferno-collapse-perf'],
      ['stackcollapse-perf.pl', process.env.STACKCOLLAPSE_PERF_PL ?? 'stackcollapse-perf.pl'],
    ] as const) {
      if (spawnSync('sh', ['-c', `command -v ${quoted(program)}`]).status === 0) {
        const options = name.endsWith('-n 1') ? '-q -n 1' : '';
        peers.push({ name, command: `${quoted(program)} ${options} ${quoted(input)} > ${output(name)} 2> /dev/null` });
      } else process.stdout.write(`${name.padEnd(28)} not measured: it is not on the PATH\n`);
    }
    const results = await interleave([ours, ...peers], ROUNDS);
    const wall = (name: string): number => median(results.get(name)!.map(result => result.wallMs));
    for (const { name } of [ours, ...peers]) {
      const peak = Math.max(...results.get(name)!.map(result => result.peakRssBytes));
      const rate = `${(bytes / 1e3 / wall(name)).toFixed(0)} MB/s`;
      const ratio = name === ours.name ? '' : `  ${(wall(name) / wall(ours.name)).toFixed(2)} × as long as tprof`;
      const line = [
        name.padEnd(28),
        `${(wall(name) / 1000).toFixed(2)} s`.padStart(8),
        rate.padStart(9),
        formatBytes(peak).padStart(10),
      ];
      process.stdout.write(`${line.join('  ')}${ratio}\n`);
    }
    const [mine, theirs] = [output('tprof'), output('inferno-collapse-perf')];
    if (peers.some(peer => peer.name.startsWith('inferno'))) {
      const same = spawnSync('sh', ['-c', `cmp ${mine} ${theirs}`]).status === 0;
      process.stdout.write(`output of tprof and inferno: ${same ? 'the same, byte for byte' : 'NOT the same'}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeInput(path: string): number {
  const file = openSync(path, 'w');
  let text: Buffer = Buffer.alloc(0);
  if (process.env.PERF_SCRIPT === undefined) text = Buffer.from(madeUp());
  else {
    const read = readFileSync(process.env.PERF_SCRIPT);
    text = read[0] === 0x1f && read[1] === 0x8b ? gunzipSync(read) : read;
  }
  let bytes = 0;
  while (bytes < BYTES) bytes += writeSync(file, text);
  closeSync(file);
  return bytes;
}

/** 20,000 samples of 30 threads: 3,000 functions, stacks of 10 to 40 frames that share their outer halves. */
function madeUp(): string {
  const random = seededRandom(7);
  const below = (limit: number): number => Math.floor(random() * limit);
  const functions = Array.from({ length: 3000 }, (_, i) => {
    const name = `worker::module_${i % 97}::Type_${i % 13}<T,A>::function_${i}`;
    return {
      address: 0x55d0_0000_0000 + i * 4096,
      text: name,
      module: i % 5 === 0 ? '/usr/lib/x86_64-linux-gnu/libc.so.6' : '/srv/bin/worker',
    };
  });
  const trunks = Array.from({ length: 400 }, () => Array.from({ length: 5 + below(20) }, () => below(3000)));
  let text = '';
  for (let sample = 0; sample < 20_000; sample++) {
    const time = (1000 + sample * 0.001).toFixed(6);
    text += `tokio-worker-${sample % 30} 100/${100 + (sample % 30)} [00${sample % 2}]  ${time}:    1010101 cpu-clock: \n`;
    const trunk = trunks[below(trunks.length)]!;
    const leaves = Array.from({ length: 5 + below(15) }, () => below(3000));
    for (const [depth, f] of [...leaves, ...trunk].entries()) {
      const { address, text: name, module } = functions[f]!;
      // A caller returns to a few places of a function, a leaf may be anywhere in it.
      const offset = depth === 0 ? below(400) : 16 * (1 + (f % 3));
      text += `\t    ${(address + offset).toString(16)} ${name}+0x${offset.toString(16)} (${module})\n`;
    }
    text += '\n';
  }
  return text;
}
