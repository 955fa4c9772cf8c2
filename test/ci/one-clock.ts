import { spawn } from 'node:child_process';
import { CaptureModels } from '../../src/cli/capture-models.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { monotonicOffsetNs } from '../../src/model/place-profile.ts';
import type { Profile } from '../../src/model/profile.ts';

const LENGTH_MS = 20;
const APART_MS = 80;
const ROUNDS = 8;
/** Between two loops of one process, so that the samples of each are known for its own. */
const MIN_PAUSE_MS = 8;
/** From now until the first beat: everything has to be attached by then. */
const LEAD_MS = 6000;
const HZ = 5000;
const LIMIT_MS = 1;

interface Recorded {
  readonly directory: string;
  readonly manifest: CaptureManifest;
  readonly stderr: string;
}

/**
 * One capture of an orchestration process, two workers and a native program, each watched by the profiler of its
 * runtime. In turns, two of them begin the same busy loop at one instant of the monotonic clock; on the capture's clock
 * the first samples of the loop have to lie together. Gives what does not hold.
 */
export async function checkOneClock(
  record: (name: string, words: readonly string[]) => Promise<Recorded>,
  nativeProgram: string,
  nodeProgram: string,
): Promise<string[]> {
  const commands = [
    [process.execPath, nodeProgram, String(LENGTH_MS), 'orchestration'],
    [process.execPath, nodeProgram, String(LENGTH_MS), 'worker-1'],
    [process.execPath, nodeProgram, String(LENGTH_MS), 'worker-2'],
    [nativeProgram, String(LENGTH_MS)],
  ];
  const names = ['orchestration', 'worker 1', 'worker 2', 'native'];
  const running = await Promise.all(commands.map(start));
  try {
    const pids = running.map(process => process.pid);
    const pairs = names.flatMap((_, a) => names.slice(a + 1).map((_, b): [number, number] => [a, a + 1 + b]));
    const first = process.hrtime.bigint() + BigInt(LEAD_MS) * 1_000_000n;
    const instants: bigint[][] = names.map(() => []);
    const beats: { readonly pair: readonly [number, number]; readonly at: readonly [number, number] }[] = [];
    for (let i = 0; i < ROUNDS * pairs.length; i++) {
      const pair = pairs[i % pairs.length]!;
      const instant = first + BigInt(i * APART_MS) * 1_000_000n;
      beats.push({ pair, at: [instants[pair[0]]!.length, instants[pair[1]]!.length] });
      for (const member of pair) instants[member]!.push(instant);
    }
    const seconds = (LEAD_MS + beats.length * APART_MS) / 1000 + 1;
    const recording = record('one-clock', [
      ...['--pid', pids.join(','), '--duration', `${seconds}s`, '--frequency', String(HZ)],
    ]);
    for (const [i, process] of running.entries()) process.write(`${instants[i]!.join('\n')}\n`);
    const { directory, manifest, stderr } = await recording;
    const loops = await Promise.all(running.map(process => process.end()));
    const began = loops.map(list => list.map(loop => loop.began));
    const profile = await new CaptureModels(directory, manifest).profile();
    if (profile === undefined) return [`one clock: nothing was recorded: ${stderr}`];
    const offset = monotonicOffsetNs(manifest) ?? 0n;
    // Times of the profile on the monotonic clock again: on one capture's clock both differ by one number.
    const shift = Number((profile.epochNs ?? 0n) - offset);
    const seen = pids.map((pid, i) => firstSamples(profile, pid, loops[i]!, shift));
    const problems: string[] = [];
    // No sample of a loop is older than the loop, and the machine's other work makes samples late: the shortest of all
    // delays is what the clocks differ by, and at most a sampling interval.
    const delays = seen.map((times, i) =>
      times.flatMap((time, k) => (time === undefined ? [] : [(time - Number(began[i]![k]!)) / 1e6])),
    );
    const offsets = delays.map(list => Math.min(...list));
    for (const [i, offset] of offsets.entries()) {
      if (!(Math.abs(offset) < LIMIT_MS) || delays[i]!.length < began[i]!.length / 3) {
        problems.push(
          `one clock: ${names[i]} lies ${offset.toFixed(2)} ms off, by ${delays[i]!.length} loops of ${began[i]!.length}`,
        );
      }
    }
    const rows: string[] = [];
    for (const [a, b] of pairs) {
      const apart: number[] = [];
      for (const { pair, at } of beats) {
        if (pair[0] !== a || pair[1] !== b) continue;
        const [x, y] = [seen[a]![at[0]], seen[b]![at[1]]];
        // They were asked to begin together; one that the machine kept waiting is placed by when it did begin.
        const late = Number(began[a]![at[0]]! - began[b]![at[1]]!);
        if (x !== undefined && y !== undefined) apart.push((x - y - late) / 1e6);
      }
      apart.sort((x, y) => x - y);
      const median = apart[apart.length >> 1] ?? Number.NaN;
      const between = offsets[a]! - offsets[b]!;
      rows.push(
        `${names[a]} and ${names[b]}: ${between.toFixed(2)} ms (single loops: median ${median.toFixed(2)}, ${(apart[0] ?? 0).toFixed(2)} to ${(apart.at(-1) ?? 0).toFixed(2)} ms)`,
      );
      if (!(Math.abs(between) < LIMIT_MS)) problems.push(`one clock: ${rows.at(-1)}, at most ${LIMIT_MS} ms expected`);
    }
    const tools = manifest.tools.map(tool => tool.id).join(', ');
    console.log(`\none clock, recorded at once by ${tools}; loops that begin together lie apart by`);
    console.log(rows.map(row => `  ${row}`).join('\n'));
    if (manifest.losses.length > 0) console.log(`  losses: ${JSON.stringify(manifest.losses)}`);
    return problems;
  } finally {
    for (const process of running) process.kill();
  }
}

