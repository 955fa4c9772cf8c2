import { PROFILERS } from '../../../collectors/profilers/list.ts';
import type { Profiler, ProfilerOption, ProfilerStatus, Runtime } from '../../../collectors/profilers/profiler.ts';
import { TprofError } from '../../base/errors.ts';
import type { CaptureManifest } from '../../model/capture.ts';
import { runtimeOfProcess } from './attach-targets.ts';
import type { RecordOptions } from './record-options.ts';
import type { Target } from './target.ts';

export interface ChosenProfiler {
  readonly profiler: Profiler;
  readonly status: Extract<ProfilerStatus, { usable: true }>;
  /** When attaching: the processes that are its; empty where it starts the target. */
  readonly pids: readonly number[];
}

export interface Choice {
  readonly chosen: readonly ChosenProfiler[];
  /** What `auto` picked and why; undefined where the user chose. */
  readonly line: string | undefined;
}

/** The profilers of a recording: around `target`, or beside the processes `pids` where that is undefined. */
export async function chooseProfilers(
  options: RecordOptions,
  target: Target | undefined,
  pids: readonly number[],
): Promise<Choice> {
  const ids = options.profiler;
  if (ids.includes('none')) {
    if (ids.length > 1) throw new TprofError('usage', `--profiler none goes with no other: ${ids.join(',')}`);
    return { chosen: [], line: undefined };
  }
  if (!ids.includes('auto')) {
    const profilers = [...new Set(ids)].map(profilerById);
    for (const profiler of profilers) requireOptions(profiler, options);
    requireShareable(profilers);
    return { chosen: await Promise.all(profilers.map(profiler => requireUsable(profiler, pids))), line: undefined };
  }
  if (ids.length > 1) throw new TprofError('usage', `--profiler auto goes with no other: ${ids.join(',')}`);
  return target === undefined ? autoAttached(pids, options) : auto(target, options);
}

/** A program that is only listened to, perhaps on another machine: there is no process to profile. */
export function withoutProfilers(ids: readonly string[]): Choice {
  const asked = ids.filter(id => id !== 'none' && id !== 'auto');
  if (asked.length === 0) return { chosen: [], line: undefined };
  throw new TprofError('usage', `${asked.join(', ')} needs a command to run, or --pid or --name of what runs already`, {
    hint: 'tprof record --pid 123 --tokio-console :6669 --duration 10s',
  });
}

function profilerById(id: string): Profiler {
  const profiler = PROFILERS.find(p => p.id === id);
  if (profiler !== undefined) return profiler;
  throw new TprofError('usage', `there is no profiler '${id}'`, {
    hint: `there are: auto, none, ${PROFILERS.map(p => p.id).join(', ')}; tprof doctor says which work here`,
  });
}

/** Some tools start the target in their own way, and would be profiled themselves by another. */
function requireShareable(profilers: readonly Profiler[]): void {
  const alone = profilers.find(profiler => profiler.alone === true);
  const other = profilers.find(profiler => profiler !== alone);
  if (alone === undefined || other === undefined) return;
  throw new TprofError(
    'usage',
    `${alone.id} starts the target in its own way and cannot share a run with ${other.id}`,
    {
      hint: `record twice: --profiler ${alone.id}, then --profiler ${other.id}`,
    },
  );
}

/** What was asked for by name has to be there: recording something else instead would be no answer. */
async function requireUsable(profiler: Profiler, pids: readonly number[]): Promise<ChosenProfiler> {
  if (!profiler.platforms.includes(process.platform)) {
    throw new TprofError('run-cannot-begin', `${profiler.id} does not run on ${process.platform}`, {
      hint: 'tprof doctor lists the profilers that do',
    });
  }
  const status = await profiler.check();
  if (status.usable) return { profiler, status, pids };
  throw new TprofError('run-cannot-begin', `${profiler.id} cannot be used: ${status.reason}`, { hint: status.hint });
}

/** An option that the profiler would not honour is an error that names those that do. */
function requireOptions(profiler: Profiler, options: RecordOptions): void {
  const given: readonly (readonly [ProfilerOption, boolean])[] = [
    ['frequency', options.frequency !== undefined],
    ['call-graph', options.callGraph !== undefined],
    ['event', options.event !== undefined],
    ['children', options.children === true],
  ];
  for (const [option, isGiven] of given) {
    if (!isGiven || profiler.options.includes(option)) continue;
    throw new TprofError('usage', `${profiler.id} has no --${option}`, {
      hint: others(p => p.options.includes(option)),
    });
  }
  if ((options.pid !== undefined || options.name !== undefined) && !profiler.attaches) {
    throw new TprofError('usage', `${profiler.id} cannot watch processes that already run`, {
      hint: others(p => p.attaches),
    });
  }
}

