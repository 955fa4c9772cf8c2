import { globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { judgeGates } from '../../analyzers/diff/gate.ts';
import { parseGate } from '../../analyzers/diff/gate-expression.ts';
import { timeSeries } from '../../analyzers/diff/latency-diff.ts';
import { diffProfiles } from '../../analyzers/diff/profile-diff.ts';
import { meanAndDeviation, seededRandom } from '../../analyzers/statistics.ts';
import { sampledProfile } from '../analyzers/diff/sampled-profile.ts';
import { type LatencySpread, simulatedRun } from '../analyzers/diff/simulated-runs.ts';

/** Simulated comparisons behind each figure. */
const COMPARISONS = 500;

interface Case {
  readonly what: string;
  readonly spread: LatencySpread;
  readonly runs: number;
  readonly tasks: number;
}

/** What each column asks of a gate: the expression, and by what the median truly grew. */
const QUESTIONS: readonly (readonly [title: string, expression: string, factor: number])[] = [
  ['A/A, > +0%', 'p50 > +0%', 1],
  ['A/A, > +5%', 'p50 > +5%', 1],
  ['+10 %, > +0%', 'p50 > +0%', 1.1],
  ['+10 %, > +2%', 'p50 > +2%', 1.1],
  ['+10 %, > +5%', 'p50 > +5%', 1.1],
];

/** How often gates fail where nothing changed (at most 1 in 100 is promised), and how often they catch +10 %. */
export async function bench(): Promise<void> {
  const within = (percent: number, runs: number, tasks: number, between = 0, warmUp = 0): Case => ({
    what: `tasks ±${percent} %${between > 0 ? `, runs ±${between} %` : ''}${warmUp > 0 ? `, the first ${warmUp + 1} times as long` : ''}`,
    spread: { within: percent / 100, between: between / 100, warmUp },
    runs,
    tasks,
  });
  const cases: Case[] = [
    within(2.5, 1, 10),
    within(5, 1, 10),
    within(5, 1, 10, 0, 3),
    within(5, 1, 50),
    within(5, 5, 10, 1),
    within(10, 5, 10, 1),
    within(20, 1, 10),
    within(20, 5, 50, 1),
    within(5, 1, 50, 2),
    ...recorded().flatMap(({ name, within: deviation }) =>
      [
        [1, 10],
        [5, 50],
      ].map(([runs, tasks]) => ({
        what: `recorded, ${name}: tasks ±${(deviation * 100).toFixed(0)} %`,
        spread: { within: deviation, between: 0 },
        runs: runs!,
        tasks: tasks!,
      })),
    ),
  ];
  print('latencies (log-normal)', 'runs × tasks a side', ...QUESTIONS.map(([title]) => title));
  for (const one of cases) {
    print(
      one.what,
      `${one.runs} × ${one.tasks}`,
      ...QUESTIONS.map(([, expression, factor]) => rate(one, expression, factor)),
    );
  }
  print('One run a side does not tell how much runs differ: the row of 1 × 50 with runs ±2 % is what that costs.');
  print('profiles', 'samples a side', 'A/A, > +0pt', '30 → 33 %, > +1pt');
  for (const samples of [1000, 5000, 20_000]) {
    print('self of one function', `${samples}`, shareRate(samples, 0.3, '+0pt'), shareRate(samples, 0.33, '+1pt'));
  }
}

function rate({ spread, runs, tasks }: Case, expression: string, factor: number): string {
  const gate = parseGate(expression);
  let failed = 0;
  for (let seed = 1; seed <= COMPARISONS; seed++) {
    const random = seededRandom(seed);
    const side = (f: number): ReturnType<typeof simulatedRun>[] =>
      Array.from({ length: runs }, () => simulatedRun(tasks, f, spread, random));
    const series = timeSeries(side(1), side(factor));
    const times = { latencies: [], operations: [], phases: [], series };
    if (!judgeGates([gate], { profile: undefined, times })[0]!.held) failed++;
  }
  return `${((failed / COMPARISONS) * 100).toFixed(1)} %`;
}

function shareRate(samples: number, share: number, threshold: string): string {
  const gate = parseGate(`self(hot) > ${threshold}`);
  const comparisons = 200;
  let failed = 0;
  for (let seed = 1; seed <= comparisons; seed++) {
    const random = seededRandom(seed);
    const profile = diffProfiles(
      [sampledProfile({ 'main;hot': 0.3, 'main;rest': 0.7 }, samples, random)],
      [sampledProfile({ 'main;hot': share, 'main;rest': 1 - share }, samples, random)],
    );
    if (!judgeGates([gate], { profile, times: undefined })[0]!.held) failed++;
  }
  return `${((failed / comparisons) * 100).toFixed(1)} %`;
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
  const widths = [56, 20, 12, 12, 14, 14, 14];
  process.stdout.write(
    `${columns.map((text, i) => (i === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[i] ?? 18))).join('')}\n`,
  );
}
