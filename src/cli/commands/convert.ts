import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { Command, Option } from 'commander';
import { TprofError } from '../../base/errors.ts';
import { formatCount } from '../../base/format-units.ts';
import type { ProfileFormat, ProfileWriteOptions } from '../../formats/format.ts';
import { FORMATS } from '../../formats/list.ts';
import { mergeProfiles } from '../../model/merge-profiles.ts';
import type { Profile } from '../../model/profile.ts';
import { type CliContext, type CommonOptions, say } from '../context.ts';
import { openProfileInputs } from '../inputs.ts';
import { writeFileWhole, writeStdout } from '../output.ts';

interface ConvertOptions extends CommonOptions {
  readonly to?: string;
  readonly from?: string;
  readonly event?: string;
  readonly symbols: boolean;
}

/** Inferno's options of the same names; each is a flag of the formats that know it. */
const TEXT_FLAGS: readonly (readonly [flag: string, meaning: string])[] = [
  ['kernel', 'mark kernel functions with _[k]'],
  ['jit', 'mark functions of just-in-time compilers with _[j]'],
  ['inline', 'take names apart that hold inlined calls (a->b), and mark these with _[i]'],
  ['context', 'with source lines of perf script -F +srcline'],
  ['addrs', 'addresses in place of unknown names'],
  ['all', 'all of kernel, jit'],
  ['pid', 'process id in the root frame'],
  ['tid', 'process and thread id in the root frame'],
];

export function convertCommand(context: CliContext): Command {
  const command = new Command('convert')
    .description('Convert a profile, or the spans of a trace, into another format of profiles.')
    .argument('<in>', 'a profile, a trace, a capture folder, or - for standard input')
    .argument('[out]', 'file to write (.gz and .zst are packed), or - for standard output', '-')
    .option('--to <format>', 'format to write; otherwise told by the name of OUT')
    .option('--from <format>', 'format of IN; otherwise told by its content')
    .option('--event <name>', 'weight to use where IN holds several and the written format holds one')
    .option('--no-symbols', 'perf.data: leave functions as addresses, without a look at symbols')
    .option('--json', 'say what was done as JSON on standard output')
    .option('-q, --quiet', 'say nothing on standard error but failures')
    .option('-v, --verbose', 'say more on standard error')
    .option('--no-color', 'no colours (also: NO_COLOR=1)');
  for (const [flag, meaning] of TEXT_FLAGS) command.addOption(new Option(`--${flag}`, meaning));
  return command
    .addHelpText(
      'after',
      `
Examples:
  tprof convert profile.json.gz out.speedscope.json
  perf script | tprof convert - out.folded --all
  tprof convert capture/ out.pb.gz
  tprof convert CPU.1.cpuprofile - --to collapsed | sort -k2`,
    )
    .action(async (input: string, output: string, options: ConvertOptions) => {
      await convert(input, output, options, context);
    });
}

async function convert(input: string, output: string, options: ConvertOptions, context: CliContext): Promise<void> {
  const format = outputFormat(output, options.to);
  if (options.json === true && output === '-') {
    throw new TprofError('usage', '--json and the profile cannot both go to standard output', { hint: 'name a file' });
  }
  const flags = new Set(TEXT_FLAGS.map(([flag]) => flag).filter(flag => flag in options));
  const { profiles } = await openProfileInputs([input], context, {
    from: options.from,
    flags,
    symbols: options.symbols,
    traces: { weight: options.event },
    ...(options.event === undefined ? {} : { event: options.event }),
  });
  const profile = mergeProfiles(profiles, profiles.length === 1 ? profiles[0]!.name : input);
  const value = chosenValue(profile, options.event);
  const writeOptions: ProfileWriteOptions = { flags, ...(value === undefined ? {} : { value }) };
  sayWhatMatters(profile, format, writeOptions, options, context);
  const pieces = format.write(profile, writeOptions);
  if (output === '-') {
    for await (const piece of pieces) await writeStdout(context, piece);
    return;
  }
  await writeFileWhole(resolve(context.cwd, output), packed(output, pieces));
  const weight = profile.valueTypes[value ?? profile.defaultValue]!;
  if (options.json === true) {
    const result = {
      schema: 'tprof.convert/1',
      epochNs: profile.epochNs?.toString() ?? '0',
      inputs: [input],
      warnings: profile.warnings,
      output,
      format: format.id,
      weight,
      samples: profile.samples.length,
      stacks: profile.stacks.length,
      frames: profile.frames.length,
      threads: profile.threads.length,
      lost: format.losses?.(profile, writeOptions) ?? [],
    };
    await writeStdout(context, `${JSON.stringify(result)}\n`);
  } else {
    const { samples, threads } = profile;
    const count = `samples: ${formatCount(samples.length)}, threads: ${formatCount(threads.length)}`;
    say(context, options, `${output}: ${format.id}, ${count}, weight: ${weight.name}`);
  }
}

