import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { seededRandom } from '../../analyzers/statistics.ts';
import { formatBytes } from '../../src/base/format-units.ts';
import { compare, type Peer, quoted, tprofCommand } from './compare.ts';

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
    const origin = process.env.PERF_SCRIPT === undefined ? 'made up' : 'PERF_SCRIPT, repeated';
    process.stdout.write(`${formatBytes(bytes)} of text (${origin}), ${ROUNDS} rounds\n`);
    const tprof = tprofCommand();
    const output = (name: string): string => quoted(join(folder, `${name}.folded`));
    const ours = { name: 'tprof convert', command: `${tprof} convert -q ${quoted(input)} ${output('tprof')}` };
    const perl = process.env.STACKCOLLAPSE_PERF_PL ?? 'stackcollapse-perf.pl';
    const collapse = (program: string, options: string, name: string): string =>
      `${quoted(program)} ${options} ${quoted(input)} > ${output(name)} 2> /dev/null`;
    const peers: Peer[] = [
      {
        name: 'inferno-collapse-perf -n 1',
        command: collapse('inferno-collapse-perf', '-q -n 1', 'inferno'),
        needs: ['inferno-collapse-perf'],
        aim: 1,
      },
      { name: 'stackcollapse-perf.pl', command: collapse(perl, '', 'perl'), needs: [perl], aim: 8, slow: true },
    ];
    await compare('perf script text to collapsed stacks', ours, peers, ROUNDS);
    const [mine, theirs] = [output('tprof'), output('inferno')];
    if (existsSync(join(folder, 'inferno.folded'))) {
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
