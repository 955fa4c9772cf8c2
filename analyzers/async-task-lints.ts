// What tokio-console warns of, with its thresholds: https://github.com/tokio-rs/console/blob/main/tokio-console/src/warnings.rs
import { formatBytes, formatCount, formatDuration, formatShare } from '../src/base/format-units.ts';
import type { AsyncRecording } from '../src/model/async-tasks.ts';
import type { AsyncSite } from './async-tasks.ts';
import type { Finding } from './hot-path-findings.ts';

export type TaskLint = 'self-wakes' | 'lost-waker' | 'never-yielded' | 'auto-boxed-future' | 'large-future';

export interface AsyncTaskFinding extends Finding {
  readonly id: TaskLint;
  readonly program: number;
  /** The spawn site that all of them have. */
  readonly file: string;
  readonly line: number;
  readonly name: string;
  /** How many tasks, and tokio's numbers of the first of them. */
  readonly count: number;
  readonly taskIds: readonly number[];
}

const SELF_WAKE_SHARE = 0.5;
const UNYIELDED_NS = 1e9;
const LARGE_BYTES = 1024;
const IDS_TOLD = 20;

/** The warnings that hold of one task: not only now, but at any moment that the recording saw. */
export function taskLints({ tasks, strings }: AsyncRecording, row: number): TaskLint[] {
  const lints: TaskLint[] = [];
  const kind = strings[tasks.kind[row]!]!;
  const sizeBytes = tasks.sizeBytes[row]!;
  const originalBytes = tasks.originalSizeBytes[row]!;
  // What blocks by design is no finding; that the runtime boxed it still is.
  if (kind !== 'blocking' && kind !== 'block_on') {
    if (tasks.selfWakes[row]! > tasks.wakes[row]! * SELF_WAKE_SHARE) lints.push('self-wakes');
    if (!Number.isNaN(tasks.lostWakerNs[row]!)) lints.push('lost-waker');
    if (tasks.unyieldedNs[row]! >= UNYIELDED_NS) lints.push('never-yielded');
    if (sizeBytes >= LARGE_BYTES) lints.push('large-future');
  }
  if (originalBytes >= 0 && sizeBytes >= 0 && originalBytes !== sizeBytes) lints.push('auto-boxed-future');
  return lints;
}

/** One finding a lint and spawn site, the gravest kind first, then by how many tasks. */
export function findAsyncTaskFindings(
  recording: AsyncRecording,
  flagged: ReadonlyMap<TaskLint, ReadonlyMap<AsyncSite, readonly number[]>>,
): AsyncTaskFinding[] {
  const findings: AsyncTaskFinding[] = [];
  for (const lint of ORDER) {
    const ofLint: AsyncTaskFinding[] = [];
    for (const [site, rows] of flagged.get(lint) ?? []) {
      const who = site.name === '' ? `spawned at ${place(site)}` : `'${site.name}'`;
      const tasks = rows.length === 1 ? 'Task' : `${formatCount(rows.length)} tasks`;
      ofLint.push({
        id: lint,
        ...WORDS[lint](recording, rows, `${tasks} ${who}`, rows.length > 1),
        program: site.program,
        file: site.file,
        line: site.line,
        name: site.name,
        count: rows.length,
        taskIds: rows
          .slice(0, IDS_TOLD)
          .map(row => recording.tasks.taskId[row]!)
          .filter(id => id >= 0),
      });
    }
    findings.push(
      ...ofLint.sort(
        (a, b) => b.count - a.count || (`${a.file}:${a.line} ${a.name}` < `${b.file}:${b.line} ${b.name}` ? -1 : 1),
      ),
    );
  }
  return findings;
}

const ORDER: readonly TaskLint[] = ['lost-waker', 'never-yielded', 'self-wakes', 'auto-boxed-future', 'large-future'];

type Words = Pick<Finding, 'severity' | 'title' | 'detail' | 'evidence' | 'confidence'>;

const WORDS: Readonly<
  Record<TaskLint, (recording: AsyncRecording, rows: readonly number[], who: string, many: boolean) => Words>
> = {
  'lost-waker': ({ tasks }, rows, who, many) => ({
    severity: 'warning',
    title: `${who} ${many ? 'have' : 'has'} lost ${many ? 'their wakers' : 'its waker'} and will never be woken again`,
    detail:
      'A poll said that it is pending, and no waker is left: a future that returns Pending has to keep, or pass on, a clone of the waker that it was given.',
    evidence: `not polled for ${formatDuration(largest(rows, row => tasks.untilNs[row]! - tasks.lostWakerNs[row]!))}`,
    confidence: 0.95,
  }),
  'never-yielded': ({ tasks }, rows, who) => ({
    severity: 'warning',
    title: `${who} ran for ${formatDuration(largest(rows, row => tasks.unyieldedNs[row]!))} without yielding once`,
    detail:
      'Its worker thread served no other task meanwhile: move work that blocks or computes to spawn_blocking, or yield inside of it.',
    evidence: `at least, as the updates saw it; the limit is ${formatDuration(UNYIELDED_NS)}`,
    confidence: 1,
  }),
  'self-wakes': ({ tasks }, rows, who, many) => {
    const wakes = rows.reduce((sum, row) => sum + tasks.wakes[row]!, 0);
    const own = rows.reduce((sum, row) => sum + tasks.selfWakes[row]!, 0);
    return {
      severity: wakes < 10 * rows.length ? 'notice' : 'warning',
      title: `${who} woke ${many ? 'themselves' : 'itself'} ${formatShare(Math.min(1, own / wakes))} of the time`,
      detail: 'A task that wakes itself is polled again and again instead of waiting for what it needs.',
      evidence: `${formatCount(own)} of ${formatCount(wakes)} wakes`,
      confidence: wakes < 10 * rows.length ? 0.5 : 0.9,
    };
  },
  'auto-boxed-future': ({ tasks }, rows, who, many) => ({
    severity: 'notice',
    title: `${who} ${many ? 'were' : 'was'} boxed by the runtime because of ${many ? 'their' : 'its'} size`,
    detail: 'Spawning allocates and copies that much: box the large parts inside, or hold less across an await.',
    evidence: `the future was ${formatBytes(largest(rows, row => tasks.originalSizeBytes[row]!))}`,
    confidence: 1,
  }),
  'large-future': ({ tasks }, rows, who, many) => ({
    severity: 'notice',
    title: `${who} ${many ? 'are' : 'is a'} large future${many ? 's' : ''}`,
    detail:
      'What is held across an await is part of the future and is copied when it moves: box it, or drop it before.',
    evidence: `${formatBytes(largest(rows, row => tasks.sizeBytes[row]!))}; the limit is ${formatBytes(LARGE_BYTES)}`,
    confidence: 1,
  }),
};

function largest(rows: readonly number[], of: (row: number) => number): number {
  let most = 0;
  for (const row of rows) most = Math.max(most, of(row));
  return most;
}

function place({ file, line }: AsyncSite): string {
  return file === '' ? 'a place that is not known' : `${file}:${line}`;
}
