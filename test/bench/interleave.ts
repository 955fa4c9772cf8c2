import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One whole-process measurement. */
export interface Measurement {
  readonly wallMs: number;
  /** Largest resident set that was seen (sampled) of the process and its children together; 0 where /proc is absent. */
  readonly peakRssBytes: number;
}

export interface Contender {
  readonly name: string;
  /** A shell command line, so that pipes of peers can be measured as users type them. */
  readonly command: string;
}

/**
 * Runs the contenders in turn, A B A B …, after one uncounted round, so that a machine that grows slower or faster
 * does so for all. Figures are medians; ratios are of medians.
 */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
): Promise<ReadonlyMap<string, readonly Measurement[]>> {
  const results = new Map<string, Measurement[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const { name, command } of contenders) {
      const measurement = await runOnce(command);
      if (round >= 0) results.get(name)!.push(measurement);
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function runOnce(command: string): Promise<Measurement> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn('bash', ['-o', 'pipefail', '-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', chunk => {
      stderr = (stderr + chunk).slice(-2000);
    });
    let peakRssBytes = 0;
    const timer = setInterval(() => {
      peakRssBytes = Math.max(peakRssBytes, treeRssBytes(child.pid ?? 0));
    }, 10);
    child.on('error', reject);
    child.on('close', code => {
      clearInterval(timer);
      if (code === 0) resolve({ wallMs: performance.now() - began, peakRssBytes });
      else reject(new Error(`exit ${code}: ${command}\n${stderr}`));
    });
  });
}

/** Resident bytes of a process and its descendants. */
function treeRssBytes(root: number): number {
  let total = 0;
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    try {
      total += Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      if (children !== '') open.push(...children.split(' ').map(Number));
    } catch {
      // It ended while we looked.
    }
  }
  return total;
}
