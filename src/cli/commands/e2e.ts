import { constants } from 'node:os';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readStatementTimes } from '../../../collectors/postgres-statement-times.ts';
import { readPostgresTables } from '../../../collectors/postgres-tables.ts';
import { PostgresConnection } from '../../../collectors/probes/postgres-connection.ts';
import { COUNTS_PATH } from '../../../collectors/receivers/otlp-http.ts';
import { RUN_MARK } from '../../../collectors/run-command.ts';
import { runOnCluster } from '../../../examples/tasker-lite/cluster.ts';
import { type RunOptions, runWorkload, type TaskResult } from '../../../examples/tasker-lite/run.ts';
import { findScenario, SCENARIOS, type Scenario } from '../../../examples/tasker-lite/scenarios.ts';
import { SLOWABLE, type Slowness } from '../../../examples/tasker-lite/slowness.ts';
import { WorkloadError } from '../../../examples/tasker-lite/workload-error.ts';
import { TprofError } from '../../base/errors.ts';
import { formatCount, formatDuration } from '../../base/format-units.ts';
import { unreachable } from '../../base/unreachable.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { type E2eResult, e2eResult } from '../e2e-result.ts';
import { e2eView } from '../e2e-view.ts';
import { emitReport, withCommonOptions, writeFileWhole } from '../output.ts';

interface E2eOptions extends CommonOptions {
  readonly tasks: number;
  readonly concurrency?: number;
  readonly workers?: number;
  readonly orchestrations?: number;
  readonly cluster?: readonly string[];
  readonly pollMs: number;
  readonly timeout?: number;
  readonly context?: Record<string, unknown>;
  readonly durable?: boolean;
  readonly emit: 'conventions' | 'tasker';
  readonly statementLog?: string;
  readonly slow: Slowness;
  readonly slowInTurn?: Slowness;
  readonly rows?: string;
}

const ONE_OF_EACH = { orchestrations: 1, workers: 1, concurrency: 1 };

/** `tprof e2e SCENARIO` */
export function e2eCommand(context: CliContext): Command {
  const command = new Command('e2e')
    .description('Run workflow tasks from end to end: on the embedded workload, or on a Tasker that already runs.')
    .argument('<scenario>', `one of: ${SCENARIOS.map(scenario => scenario.id).join(', ')}`)
    .option('--tasks <n>', 'how many tasks', positiveInteger, 10)
    .option('--concurrency <n>', 'tasks under way at once (default: 1, or what the scenario is about)', positiveInteger)
    .option('--workers <n>', 'worker processes of the embedded workload (default: 1)', positiveInteger)
    .option('--orchestrations <n>', 'orchestration processes of the embedded workload (default: 1)', positiveInteger)
    .option('--cluster <urls>', "REST addresses of a running Tasker's orchestrations, used in turn", urls)
    .option('--poll-ms <ms>', 'with --cluster: time between two looks at a task', positiveInteger, 20)
    .option('--timeout <s>', 'a task that takes longer counts as failed (default: by scenario)', positiveInteger)
    .option('--context <json>', "replaces parts of the tasks' context", jsonObject)
    .addOption(
      new Option('--emit <style>', 'what the embedded workload emits: spans by the conventions, or what Tasker does')
        .choices(['conventions', 'tasker'])
        .default('conventions'),
    )
    .option('--durable', 'let the embedded PostgreSQL wait for the disk at each commit')
    .option(
      '--slow <name=time>',
      'let an operation of the embedded workload take longer, e.g. complete-transition=5ms; repeatable',
      slower,
      {},
    )
    .option(
      '--slow-in-turn <name=time>',
      'the same in every other round of tasks, so that with and without can be compared; repeatable',
      slower,
    )
    .option('--rows <file>', "save the embedded workload's tables after the run, as tprof breakdown --rows takes them")
    .option('--statement-log <file>', 'let the embedded PostgreSQL log each statement with its parameters')
    .addHelpText(
      'after',
      `
Scenarios:
${SCENARIOS.map(scenario => `  ${scenario.id.padEnd(16)}${scenario.title}`).join('\n')}

The embedded workload starts a PostgreSQL of its own, or uses the one that DATABASE_URL names, in a schema of its own.
Its messages go through that database, or through the RabbitMQ that AMQP_URL names.

Examples:
  $ tprof e2e linear                                      ten tasks, one at a time
  $ tprof e2e diamond --tasks 100 --concurrency 4 --json  everything, for a program
  $ tprof record -- e2e linear --tasks 50                 the same, watched
  $ tprof record -- e2e linear --slow send-step=5ms       what a slower step costs the whole
  $ tprof record -o out -- e2e linear --rows out/rows.json    with the tables beside the spans
  $ tprof e2e linear --cluster http://localhost:8080      on a Tasker that already runs`,
    )
    .action(async (id: string, options: E2eOptions) => {
      const scenario = findScenario(id);
      if (scenario === undefined) {
        throw new TprofError('usage', `there is no scenario ${id}`, {
          hint: `expected one of: ${SCENARIOS.map(known => known.id).join(', ')}`,
        });
      }
      const result = await runE2e(scenario, options, context);
      if (result === undefined) return;
      await emitReport(context, options, { title: `e2e ${id}`, result, blocks: () => e2eView(result) });
      if (result.failed > 0 && context.exitCode === 0) context.exitCode = 1;
    });
  return withCommonOptions(command);
}

