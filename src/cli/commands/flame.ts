import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { categoryOf } from '../../../analyzers/categories.ts';
import { compareProfiles } from '../../../flame/compare-profiles.ts';
import type { FlameGrouping, FlameOrder, FlamePalette, FlameRecursion } from '../../../flame/flame-model.ts';
import { renderFlameHtml } from '../../../flame/html.ts';
import { type FlameOptions, renderFlameSvg } from '../../../flame/svg.ts';
import { TprofError } from '../../base/errors.ts';
import { formatBytes, formatCount } from '../../base/format-units.ts';
import { mergeProfiles } from '../../model/merge-profiles.ts';
import type { Profile, Thread } from '../../model/profile.ts';
import { type CliContext, type CommonOptions, say } from '../context.ts';
import { openProfileInputs, type ProfileInputs } from '../inputs.ts';
import { writeFileWhole, writeStdout } from '../output.ts';

interface FlameCommandOptions extends Omit<CommonOptions, 'color' | 'format'> {
  readonly from?: string;
  readonly weight?: string;
  readonly value?: string;
  readonly event?: string;
  readonly before?: string;
  readonly title?: string;
  readonly thread?: string;
  readonly perThread?: boolean;
  readonly perProcess?: boolean;
  readonly icicle?: boolean;
  readonly reverse?: boolean;
  readonly timeOrder?: boolean;
  readonly byName?: boolean;
  readonly sandwich?: string;
  readonly focus?: string;
  readonly ignore?: string;
  readonly hide?: string;
  readonly collapseRecursion?: true | 'direct' | 'all';
  readonly color: FlamePalette | 'hash' | 'auto' | boolean;
  readonly width?: string;
  readonly html?: boolean;
}

/** `tprof flame INPUT [-o FILE.svg|.html]` */
export function flameCommand(context: CliContext): Command {
  return new Command('flame')
    .description('Draw a profile as a flame graph: one SVG (also for <img> and print), or one HTML page.')
    .argument('<input...>', 'capture folder, profile or trace (.gz, .zst too), or - for standard input')
    .option('-o, --output <file>', 'write to FILE.svg or FILE.html instead of SVG to standard output')
    .option('--html', 'write an HTML page whatever the name of the file')
    .option('--before <file>', 'compare: INPUT is the state after, this the state before')
    .option('--weight <name>', 'the weight that is drawn (samples, cpu, wall, off-cpu, …)')
    .addOption(new Option('--value <name>', 'another word for --weight').hideHelp())
    .option('--event <name>', 'of a file with several events: the one that is drawn')
    .option('--title <text>', 'title of the picture')
    .option('--thread <regex>', 'only threads whose process, name or id matches')
    .option('--merge', 'all threads merged (the default)')
    .option('--per-thread', 'threads side by side')
    .option('--per-process', 'processes side by side')
    .option('--icicle', 'root at the top')
    .option('--reverse', 'leaves first: each function with its callers')
    .option('--time-order', 'boxes from left to right in order of time')
    .option('--by-name', 'boxes from left to right in order of name')
    .option('--sandwich <function>', 'callers and callees of one function')
    .option('--focus <regex>', 'only stacks with a frame whose name, file or module matches')
    .option('--ignore <regex>', 'without stacks that have such a frame')
    .option('--hide <regex>', 'without such frames; their callees hang on their callers')
    .addOption(
      new Option('--collapse-recursion [kind]', 'calls of a function by itself are one box').choices(['direct', 'all']),
    )
    .addOption(
      new Option('--color <scale>', 'what colours tell: by category, by name, on and off the CPU, change')
        .choices(['auto', 'category', 'name', 'hash', 'cpu', 'diff'])
        .default('auto'),
    )
    .option('--width <pixels>', 'width of the still picture', '1200')
    .option('--from <format>', 'read the input as this format instead of detecting it')
    .option('--json', 'say what was drawn as JSON on standard output')
    .option('-q, --quiet', 'say nothing on standard error but failures')
    .option('-v, --verbose', 'say more on standard error')
    .option('--no-color', 'no colours on the terminal: this command prints none')
    .addHelpText(
      'after',
      `
Examples:
  $ tprof flame .tprof/2026-11-21T03-15-00-linear -o flame.html    everything, to explore
  $ tprof flame perf.data -o flame.svg --focus 'sqlx|postgres'      what stands on the database client
  $ tprof flame after.json.gz --before before.json.gz -o diff.svg   what changed
  $ tprof flame traces.jsonl --weight self-time -o work.svg         spans; without --weight their critical paths
  $ perf script | tprof flame - --reverse > callers.svg`,
    )
    .action(async (inputs: string[], options: FlameCommandOptions) => {
      const weight = options.weight ?? options.value;
      await flame(inputs, weight === undefined ? options : { ...options, weight }, context);
    });
}