function others(fits: (profiler: Profiler) => boolean): string {
  const ids = PROFILERS.filter(fits).map(p => p.id);
  return ids.length === 0 ? 'no profiler of this version can' : `these can: --profiler ${ids.join(' | ')}`;
}

async function auto(target: Target, options: RecordOptions): Promise<Choice> {
  const { runtime } = target;
  if (runtime === 'node' || runtime === 'script') {
    const profiler = profilerById('node-cpu');
    requireOptions(profiler, options);
    const what = runtime === 'node' ? '' : '; of what it starts, Node processes are profiled';
    return { chosen: [await requireUsable(profiler, [])], line: `profiling with node-cpu: ${target.because}${what}` };
  }
  const fitting = PROFILERS.filter(p => p.measures.includes('cpu') && p.runtimes.includes(runtime));
  // perf names Python's functions from 3.12 on alone; what is made for a runtime names them in every version of it.
  if (runtime === 'python') fitting.sort((a, b) => a.runtimes.length - b.runtimes.length);
  return firstUsable(fitting, target.because, [], options);
}

/** What a profile of time is worth beside a profiler that changes the times of its target. */
export function distortedTimes(chosen: readonly ChosenProfiler[]): CaptureManifest['losses'] {
  const timed = chosen.filter(({ profiler }) => profiler.measures.includes('cpu')).map(({ profiler }) => profiler.id);
  if (timed.length === 0) return [];
  return chosen.flatMap(({ profiler: { id, distorts } }) =>
    distorts === undefined
      ? []
      : [
          {
            what: `undisturbed times: those of ${timed.join(' and ')} hold the cost of ${id}`,
            count: 1,
            why: distorts,
          },
        ],
  );
}

/** Each process gets the tool that fits its runtime; where none does for one of them, that is said. */
async function autoAttached(pids: readonly number[], options: RecordOptions): Promise<Choice> {
  const groups = new Map<Runtime, number[]>();
  for (const pid of pids) {
    const runtime = runtimeOfProcess(pid);
    groups.set(runtime, [...(groups.get(runtime) ?? []), pid]);
  }
  const chosen: ChosenProfiler[] = [];
  const lines: string[] = [];
  for (const [runtime, group] of [...groups].sort()) {
    const fitting = PROFILERS.filter(p => p.attaches && p.measures.includes('cpu') && p.runtimes.includes(runtime));
    // Node's own profiler needs no right and names every function; others see Node as one program among many.
    fitting.sort((a, b) => a.runtimes.length - b.runtimes.length);
    const because = `${RUNTIME_WORDS[runtime]}: pid ${group.join(', ')}`;
    const choice = await firstUsable(fitting, because, group, options);
    for (const found of choice.chosen) {
      const known = chosen.findIndex(c => c.profiler === found.profiler);
      // One run of a tool for all of its processes: two would write the same files.
      if (known === -1) chosen.push(found);
      else chosen[known] = { ...found, pids: [...(chosen[known]?.pids ?? []), ...found.pids] };
    }
    lines.push(choice.line ?? '');
  }
  if (chosen.length === 0) {
    throw new TprofError('run-cannot-begin', 'no profiler that can attach to these processes works here', {
      hint: lines.join('; '),
    });
  }
  return { chosen, line: lines.join('\ntprof: ') };
}

const RUNTIME_WORDS: Readonly<Record<Runtime, string>> = { node: 'Node', native: 'native', python: 'Python' };

/** In the list's order, which is that of preference. Where none works, spans are recorded alone, and that is said. */
async function firstUsable(
  fitting: readonly Profiler[],
  because: string,
  pids: readonly number[],
  options: RecordOptions,
): Promise<Choice> {
  let missing: { profiler: Profiler; reason: string; hint: string } | undefined;
  for (const profiler of fitting) {
    if (!profiler.platforms.includes(process.platform)) continue;
    const status = await profiler.check();
    if (status.usable) {
      requireOptions(profiler, options);
      return { chosen: [{ profiler, status, pids }], line: `profiling with ${profiler.id}: ${because}` };
    }
    missing ??= { profiler, reason: status.reason, hint: status.hint };
  }
  const why =
    missing === undefined
      ? 'no profiler of this version is made for it'
      : `${missing.profiler.id} cannot be used (${missing.reason}); mend it with: ${missing.hint}`;
  return { chosen: [], line: `recording spans alone: ${because}, and ${why}` };
}