/** Undefined where the run broke off: the sentence is said, the exit code set. */
async function runE2e(scenario: Scenario, options: E2eOptions, context: CliContext): Promise<E2eResult | undefined> {
  const progress = new Progress(context, options);
  const abort = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    // The first one ends the run in good order, the next one the process; a watchdog cleans up then.
    if (abort.signal.aborted) process.exit(128 + constants.signals[signal]);
    context.exitCode = 128 + constants.signals[signal];
    abort.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const shape = { ...ONE_OF_EACH, ...scenario.shape };
  const concurrency = options.concurrency ?? shape.concurrency;
  const common = {
    scenario,
    tasks: options.tasks,
    concurrency,
    signal: abort.signal,
    onTask: (done: number, result: TaskResult) => progress.task(done, result),
    ...(options.context === undefined ? {} : { context: options.context }),
  };
  try {
    const { cluster } = options;
    if (cluster !== undefined) {
      if (Object.keys(options.slow).length > 0 || options.slowInTurn !== undefined) {
        throw new TprofError('usage', '--slow is for the embedded workload: a Tasker that runs cannot be slowed', {
          hint: 'leave --cluster or --slow out',
        });
      }
      const timeoutS = options.timeout ?? scenario.timeoutS;
      const run = await runOnCluster({ ...common, urls: cluster, pollMs: options.pollMs, timeoutS });
      const target = { embedded: false, urls: cluster, processes: [] };
      return result(run, target, options.pollMs);
    }
    progress.stage('starting PostgreSQL, orchestration and workers');
    const run = await runWorkload({
      ...common,
      workers: options.workers ?? shape.workers,
      orchestrations: options.orchestrations ?? shape.orchestrations,
      env: context.env,
      durable: options.durable === true,
      slowness: options.slow,
      ...(options.slowInTurn === undefined ? {} : { slowInTurn: options.slowInTurn }),
      emit: options.emit,
      onStarted: () => progress.stage('running'),
      ...(options.timeout === undefined ? {} : { timeoutS: options.timeout }),
      ...(options.rows === undefined ? {} : { onEnded: saveRows(resolve(context.cwd, options.rows)) }),
      ...(options.statementLog === undefined ? {} : { statementLog: resolve(context.cwd, options.statementLog) }),
    });
    const { urls, processes, messaging } = run.running;
    return result(run, { embedded: true, urls, processes, messaging }, undefined);
  } catch (error) {
    if (!(error instanceof WorkloadError)) throw error;
    progress.clear();
    return brokenOff(error, context);
  } finally {
    progress.clear();
    for (const signal of signals) process.off(signal, onSignal);
  }

  function result(
    run: { tasks: readonly TaskResult[]; wallMs: number; aborted: boolean },
    target: E2eResult['target'],
    pollMs: number | undefined,
  ): E2eResult {
    return e2eResult({
      scenario,
      target,
      concurrency,
      requested: options.tasks,
      aborted: run.aborted,
      wallMs: run.wallMs,
      tasks: run.tasks,
      pollMs,
    });
  }
}

/** Tables of the run's tasks, and what the server counted of each statement, written whole or not at all. */
function saveRows(file: string): NonNullable<RunOptions['onEnded']> {
  return async ({ url }, tasks) => {
    const connection = new PostgresConnection(url, '--rows');
    try {
      const { document } = await readPostgresTables(connection, tasks);
      const times = await readStatementTimes(connection);
      const pg_stat_statements = 'why' in times ? [] : times.statements;
      await writeFileWhole(file, `${JSON.stringify({ ...document, pg_stat_statements })}\n`);
    } finally {
      await connection.close();
    }
  };
}

