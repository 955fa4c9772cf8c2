import { globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { judgeGates } from '../../analyzers/diff/gate.ts';
import { parseGate } from '../../analyzers/diff/gate-expression.ts';
import { diffTimes } from '../../analyzers/diff/latency-diff.ts';
import { diffProfiles } from '../../analyzers/diff/profile-diff.ts';
import { meanAndDeviation, seededRandom } from '../../analyzers/statistics.ts';
import { sampledProfile } from '../analyzers/diff/sampled-profile.ts';
import { type LatencySpread, simulatedRun } from '../analyzers/diff/simulated-runs.ts';

/** Simulated comparisons behind each figure. */
const COMPARISONS = 200;

interface Case {
  readonly what: string;
  readonly spread: LatencySpread;
  readonly runs: number;
  readonly tasks: number;
}

/** How often gates fail where nothing changed (at most 1 in 100 is promised), and how often they catch +10 %. */
export async function bench(): Promise<void> {
  const cases: Case[] = [
    { what: 'steady: tasks ±2.5 %', spread: { within: 0.025, between: 0 }, runs: 1, tasks: 10 },
    { what: 'tasks ±5 %', spread: { within: 0.05, between: 0 }, runs: 1, tasks: 10 },
    { what: 'tasks ±5 %', spread: { within: 0.05, between: 0 }, runs: 1, tasks: 50 },
    { what: 'tasks ±5 %, runs ±1 %', spread: { within: 0.05, between: 0.01 }, runs: 5, tasks: 10 },
    { what: 'tasks ±20 %', spread: { within: 0.2, between: 0 }, runs: 1, tasks: 10 },
    ...recorded().map(({ name, within }) => ({
      what: `recorded, ${name}: tasks ±${(within * 100).toFixed(0)} %`,
      spread: { within, between: 0 },
      runs: 1,
      tasks: 10,
    })),
  ];
  print('latencies (log-normal)', 'runs × tasks a side', 'A/A, > +0%', 'A/A, > +5%', '+10 %, > +5%', '+10 %, > +0%');
  for (const one of cases) {
    print(
      one.what,
      `${one.runs} × ${one.tasks}`,
      rate(one, 'p50 > +0%', 1),
      rate(one, 'p50 > +5%', 1),
      rate(one, 'p50 > +5%', 1.1),
      rate(one, 'p50 > +0%', 1.1),
    );
  }
  print('profiles', 'samples a side', 'A/A, > +0pt', '', '30 → 33 %, > +1pt', '');
  for (const samples of [1000, 5000, 20_000]) {
    print(
      'self of one function',
      `${samples}`,
      shareRate(samples, 0.3, '+0pt'),
      '',
      shareRate(samples, 0.33, '+1pt'),
      '',
    );
  }
}

function rate({ spread, runs, tasks }: Case, expression: string, factor: number): string {
  const gate = parseGate(expression);
  let failed = 0;
  for (let seed = 1; seed <= COMPARISONS; seed++) {
    const random = seededRandom(seed);
    const side = (f: number): ReturnType<typeof simulatedRun>[] =>
      Array.from({ length: runs }, () => simulatedRun(tasks, f, spread, random));
    const times = diffTimes(side(1), side(factor));
    if (!judgeGates([gate], { profile: undefined, times })[0]!.held) failed++;
  }
  return `${((failed / COMPARISONS) * 100).toFixed(1)} %`;
}

function shareRate(samples: number, share: number, threshold: string): string {
  const gate = parseGate(`self(hot) > ${threshold}`);
  let failed = 0;
  for (let seed = 1; seed <= COMPARISONS; seed++) {
    const random = seededRandom(seed);
    const profile = diffProfiles(
      [sampledProfile({ 'main;hot': 0.3, 'main;rest': 0.7 }, samples, random)],
      [sampledProfile({ 'main;hot': share, 'main;rest': 1 - share }, samples, random)],
    );
    if (!judgeGates([gate], { profile, times: undefined })[0]!.held) failed++;
  }
  return `${((failed / COMPARISONS) * 100).toFixed(1)} %`;
}

/** Spread of the tasks' latencies as clients of a running Tasker saw them, where those recordings are present. */
function recorded(): { readonly name: string; readonly within: number }[] {
  const folder = fileURLToPath(new URL('../../../shared/captures/tasker/', import.meta.url));
  return globSync(`${folder}*/client.json`)
    .sort()
    .flatMap(file => {
      const client = JSON.parse(readFileSync(file, 'utf8')) as unknown;
      const tasks = (Array.isArray(client) ? client : []) as { t0: number | string; done: number | string }[];
      const logs = tasks.map(task => Math.log((Number(task.done) - Number(task.t0)) / 1e9));
      return logs.length < 10 ? [] : [{ name: basename(dirname(file)), within: meanAndDeviation(logs).deviation }];
    });
}

function print(...columns: readonly [string, ...string[]]): void {
  const widths = [58, 20, 13, 13, 18, 13];
  process.stdout.write(
    `${columns.map((text, i) => (i === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[i]!))).join('')}\n`,
  );
}
