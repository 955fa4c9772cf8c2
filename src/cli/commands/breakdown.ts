import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { analyzeLifecycle, breakdownOf } from '../../../analyzers/lifecycle/breakdown.ts';
import type { BreakdownResult } from '../../../analyzers/lifecycle/breakdown-result.ts';
import type { Catalog } from '../../../analyzers/lifecycle/catalog.ts';
import { parseCatalog } from '../../../analyzers/lifecycle/catalog-parse.ts';
import { parseRows, type Rows } from '../../../analyzers/lifecycle/evidence/rows.ts';
import { wantedAttributes } from '../../../analyzers/lifecycle/recogniser.ts';
import { TASKER_CATALOG } from '../../../analyzers/lifecycle/tasker-catalog.ts';
import { type ServerStatement, serverTimes } from '../../../analyzers/server-times.ts';
import { parseWhatIf, replayWhatIf } from '../../../analyzers/workflow/what-if.ts';
import { analyzeWorkflow } from '../../../analyzers/workflow.ts';
import { fileSource } from '../../../collectors/file-source.ts';
import { TprofError } from '../../base/errors.ts';
import { formatCount } from '../../base/format-units.ts';
import type { Source } from '../../base/source.ts';
import { type Warning, Warnings } from '../../base/warnings.ts';
import { CaptureFile } from '../../model/capture.ts';
import type { Trace } from '../../model/trace.ts';
import type { Block } from '../../report/block.ts';
import { breakdownView } from '../../report/breakdown-view.ts';
import { serverTimesView } from '../../report/server-times-view.ts';
import { workflowView } from '../../report/workflow-view.ts';
import { type DatabaseEvidence, readDatabase, recordedStatements } from '../breakdown-database.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { openTraceInputs } from '../inputs.ts';
import { emitReport, withCommonOptions, writeStdout } from '../output.ts';
import { readJsonFile } from '../read-json-file.ts';
import { isRows, readRowsDocument, statementsOfDocument } from '../rows-input.ts';

interface BreakdownCommandOptions extends CommonOptions {
  readonly from?: string;
  readonly top: number;
  readonly task?: string;
  readonly rows?: string;
  readonly postgres?: string;
  readonly catalog?: string;
  readonly printCatalog?: boolean;
  readonly whatIf: readonly string[];
}