/**
 * For each loop, when the first sample with it on its stack was taken; undefined where there is none, or where the loop
 * before it ended too late for their samples to be told apart if the clocks differed.
 */
function firstSamples(profile: Profile, pid: number, loops: readonly Loop[], shift: number): (number | undefined)[] {
  const { samples, stacks, frames, strings, threads } = profile;
  const name = strings.indexOf('beat');
  const inBeat = new Uint8Array(stacks.length);
  for (let i = 0; i < stacks.length; i++) {
    const parent = stacks.parent[i]!;
    inBeat[i] = frames.name[stacks.frame[i]!] === name || (parent >= 0 && inBeat[parent] === 1) ? 1 : 0;
  }
  const times: number[] = [];
  for (let s = 0; s < samples.length; s++) {
    if (threads[samples.thread[s]!]!.pid !== pid || samples.stack[s]! < 0 || inBeat[samples.stack[s]!] !== 1) continue;
    times.push(samples.timeNs![s]! + shift);
  }
  times.sort((a, b) => a - b);
  return loops.map((loop, k) => {
    const began = Number(loop.began);
    const before = loops[k - 1];
    const pause = before === undefined ? APART_MS * 1e6 : began - Number(before.ended);
    if (pause < MIN_PAUSE_MS * 1e6) return undefined;
    return times.find(time => time > began - pause / 2 && time < Number(loop.ended) + pause / 2);
  });
}

/** On the monotonic clock, in nanoseconds. */
interface Loop {
  readonly began: bigint;
  readonly ended: bigint;
}

interface Running {
  readonly pid: number;
  write(text: string): void;
  /** Ends its input, and gives when each loop ran. */
  end(): Promise<Loop[]>;
  kill(): void;
}

async function start(command: readonly string[]): Promise<Running> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  while (!stdout.includes('ready')) await new Promise(resolve => setTimeout(resolve, 20));
  return {
    pid: child.pid!,
    write: text => child.stdin.write(text),
    async end() {
      child.stdin.end();
      await ended;
      return stdout
        .split('\n')
        .filter(line => /^\d+ \d+$/.test(line))
        .map(line => {
          const [began, ended] = line.split(' ') as [string, string];
          return { began: BigInt(began), ended: BigInt(ended) };
        });
    },
    kill: () => child.kill('SIGKILL'),
  };
}