async function flame(inputs: readonly string[], options: FlameCommandOptions, context: CliContext): Promise<void> {
  const html = options.html === true || /\.html?$/i.test(options.output ?? '');
  checkOutput(options, context);
  const view = viewOptions(options);
  const open = {
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.event === undefined ? {} : { event: options.event }),
    traces: { weight: options.weight ?? options.event },
  };
  const opened = await openProfileInputs(inputs, context, open);
  const name = inputs.join(' ');
  let profile = merged(opened, name);
  let compared: Pick<FlameOptions, 'diff'> = {};
  if (options.before !== undefined) {
    const before = merged(await openProfileInputs([options.before], context, open), options.before);
    profile = compareProfiles(before, profile, `${options.before} → ${name}`, options.weight);
    compared = { diff: { before: 0, after: 1 } };
  } else if (options.weight !== undefined || options.event !== undefined) {
    profile = { ...profile, defaultValue: chosenWeight(profile, options.weight ?? options.event ?? '') };
  }
  const [capture] = opened.captures;
  const settings: FlameOptions = {
    ...view,
    ...compared,
    title: options.title ?? (capture === undefined ? profile.name : capture.manifest.name),
    ...(capture === undefined ? {} : { command: capture.manifest.command.join(' ') }),
    categoryOf,
    ...threadFilter(profile, options.thread),
  };
  sayDoubts(profile, options, context);
  const text = html ? renderFlameHtml(profile, settings) : renderFlameSvg(profile, settings);
  if (options.output === undefined || options.output === '-') {
    await writeStdout(context, text);
    return;
  }
  await writeFileWhole(resolve(context.cwd, options.output), text);
  if (options.json === true) {
    const result = {
      schema: 'tprof.flame/1',
      epochNs: profile.epochNs?.toString() ?? '0',
      inputs: [...inputs, ...(options.before === undefined ? [] : [options.before])],
      warnings: profile.warnings,
      output: options.output,
      bytes: Buffer.byteLength(text),
      weight: profile.valueTypes[profile.defaultValue],
      samples: profile.samples.length,
      stacks: profile.stacks.length,
      threads: profile.threads.length,
      lost: profile.lostSamples,
    };
    await writeStdout(context, `${JSON.stringify(result)}\n`);
  } else {
    say(
      context,
      talk(options),
      `${options.output}: ${formatBytes(Buffer.byteLength(text))}, width: ${profile.valueTypes[profile.defaultValue]!.name}; opens in any browser`,
    );
  }
}

/** `--color` is another option here than everywhere else. */
function talk({ quiet }: FlameCommandOptions): CommonOptions {
  return quiet === undefined ? {} : { quiet };
}

