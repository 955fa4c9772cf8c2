import { type Command, InvalidArgumentError } from 'commander';
import { analyzeOverhead, type OverheadResult, type OverheadRound, SELF_CPU } from '../../../analyzers/overhead.ts';
import type { RunResult } from '../../../collectors/run-command.ts';
import { watchStopSignals } from '../../../collectors/stop-signals.ts';
import { TprofError } from '../../base/errors.ts';
import { type CliContext, type CommonOptions, say } from '../context.ts';

export interface OverheadOptions {
  readonly measureOverhead?: boolean;
  readonly rounds?: number;
}

const DEFAULT_ROUNDS = 5;
const MOST_ROUNDS = 1000;

/** Adds the flags that measure what watching costs. */
export function withOverheadOptions(command: Command): Command {
  return command
    .option('--measure-overhead', 'then run the command again, unwatched and watched in turn: what watching costs')
    .option('--rounds <n>', `with --measure-overhead: runs each way (default: ${DEFAULT_ROUNDS})`, rounds);
}

function rounds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MOST_ROUNDS) {
    throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_ROUNDS}.`);
  }
  return value;
}

/** What cannot be measured is refused before anything runs. */
export function requireMeasurable(
  { measureOverhead, rounds: wanted }: OverheadOptions,
  { attaches, durationMs }: { readonly attaches: boolean; readonly durationMs: number | undefined },
): void {
  if (measureOverhead !== true) {
    if (wanted === undefined) return;
    throw new TprofError('usage', '--rounds goes with --measure-overhead', {
      hint: 'tprof record --measure-overhead --rounds 10 -- ./bench',
    });
  }
  if (attaches) {
    throw new TprofError(
      'usage',
      '--measure-overhead runs a command again and again, and what runs already cannot be run again',
      { hint: 'tprof record --measure-overhead -- ./bench' },
    );
  }
  if (durationMs !== undefined) {
    throw new TprofError('usage', '--measure-overhead compares how long the command takes, and --duration ends it', {
      hint: 'leave --duration away, and give the command an end of its own: tprof record --measure-overhead -- e2e linear --tasks 50',
    });
  }
}

/** One run of the command: how it ended, and what it measured of itself. */
export interface TimedRun {
  readonly result: Pick<RunResult, 'exit' | 'durationNs' | 'stoppedBy'>;
  /** Further measures by id, ns. */
  readonly measures: Readonly<Record<string, number>>;
}

type Way = 'unwatched' | 'watched';
const UNWATCHED_FIRST: readonly Way[] = ['unwatched', 'watched'];
const WATCHED_FIRST: readonly Way[] = ['watched', 'unwatched'];

export interface OverheadPlan {
  readonly options: OverheadOptions & CommonOptions;
  readonly context: CliContext;
  /** How the recorded run ended: a run that ends otherwise did something else. */
  readonly exit: RunResult['exit'];
  /** The recording was stopped: there is nothing to compare runs with. */
  readonly stopped: boolean;
  readonly watchedBy: readonly string[];
  readonly measures: readonly { readonly id: string; readonly what: string }[];
  /** Runs the command without its output, as it is, or with everything around it that the recording had. */
  readonly run: (how: Way) => Promise<TimedRun & { readonly selfCpuNs?: number }>;
}

/**
 * Alternates unwatched and watched runs; which comes first is drawn, and turns from round to round. The first stop
 * signal ends it with the rounds that are whole.
 */
export async function measureOverhead(plan: OverheadPlan): Promise<OverheadResult> {
  const { options, context, exit } = plan;
  const requestedRounds = options.rounds ?? DEFAULT_ROUNDS;
  const about = { requestedRounds, watchedBy: plan.watchedBy, measures: plan.measures };
  if (plan.stopped) return analyzeOverhead([], { ...about, failedRuns: 0, interrupted: true });
  say(
    context,
    options,
    `tprof: measuring what watching costs: ${2 * requestedRounds} more runs of the command, without its output; Ctrl-C ends it with what was measured`,
  );
  const done: OverheadRound[] = [];
  let failedRuns = 0;
  let interrupted = false;
  // Between two runs, too, a Ctrl-C must not end tprof before it has written what there is.
  const signals = watchStopSignals(() => {
    interrupted = true;
  });
  const progress = startProgress(context, options, 2 * requestedRounds);
  try {
    const drawn = Math.random() < 0.5;
    for (let round = 0; round < requestedRounds && !interrupted; round++) {
      const first = (round % 2 === 0) === drawn ? 'unwatched' : 'watched';
      const measured: Partial<Record<Way, Record<string, number>>> = {};
      for (const how of first === 'unwatched' ? UNWATCHED_FIRST : WATCHED_FIRST) {
        if (interrupted) break;
        progress.next(how);
        const { result, measures, selfCpuNs } = await plan.run(how);
        if (result.stoppedBy !== undefined) interrupted = true;
        else if (result.exit.code !== exit.code || result.exit.signal !== exit.signal) failedRuns++;
        else {
          const self = selfCpuNs === undefined ? {} : { [SELF_CPU]: selfCpuNs };
          measured[how] = { wall: result.durationNs, ...measures, ...self };
        }
      }
      const { unwatched, watched } = measured;
      if (unwatched !== undefined && watched !== undefined) done.push({ first, unwatched, watched });
      // What fails every time would be run for nothing.
      if (failedRuns >= 3 && done.length === 0) break;
    }
  } catch (error) {
    // The capture is complete, and the exit code is the recorded run's: a run that could not begin takes neither away.
    if (!(error instanceof TprofError)) throw error;
    failedRuns++;
    context.stderr.write(`tprof: a run could not begin: ${error.message}\n`);
  } finally {
    progress.end();
    signals.close();
  }
  return analyzeOverhead(done, { ...about, failedRuns, interrupted });
}

function startProgress(
  context: CliContext,
  options: CommonOptions,
  total: number,
): { next(how: string): void; end(): void } {
  const shows = context.stderr.isTTY === true && options.quiet !== true;
  let count = 0;
  return {
    next(how) {
      count++;
      if (shows) context.stderr.write(`\r\u001b[Krun ${count} of ${total}: ${how}`);
    },
    end() {
      if (shows) context.stderr.write('\r\u001b[K');
    },
  };
}
