import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../analyzers/statistics.ts';
import { formatBytes } from '../../src/base/format-units.ts';
import { compare, type Peer, quoted, tprofCommand } from './compare.ts';

const STACKS = 200_000;
const ROUNDS = 5;

/**
 * Collapsed stacks, 200,000 distinct ones, to an SVG: whole processes, start included. Peers: `inferno-flamegraph` on
 * the PATH, and FlameGraph's `flamegraph.pl` on the PATH or named by `FLAMEGRAPH_PL`. `TPROF_BENCH_FOLDED` names
 * stacks of your own.
 */
export async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-bench-'));
  try {
    const input = join(folder, 'stacks.folded');
    const given = process.env.TPROF_BENCH_FOLDED;
    if (given === undefined) writeFileSync(input, collapsedStacks());
    else copyFileSync(given, input);
    const what = given === undefined ? `${STACKS} distinct stacks` : 'stacks of TPROF_BENCH_FOLDED';
    process.stdout.write(`${what}, ${formatBytes(statSync(input).size)}, ${ROUNDS} rounds\n`);
    const tprof = tprofCommand();
    const output = (name: string): string => join(folder, `${name}.svg`);
    const ours = {
      name: 'tprof flame',
      command: `${tprof} flame -q ${quoted(input)} -o ${quoted(output('tprof'))}`,
    };
    const peer = (name: string, program: string, aim: number): Peer => ({
      name,
      command: `${quoted(program)} ${quoted(input)} > ${quoted(output(name))} 2> /dev/null`,
      needs: [program],
      aim,
    });
    const peers = [
      peer('inferno-flamegraph', 'inferno-flamegraph', 1),
      { ...peer('flamegraph.pl', process.env.FLAMEGRAPH_PL ?? 'flamegraph.pl', 8), slow: true },
    ];
    await compare('collapsed stacks to SVG', ours, peers, ROUNDS);
    for (const name of ['tprof', 'inferno-flamegraph', 'flamegraph.pl']) {
      if (existsSync(output(name)))
        process.stdout.write(`    SVG of ${name}: ${formatBytes(statSync(output(name)).size)}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Stacks as a large Rust program has them: 10 to 40 deep, shared roots, long names; every line a different stack. */
function collapsedStacks(): string {
  const random = seededRandom(5);
  const names = Array.from(
    { length: 4000 },
    (_, i) => `crate_${i % 61}::module_${i % 397}::Type${i % 53}<T>::function_${i}`,
  );
  const prefixes: string[] = ['program'];
  const seen = new Set<string>();
  while (seen.size < STACKS) {
    let stack = prefixes[Math.floor(random() ** 2 * prefixes.length)]!;
    const depth = 2 + Math.floor(random() * 14);
    for (let d = 0; d < depth; d++) stack += `;${names[Math.floor(random() ** 2 * names.length)]}`;
    seen.add(stack);
    if (prefixes.length < 4000) prefixes.push(stack.split(';').slice(0, 30).join(';'));
  }
  return `${[...seen]
    .sort()
    .map(stack => `${stack} ${1 + Math.floor(random() * 40)}`)
    .join('\n')}\n`;
}