function checkOutput(options: FlameCommandOptions, context: CliContext): void {
  const toStdout = options.output === undefined || options.output === '-';
  if (toStdout && options.json === true) {
    throw new TprofError('usage', '--json and the picture cannot both go to standard output', {
      hint: 'name a file with -o flame.svg',
    });
  }
  if (toStdout && context.stdout.isTTY === true) {
    throw new TprofError('usage', 'a picture is not for the terminal', {
      hint: 'name a file with -o flame.svg or -o flame.html, or send standard output into one',
    });
  }
  if (!toStdout && options.html !== true && !/\.(svg|html?)$/i.test(options.output ?? '')) {
    throw new TprofError('usage', `${options.output}: the name does not say which picture to write`, {
      hint: 'end it in .svg or .html',
    });
  }
}

function viewOptions(options: FlameCommandOptions): FlameOptions {
  const order: FlameOrder = options.timeOrder === true ? 'time' : options.byName === true ? 'name' : 'left-heavy';
  const grouping: FlameGrouping =
    options.perThread === true ? 'thread' : options.perProcess === true ? 'process' : 'merged';
  const collapse = options.collapseRecursion;
  const recursion: FlameRecursion = collapse === undefined ? 'keep' : collapse === true ? 'all' : collapse;
  const width = Number(options.width ?? 1200);
  if (!Number.isInteger(width) || width < 300 || width > 10_000) {
    throw new TprofError('usage', `--width takes a whole number from 300 to 10000, found '${options.width}'`);
  }
  const color = typeof options.color === 'string' ? options.color : 'auto';
  return {
    order,
    grouping,
    recursion,
    width,
    direction: options.icicle === true ? 'icicle' : 'flame',
    reversed: options.reverse === true,
    ...(options.sandwich === undefined ? {} : { sandwichOf: options.sandwich }),
    ...(color === 'auto' ? {} : { palette: color === 'hash' ? 'name' : color }),
    ...pattern('focus', options.focus),
    ...pattern('ignore', options.ignore),
    ...pattern('hide', options.hide),
  };
}

function pattern<K extends string>(option: K, text: string | undefined): { [key in K]?: RegExp } {
  if (text === undefined) return {};
  return { [option]: expression(option, text) } as { [key in K]?: RegExp };
}

function expression(option: string, text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new TprofError('usage', `--${option} takes a regular expression, and '${text}' is none`, {
      hint: (cause as Error).message,
      cause,
    });
  }
}

function threadFilter(profile: Profile, text: string | undefined): Pick<FlameOptions, 'keepThread'> {
  if (text === undefined) return {};
  const wanted = expression('thread', text);
  const keepThread = (thread: Thread): boolean =>
    [thread.processName, thread.threadName, String(thread.pid), String(thread.tid)].some(part => wanted.test(part));
  if (!profile.threads.some(keepThread)) {
    const names = [
      ...new Set(profile.threads.map(thread => thread.threadName || thread.processName || `${thread.tid}`)),
    ];
    throw new TprofError('usage', `${profile.name}: no thread matches '${text}'`, {
      hint: `it has: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}`,
    });
  }
  return { keepThread };
}

function merged(opened: ProfileInputs, name: string): Profile {
  if (opened.profiles.length === 0) {
    throw new TprofError('input-invalid', `${name}: expected profiles, and the capture has none`, {
      hint: 'it was recorded with --profiler none, or the profiler found nothing to record',
    });
  }
  return mergeProfiles(opened.profiles, name);
}

function chosenWeight(profile: Profile, weight: string): number {
  const index = profile.valueTypes.findIndex(type => type.name === weight);
  if (index !== -1) return index;
  throw new TprofError('usage', `there is no weight '${weight}' in ${profile.name}`, {
    hint: `it has: ${profile.valueTypes.map(type => type.name).join(', ')}`,
  });
}

function sayDoubts(profile: Profile, options: FlameCommandOptions, context: CliContext): void {
  for (const { message, count, examples } of profile.warnings) {
    const first = examples[0] === undefined ? '' : ` (${examples[0]})`;
    say(context, talk(options), `warning: ${message}: ${formatCount(count)} times${first}`);
  }
  if (profile.samples.length === 0) say(context, talk(options), 'warning: the profile has no samples');
}