type WritableFormat = ProfileFormat & Required<Pick<ProfileFormat, 'write'>>;

function outputFormat(output: string, id: string | undefined): WritableFormat {
  const writable = FORMATS.filter((f): f is WritableFormat => f.kind === 'profile' && f.write !== undefined);
  const names = writable.map(f => f.id).join(', ');
  if (id !== undefined) {
    const named = writable.find(f => f.id === id);
    if (named !== undefined) return named;
    const known = FORMATS.some(f => f.id === id);
    throw new TprofError('usage', known ? `tprof reads ${id} and does not write it` : `there is no format '${id}'`, {
      hint: `--to takes one of: ${names}`,
    });
  }
  const bare = output.replace(/\.(gz|zst)$/, '');
  const byLongest = writable
    .flatMap(f => f.extensions.map(extension => ({ f, extension })))
    .sort((a, b) => b.extension.length - a.extension.length);
  const match = byLongest.find(({ extension }) => bare.endsWith(extension));
  if (match !== undefined) return match.f;
  const what = output === '-' ? 'standard output' : output;
  throw new TprofError('usage', `${what}: the name does not tell the format to write`, {
    hint: `say it with --to: ${names}`,
  });
}

function chosenValue(profile: Profile, event: string | undefined): number | undefined {
  if (event === undefined) return undefined;
  const value = profile.valueTypes.findIndex(type => type.name === event);
  if (value !== -1) return value;
  const names = profile.valueTypes.map(type => type.name).join(', ');
  throw new TprofError('usage', `${profile.name} has no weight '${event}'`, { hint: `--event takes one of: ${names}` });
}

/** Doubts about the input, which of several weights was used, and what the written format cannot hold. */
function sayWhatMatters(
  profile: Profile,
  format: WritableFormat,
  writeOptions: ProfileWriteOptions,
  options: ConvertOptions,
  context: CliContext,
): void {
  for (const { message, count, examples } of profile.warnings) {
    const first = examples[0] === undefined ? '' : ` (${examples[0]})`;
    say(context, options, `warning: ${message}: ${formatCount(count)} times${first}`);
  }
  if (profile.samples.length === 0) say(context, options, 'warning: the profile has no samples');
  const lost = format.losses?.(profile, writeOptions) ?? [];
  for (const sentence of lost) say(context, options, `${format.id}: ${sentence}`);
}

/** The pieces as the name of the output says: packed, or as they are. */
function packed(output: string, pieces: AsyncIterable<string | Uint8Array>): AsyncIterable<string | Uint8Array> {
  // Level 4 takes a third of the time of the usual 6 and a twentieth more space.
  const gzip = { level: 4, chunkSize: 1 << 18 };
  const packer = output.endsWith('.gz') ? createGzip(gzip) : output.endsWith('.zst') ? createZstdCompress() : undefined;
  if (packer === undefined) return pieces;
  // A failure upstream destroys the packer, and with it the write.
  pipeline(Readable.from(pieces), packer).catch(() => {});
  return packer;
}