/** `tprof breakdown INPUT…` */
export function breakdownCommand(context: CliContext): Command {
  const command = new Command('breakdown')
    .description(
      "Break each workflow step's life into its operations, waits, handler and own code, to the last nanosecond.",
    )
    .argument(
      '[input...]',
      'capture folder, traces and logs (.gz, .zst too; several are joined), or - for standard input',
    )
    .option('--task <uuid>', 'only this task, part by part: its id, or the beginning of it')
    .option('--rows <file>', "the orchestrator's tables after the run, as JSON (.gz, .zst too)")
    .option('--postgres <url>', "the orchestrator's database: its tables, and the server's own time of each statement")
    .option('--catalog <file>', 'how to recognise another orchestrator: JSON of the shape that --print-catalog writes')
    .option('--print-catalog', 'write the built-in catalogue as JSON, and nothing else')
    .option(
      '--what-if <expr>',
      'replay the steps with something changed: NAME=-30%, +5ms, 20ms or 0; repeatable',
      more,
      [],
    )
    .option('--top <n>', 'rows in each list', positiveInteger, 20)
    .option('--from <format>', 'read the input as this format instead of detecting it')
    .addHelpText(
      'after',
      `
Examples:
  $ tprof breakdown capture/                                  what tprof record or receive left behind
  $ tprof breakdown traces.jsonl.gz logs.jsonl.gz --rows rows.json.gz
  $ tprof breakdown capture/ --postgres postgresql://tasker@localhost/tasker_production
  $ tprof breakdown capture/ --task 01a1fbe8                  one task, part by part
  $ tprof breakdown capture/ --what-if 'result-processing=-30%'
  $ tprof breakdown capture/ --json | jq '.operations[] | {id, p95Ns}'`,
    )
    .action(async (inputs: string[], options: BreakdownCommandOptions) => {
      if (options.printCatalog === true) {
        await writeStdout(context, `${JSON.stringify(TASKER_CATALOG, null, 2)}\n`);
        return;
      }
      if (inputs.length === 0) {
        throw new TprofError('usage', 'tprof breakdown needs an input', { hint: 'tprof breakdown CAPTURE, or --help' });
      }
      const whatIfs = options.whatIf.map(parseWhatIf);
      const catalog = options.catalog === undefined ? undefined : await readCatalog(options.catalog, context);
      const named = options.rows === undefined ? undefined : await readRows(options.rows, context);
      const { trace, captures, others } = await openTraceInputs(inputs, context, {
        needs: 'a trace',
        accept: isRows,
        attributes: wantedAttributes(catalog ?? TASKER_CATALOG),
        ...(options.from === undefined ? {} : { from: options.from }),
      });
      const given = named ?? (await rowsBeside(others, captures));
      const asked = {
        inputs: options.rows === undefined ? inputs : [...inputs, options.rows],
        ...(catalog === undefined ? {} : { catalog }),
        ...(given === undefined ? {} : { rows: given.rows }),
        ...(options.task === undefined ? {} : { task: options.task.toLowerCase() }),
      };
      let lifecycle = analyzeLifecycle(trace, asked);
      let result = breakdownOf(lifecycle, trace, asked);
      expectSteps(result, trace, inputs.join(' '), options.task);
      let database: DatabaseEvidence | undefined;
      if (options.postgres !== undefined) {
        const uuids = result.tasks.map(task => task.taskUuid).filter(uuid => UUID.test(uuid));
        database = await readDatabase(options.postgres, uuids, given === undefined, done =>
          progress(context, options, `rows of ${formatCount(done)} of ${formatCount(uuids.length)} tasks`),
        );
        progress(context, options, '');
        if (database.rows !== undefined) {
          const withRows = { ...asked, rows: database.rows };
          lifecycle = analyzeLifecycle(trace, withRows);
          result = breakdownOf(lifecycle, trace, withRows);
        }
      }
      const statements =
        database?.statements ??
        (given !== undefined && given.statements.length > 0
          ? { list: given.statements, counted: 'with the tables' }
          : options.postgres === undefined
            ? await recordedStatements(captures)
            : undefined);
      const server = statements === undefined ? new Map() : serverTimes(lifecycle, statements.list, database?.schema);
      const operations = result.operations.map(operation => {
        const time = server.get(`${operation.phase}/${operation.id}`);
        return time === undefined ? operation : { ...operation, server: time };
      });
      const warnings = [...result.warnings, ...databaseWarnings(database)];
      result = { ...result, operations, warnings };
      // A task of which steps are missing has no path from end to end; where no task is whole, all are shown.
      const whole = result.tasks.filter(task => task.complete);
      const { graphs, ...workflow } = analyzeWorkflow(whole.length > 0 ? whole : result.tasks);
      const whatIf = whatIfs.map(expression => replayWhatIf(graphs, expression));
      await emitReport(context, options, {
        title: `Breakdown of ${inputs.join(' ')}`,
        result: { ...result, workflow, whatIf },
        blocks: (): Block[] => [
          { kind: 'heading', level: 1, text: `Breakdown of ${inputs.join(' ')}` },
          ...breakdownView(result, { top: options.top, detail: options.task !== undefined }),
          ...serverTimesView(operations, statements?.counted ?? ''),
          ...workflowView(workflow, whatIf, { top: options.top, detail: options.task !== undefined }),
        ],
      });
    });
  return withCommonOptions(command);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** One line on a terminal that is written over. */
function progress(context: CliContext, options: CommonOptions, text: string): void {
  if (context.stderr.isTTY === true && options.quiet !== true) context.stderr.write(`\r\x1b[K${text}`);
}

function databaseWarnings(database: DatabaseEvidence | undefined): Warning[] {
  const warnings = new Warnings();
  if (database?.statementsMissing !== undefined) {
    const { why, hint } = database.statementsMissing;
    warnings.add('server-times-missing', `the server's own time of statements is not known: ${why} (${hint})`);
  }
  if (database !== undefined && database.missingTasks > 0) {
    warnings.add('rows-missing', `tasks of the recording have no rows in ${database.schema} any more`, {
      count: database.missingTasks,
    });
  }
  return warnings.list();
}

/** A trace without a workflow step is an answer to another question: say what it is instead. */
function expectSteps(result: BreakdownResult, trace: Trace, named: string, task: string | undefined): void {
  if (result.completeness.steps > 0) return;
  if (task !== undefined) {
    throw new TprofError('input-invalid', `${named}: expected a task ${task}, found none of that id with steps`, {
      hint: `tprof breakdown ${named} lists the tasks`,
    });
  }
  const services = [...new Set(trace.resources.map(r => r.serviceName).filter(name => name !== ''))].sort();
  const of = services.length === 0 ? '' : ` of ${services.slice(0, 3).join(', ')}`;
  throw new TprofError(
    'input-invalid',
    `${named}: expected the steps of a workflow, found ${formatCount(trace.spans.length)} spans and ${formatCount(trace.logs.length)} log records${of} without any`,
    {
      hint: `tprof critical-path ${named} reads any trace; --catalog FILE tells how another orchestrator is recognised`,
    },
  );
}

async function readCatalog(file: string, context: CliContext): Promise<Catalog> {
  return parseCatalog(file, await readJsonFile(file, context, 'a catalogue'));
}

interface GivenRows {
  readonly rows: Rows;
  readonly statements: readonly ServerStatement[];
}

/** Tables among the inputs, or in a capture; `--rows` wins over both. */
async function rowsBeside(
  others: readonly Source[],
  captures: readonly { readonly directory: string }[],
): Promise<GivenRows | undefined> {
  const [first, second] = others;
  if (second !== undefined)
    throw new TprofError('usage', `${second.name}: tables were given twice`, { hint: 'name one file of tables' });
  if (first !== undefined) return givenRows(first);
  const file = captures.map(({ directory }) => join(directory, CaptureFile.rows)).find(path => existsSync(path));
  return file === undefined ? undefined : givenRows(await fileSource(file));
}

async function givenRows(source: Source): Promise<GivenRows> {
  const document = await readRowsDocument(source);
  return { rows: parseRows(source.name, document), statements: statementsOfDocument(document) };
}

async function readRows(file: string, context: CliContext): Promise<GivenRows> {
  const document = await readJsonFile(file, context, 'tables');
  const rows = parseRows(file, document);
  return { rows, statements: statementsOfDocument(document as Record<string, unknown>) };
}

function more(word: string, words: readonly string[]): readonly string[] {
  return [...words, word];
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}
