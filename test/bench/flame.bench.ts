import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../analyzers/statistics.ts';
import { formatBytes } from '../../src/base/format-units.ts';
import { type Contender, interleave, median } from './interleave.ts';

const STACKS = 200_000;
const ROUNDS = 7;

/**
 * Collapsed stacks, 200,000 distinct ones, to an SVG: whole processes, start included. Peers: `inferno-flamegraph` on
 * the PATH, and FlameGraph's `flamegraph.pl` on the PATH or named by `FLAMEGRAPH_PL`.
 */
export async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-bench-'));
  try {
    const input = join(folder, 'stacks.folded');
    writeFileSync(input, collapsedStacks());
    process.stdout.write(`${STACKS} distinct stacks, ${formatBytes(statSync(input).size)}, ${ROUNDS} rounds\n`);
    // Users run the build; a checkout without one runs its source, which Node reads more slowly.
    const built = fileURLToPath(new URL('../../dist/src/cli.js', import.meta.url));
    const tprof = existsSync(built) ? built : fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));
    process.stdout.write(
      existsSync(built) ? 'tprof: the build in dist/\n' : 'tprof: from source (npm run build for a build)\n',
    );
    const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
    const output = (name: string): string => join(folder, `${name}.svg`);
    const ours: Contender = {
      name: 'tprof flame',
      command: `${quoted(process.execPath)} ${quoted(tprof)} flame -q ${quoted(input)} -o ${quoted(output('tprof flame'))}`,
    };
    const peers: Contender[] = [];
    for (const [name, program] of [
      ['inferno-flamegraph', 'inferno-flamegraph'],
      ['flamegraph.pl', process.env.FLAMEGRAPH_PL ?? 'flamegraph.pl'],
    ] as const) {
      if (spawnSync('sh', ['-c', `command -v ${quoted(program)}`]).status === 0) {
        peers.push({ name, command: `${quoted(program)} ${quoted(input)} > ${quoted(output(name))} 2> /dev/null` });
      } else {
        process.stdout.write(`${name.padEnd(20)} not measured: it is not on the PATH\n`);
      }
    }
    const results = await interleave([ours, ...peers], ROUNDS);
    const wall = (name: string): number => median(results.get(name)!.map(result => result.wallMs));
    for (const { name } of [ours, ...peers]) {
      const peak = Math.max(...results.get(name)!.map(result => result.peakRssBytes));
      const ratio = name === ours.name ? '' : `  ${(wall(name) / wall(ours.name)).toFixed(2)} × as long as tprof`;
      const line = [
        name.padEnd(20),
        `${wall(name).toFixed(0)} ms`.padStart(9),
        formatBytes(peak).padStart(10),
        `SVG ${formatBytes(statSync(output(name)).size)}`.padStart(16),
      ];
      process.stdout.write(`${line.join('  ')}${ratio}\n`);
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
