// What watching costs: the embedded workload unwatched, recorded with spans, and recorded with spans and CPU profiles,
// in alternating rounds of one run. ROUNDS=12 TASKS=60 by default.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile, seededRandom, sortedCopy } from '../../analyzers/statistics.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { median } from './interleave.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 12);
const TASKS = Number(process.env.TASKS ?? 60);
/** The first tasks of a process run in cold code, whoever watches. */
const WARM_UP = 10;

interface Round {
  readonly medianTaskMs: number;
  /** CPU of everything that ran, tprof included. */
  readonly cpuMs: number;
  /** tprof's own, while recording: the receiver, and following processes. */
  readonly tprofCpuMs: number;
}

const ARMS: readonly { readonly name: string; readonly record?: readonly string[] }[] = [
  { name: 'unwatched' },
  { name: 'spans', record: ['--profiler', 'none'] },
  { name: 'spans and CPU profile', record: ['--profiler', 'node-cpu'] },
];

export async function bench(): Promise<void> {
  const rounds = new Map<string, Round[]>(ARMS.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    // The order turns with the rounds, so that no arm always runs in the wake of another.
    for (let k = 0; k < ARMS.length; k++) {
      const { name, record } = ARMS[(round + k) % ARMS.length]!;
      rounds.get(name)!.push(await runOnce(record));
    }
    process.stderr.write(`round ${round + 1} of ${ROUNDS}\r`);
  }
  const base = rounds.get('unwatched')!;
  process.stdout.write(`linear, ${TASKS} tasks a run (${WARM_UP} of them warm-up), ${ROUNDS} rounds, alternating\n`);
  for (const { name } of ARMS) {
    const own = rounds.get(name)!;
    const ms = median(own.map(r => r.medianTaskMs));
    const ratios = own.map((r, i) => r.medianTaskMs / base[i]!.medianTaskMs);
    const { low, high } = medianInterval(ratios);
    const share = median(own.map(r => r.tprofCpuMs / Math.max(1, r.cpuMs - r.tprofCpuMs)));
    const against =
      name === 'unwatched'
        ? ''
        : `  ${percent(median(ratios) - 1)} (95 %: ${percent(low - 1)} to ${percent(high - 1)})`;
    const cpu =
      name === 'unwatched' ? '' : `  tprof's CPU while recording: ${(share * 100).toFixed(1)} % of the workload's`;
    process.stdout.write(`${name.padEnd(24)} median task ${ms.toFixed(2)} ms${against}${cpu}\n`);
  }
}

/** Runs the workload once in a process of its own; CPU from the shell's account of all descendants. */
function runOnce(record: readonly string[] | undefined): Promise<Round> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-overhead-'));
  const capture = join(folder, 'capture');
  const workload = ['e2e', 'linear', '--tasks', String(TASKS), '--json'];
  const words = record === undefined ? workload : ['record', '-q', '-o', capture, ...record, '--', ...workload];
  const command = `TIMEFORMAT='cpu %U %S'; time "$0" bin/tprof.js ${words.map(word => `'${word}'`).join(' ')}`;
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', command, process.execPath], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', chunk => {
      out += chunk;
    });
    child.stderr.on('data', chunk => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', code => {
      try {
        const cpu = /cpu ([\d.]+) ([\d.]+)/.exec(err);
        if (code !== 0 || cpu === null) throw new Error(`exit ${code}\n${err}`);
        const { tasks } = JSON.parse(out) as { tasks: { latencyNs: number }[] };
        const self =
          record === undefined
            ? undefined
            : (JSON.parse(readFileSync(join(capture, 'capture.json'), 'utf8')) as CaptureManifest).self;
        resolve({
          medianTaskMs: median(tasks.slice(WARM_UP).map(task => task.latencyNs / 1e6)),
          cpuMs: (Number(cpu[1]) + Number(cpu[2])) * 1000,
          tprofCpuMs: self === undefined ? 0 : (self.cpuUserNs + self.cpuSystemNs) / 1e6,
        });
      } catch (error) {
        reject(error);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
}

/** Percentile bootstrap over rounds. */
function medianInterval(values: readonly number[]): { low: number; high: number } {
  const random = seededRandom(1);
  const medians = Array.from({ length: 4000 }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)]!)),
  );
  const sorted = sortedCopy(medians);
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

function percent(share: number): string {
  return `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)} %`;
}
