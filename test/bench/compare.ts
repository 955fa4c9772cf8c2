import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes } from '../../src/base/format-units.ts';
import { type Contender, interleave, median } from './interleave.ts';

/** A program that does the same work. */
export interface Peer extends Contender {
  /** Programs, by name or path, without which it cannot be measured. */
  readonly needs: readonly string[];
  /** How many times as long as tprof it is to take; undefined = no aim. */
  readonly aim?: number;
}

/** The tprof that users run: the build, or the source in a checkout without one, which Node reads more slowly. */
export function tprofCommand(): string {
  const built = fileURLToPath(new URL('../../dist/src/cli.js', import.meta.url));
  const cli = existsSync(built) ? built : fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));
  process.stdout.write(
    `tprof: ${existsSync(built) ? 'the build in dist/' : 'from source (npm run build for a build)'}\n`,
  );
  // What is installed starts through a file that turns this on; the round that does not count fills the cache.
  const cache = `NODE_COMPILE_CACHE=${quoted(join(tmpdir(), 'node-compile-cache'))}`;
  return `${cache} ${quoted(process.execPath)} ${quoted(cli)}`;
}

/** Prints one row of the table: each peer's median time, CPU time and peak memory beside tprof's. */
export async function compare(work: string, ours: Contender, peers: readonly Peer[], rounds: number): Promise<void> {
  const lines = [`  ${work}`];
  const present: Peer[] = [];
  for (const peer of peers) {
    const missing = peer.needs.find(program => spawnSync('sh', ['-c', `command -v ${quoted(program)}`]).status !== 0);
    if (missing === undefined) present.push(peer);
    else lines.push(`    ${peer.name.padEnd(32)} not measured: ${missing} is not on the PATH`);
  }
  const before = loadavg()[0]!;
  const results = await interleave([ours, ...present], rounds);
  const wall = (name: string): number => median(results.get(name)!.map(result => result.wallMs));
  const cpu = (name: string): number => median(results.get(name)!.map(result => result.cpuMs));
  for (const { name, slow } of [ours, ...present]) {
    const peak = Math.max(...results.get(name)!.map(result => result.peakRssBytes));
    const columns = [
      `    ${name.padEnd(32)}`,
      `${wall(name).toFixed(0)} ms`.padStart(9),
      `${cpu(name).toFixed(0)} ms CPU`.padStart(13),
      formatBytes(peak).padStart(10),
    ];
    if (name !== ours.name) {
      const aim = present.find(peer => peer.name === name)?.aim;
      columns.push(`${(wall(name) / wall(ours.name)).toFixed(2)} × the time of tprof`);
      columns.push(`${(cpu(name) / cpu(ours.name)).toFixed(2)} × its CPU time`);
      if (aim !== undefined) columns.push(`aim ${aim} ×`);
      if (slow === true) columns.push('measured once');
    }
    lines.push(columns.join('  '));
  }
  lines.push(`    load of the machine: ${before.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
