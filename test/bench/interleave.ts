import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One whole-process measurement. */
export interface Measurement {
  readonly wallMs: number;
  /** Time on a CPU of the process and its children together: what a busy machine distorts least. */
  readonly cpuMs: number;
  /** Largest resident set of the process and its children together (their own peaks, looked up); 0 where /proc is absent. */
  readonly peakRssBytes: number;
}

export interface Contender {
  readonly name: string;
  /** A shell command line, so that pipes of peers can be measured as users type them. */
  readonly command: string;
  /** It takes minutes: measured once, without a round that does not count. */
  readonly slow?: boolean;
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
    for (const { name, command, slow } of contenders) {
      if (slow === true && round !== 0) continue;
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
    // The shell knows what its children took: `times` says so on a stream of its own.
    const timed = `${command}\nstatus=$?\ntimes >&3\nexit $status`;
    const child = spawn('bash', ['-o', 'pipefail', '-c', timed], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    let stderr = '';
    let times = '';
    child.stdio[3]?.on('data', chunk => {
      times += chunk;
    });
    child.stderr?.on('data', chunk => {
      stderr = (stderr + chunk).slice(-2000);
    });
    let peakRssBytes = 0;
    const timer = setInterval(() => {
      peakRssBytes = Math.max(peakRssBytes, treeRssBytes(child.pid ?? 0));
    }, 10);
    child.on('error', reject);
    child.on('close', code => {
      clearInterval(timer);
      if (code === 0) resolve({ wallMs: performance.now() - began, cpuMs: cpuMsOf(times), peakRssBytes });
      else reject(new Error(`exit ${code}: ${command}\n${stderr}`));
    });
  });
}

/** Sum of what bash's `times` prints: minutes and seconds, user and system, of the shell and of its children. */
function cpuMsOf(times: string): number {
  let seconds = 0;
  for (const [, minutes, rest] of times.matchAll(/(\d+)m([\d.]+)s/g)) seconds += Number(minutes) * 60 + Number(rest);
  return seconds * 1000;
}

/** Peak resident bytes so far of a process and of each of its descendants, added up. */
function treeRssBytes(root: number): number {
  let total = 0;
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    try {
      total += Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      if (children !== '') open.push(...children.split(' ').map(Number));
    } catch {
      // It ended while we looked.
    }
  }
  return total;
}