/** What is missing becomes a TprofError; a run that broke is a failed run. */
function brokenOff(error: WorkloadError, context: CliContext): undefined {
  const options = error.hint === undefined ? { cause: error } : { hint: error.hint, cause: error };
  switch (error.kind) {
    case 'machine':
      throw new TprofError('machine-lacks', error.message, options);
    case 'missing':
      throw new TprofError('input-missing', error.message, options);
    case 'run':
      context.stderr.write(`tprof: ${error.message}\n`);
      if (error.hint !== undefined) context.stderr.write(`  ${error.hint}\n`);
      if (context.exitCode === 0) context.exitCode = 1;
      return undefined;
    default:
      return unreachable(error.kind);
  }
}

/** Twice a second: an answer costs the receiver less than a batch does. */
const ASK_EVERY_MS = 500;

/** One line on a terminal that is written over: tasks done, and how long the rest will take. */
class Progress {
  readonly #context: CliContext;
  readonly #tasks: number;
  readonly #shown: boolean;
  #firstMs = 0;
  #text = '';
  /** Spans that the receiver beside us had when it was last asked. */
  #spans: number | undefined;
  #asking: NodeJS.Timeout | undefined;

  constructor(context: CliContext, options: E2eOptions) {
    this.#context = context;
    this.#tasks = options.tasks;
    this.#shown = context.stderr.isTTY === true && options.quiet !== true;
    const receiver = context.env[RUN_MARK] === undefined ? undefined : context.env.OTEL_EXPORTER_OTLP_ENDPOINT;
    if (!this.#shown || receiver === undefined) return;
    this.#asking = setInterval(() => void this.#ask(`${receiver}${COUNTS_PATH}`), ASK_EVERY_MS);
    this.#asking.unref();
  }

  async #ask(url: string): Promise<void> {
    try {
      this.#spans = ((await (await fetch(url)).json()) as { spans: number }).spans;
      if (this.#text !== '') this.#write();
    } catch {
      // A collector of the user's, or none any more: then the line goes without.
      clearInterval(this.#asking);
    }
  }

  /** A stage of the run; time left is counted from the last one. */
  stage(text: string): void {
    this.#firstMs = performance.now();
    this.#show(text);
  }

  task(done: number, last: TaskResult): void {
    const leftNs = ((performance.now() - this.#firstMs) / done) * (this.#tasks - done) * 1e6;
    const left = done < this.#tasks ? `, ${formatDuration(leftNs)} left` : '';
    this.#show(`${done}/${this.#tasks} tasks, the last in ${formatDuration(last.latencyMs * 1e6)}${left}`);
  }

  clear(): void {
    clearInterval(this.#asking);
    this.#show('');
  }

  #show(text: string): void {
    this.#text = text;
    this.#write();
  }

  #write(): void {
    const spans = this.#text === '' || this.#spans === undefined ? '' : `, ${formatCount(this.#spans)} spans received`;
    if (this.#shown) this.#context.stderr.write(`\r\x1b[K${this.#text}${spans}`);
  }
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}

const UNIT_MS: Readonly<Record<string, number>> = { us: 1e-3, µs: 1e-3, ms: 1, s: 1e3 };

function slower(text: string, sofar: Slowness = {}): Slowness {
  const [, name = '', digits = '', unit = ''] = /^([\w-]+)=(\d+(?:\.\d+)?)(us|µs|ms|s)$/.exec(text) ?? [];
  const operation = SLOWABLE.find(known => known === name);
  if (operation !== undefined) return { ...sofar, [operation]: Number(digits) * (UNIT_MS[unit] ?? 1) };
  if (name === '') throw new InvalidArgumentError('expected NAME=TIME, e.g. complete-transition=5ms');
  throw new InvalidArgumentError(`there is no operation ${name}; there are: ${SLOWABLE.join(', ')}`);
}

function urls(text: string): string[] {
  const list = text.split(',').filter(part => part !== '');
  for (const url of list) {
    if (!/^https?:\/\/[^/]/.test(url)) throw new InvalidArgumentError(`expected http://HOST:PORT, found ${url}`);
  }
  if (list.length === 0) throw new InvalidArgumentError('expected http://HOST:PORT');
  return list;
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('expected a JSON object');
}
