import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, parse, resolve } from 'node:path';
import { exporterNoise } from '../../analyzers/exporter-noise.ts';
import { TRACE_PROFILE_MODES, traceProfile } from '../../analyzers/trace-profile.ts';
import { fileSource, pipeSource } from '../../collectors/file-source.ts';
import { isIsolateLog, preprocessIsolateLog } from '../../collectors/isolate-log.ts';
import { localObjectFiles } from '../../collectors/object-files.ts';
import { withSourceMaps } from '../../collectors/source-maps.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { Warnings } from '../base/warnings.ts';
import { describeBytes } from '../formats/describe-bytes.ts';
import type { Format, ProfileFormat, ProfileReadOptions, TraceFormat } from '../formats/format.ts';
import { FORMATS } from '../formats/list.ts';
import { CaptureFile, type CaptureManifest } from '../model/capture.ts';
import { placeProfile } from '../model/place-profile.ts';
import type { Profile } from '../model/profile.ts';
import type { Trace } from '../model/trace.ts';
import { TraceBuilder } from '../model/trace-builder.ts';
import { readCaptureManifest, readOtlpIndex } from './capture-input.ts';
import type { CliContext } from './context.ts';

/** INPUT words of a command line, sorted by what they are. Opening reads no more than the first bytes. */
export type Input =
  | { readonly kind: 'capture'; readonly name: string; readonly directory: string; readonly manifest: CaptureManifest }
  | { readonly kind: 'profile'; readonly name: string; readonly source: Source; readonly format: ProfileFormat }
  | { readonly kind: 'trace'; readonly name: string; readonly source: Source; readonly format: TraceFormat }
  /** What the caller's `accept` recognised: table rows, results of tprof. */
  | { readonly kind: 'other'; readonly name: string; readonly source: Source };

export interface OpenOptions {
  /** Format id forced by `--from`. */
  readonly from?: string | undefined;
  /** Recognises what is neither profile nor trace, and is asked before the formats. */
  readonly accept?: (head: Uint8Array) => boolean;
  /** The only attributes that will be looked at, where the caller knows them: see `TraceReadOptions`. */
  readonly attributes?: readonly string[];
}

/** The one place that opens inputs: a capture folder, a file (`.gz`, `.zst` too), or `-` for standard input. */
export async function openInput(word: string, context: CliContext, options: OpenOptions = {}): Promise<Input> {
  if (word === '-') return openSource(word, await pipeSource('standard input', context.stdin), options);
  const path = resolve(context.cwd, word);
  if ((await statOrUndefined(path))?.isDirectory() === true) {
    return { kind: 'capture', name: word, directory: path, manifest: await readCaptureManifest(path, word) };
  }
  const source = { ...(await fileSource(path)), name: word };
  if (isIsolateLog(source.head)) return openSource(word, await preprocessIsolateLog(path, source), options);
  return openSource(word, source, options);
}

function openSource(name: string, source: Source, options: OpenOptions): Input {
  if (options.from === undefined && options.accept?.(source.head) === true) return { kind: 'other', name, source };
  const format = options.from === undefined ? detectFormat(source) : formatById(options.from);
  return format.kind === 'profile'
    ? { kind: 'profile', name, source, format }
    : { kind: 'trace', name, source, format };
}

/** The format whose `detect` is surest of the first bytes; ties go to the list's order. */
export function detectFormat(source: Source): Format {
  let best: Format | undefined;
  let sureness = 0;
  for (const format of FORMATS) {
    const s = format.detect(source.head);
    if (s > sureness) {
      best = format;
      sureness = s;
    }
  }
  if (best !== undefined) return best;
  const known = FORMATS.map(format => format.id).join(', ');
  throw new TprofError(
    'input-invalid',
    `${source.name}: expected a capture, a profile or a trace, found ${describeBytes(source.head)}`,
    {
      hint: `tprof reads: ${known}. If it is one of these, name it with --from; tprof formats says how each is recognised`,
    },
  );
}

export function formatById(id: string): Format {
  const format = FORMATS.find(f => f.id === id);
  if (format === undefined) {
    throw new TprofError('usage', `there is no format '${id}'`, { hint: 'tprof formats lists them' });
  }
  return format;
}

export interface TraceInputs {
  readonly trace: Trace;
  readonly names: readonly string[];
  /** Manifests of the capture folders among the inputs. */
  readonly captures: readonly { readonly directory: string; readonly manifest: CaptureManifest }[];
  /** Inputs that `accept` recognised. */
  readonly others: readonly Source[];
}

/** Reads every trace and log file of the inputs into one Trace (one epoch, one string table). */
export async function openTraceInputs(
  words: readonly string[],
  context: CliContext,
  options: OpenOptions & { readonly needs?: string } = {},
): Promise<TraceInputs> {
  const builder = new TraceBuilder(words.join(' '));
  const captures: { directory: string; manifest: CaptureManifest }[] = [];
  const others: Source[] = [];
  for (const word of words) {
    const input = await openInput(word, context, options);
    switch (input.kind) {
      case 'capture':
        captures.push(input);
        await readCaptureTrace(input.directory, input.manifest, builder, options);
        break;
      case 'trace':
        await readTraceSource(input.source, input.format, builder, options);
        break;
      case 'other':
        others.push(input.source);
        break;
      case 'profile':
        throw new TprofError(
          'input-invalid',
          `${input.name}: expected ${options.needs ?? 'a trace'}, found a profile (${input.format.id})`,
          { hint: `tprof report ${input.name} shows what is hot in it` },
        );
    }
  }
  return { trace: builder.finish(), names: words, captures, others };
}

export interface ProfileInputs {
  /** One profile a file of samples, in order of the inputs. */
  readonly profiles: readonly Profile[];
  readonly names: readonly string[];
  readonly captures: readonly { readonly directory: string; readonly manifest: CaptureManifest }[];
}

/** Reads every profile of the inputs. */
export async function openProfileInputs(
  words: readonly string[],
  context: CliContext,
  options: OpenOptions & ProfileReadOptions & { readonly traces?: TraceWeight } = {},
): Promise<ProfileInputs> {
  const profiles: Profile[] = [];
  const captures: { directory: string; manifest: CaptureManifest }[] = [];
  const spans = options.traces === undefined ? undefined : new TraceBuilder(words.join(' '));
  for (const word of words) {
    const input = await openInput(word, context, options);
    switch (input.kind) {
      case 'capture':
        captures.push(input);
        profiles.push(...(await readCaptureProfiles(input.directory, input.manifest, options)));
        break;
      case 'profile':
        profiles.push(await readProfileSource(input.source, input.format, options));
        break;
      case 'trace':
      case 'other':
        if (input.kind === 'trace' && spans !== undefined) {
          await readTraceSource(input.source, input.format, spans);
          break;
        }
        throw new TprofError(
          'input-invalid',
          `${input.name}: expected a profile, found ${input.kind === 'trace' ? `a trace (${input.format.id})` : 'a table'}`,
          { hint: `tprof breakdown ${input.name} or tprof critical-path ${input.name} show where its time went` },
        );
    }
  }
  if (spans !== undefined && spans.spanCount > 0) profiles.push(spansAsProfile(spans.finish(), options.traces));
  else if (spans !== undefined && profiles.length === 0 && captures.length === 0) {
    const found = spans.logCount > 0 ? 'only log records' : 'a trace file without spans';
    throw new TprofError('input-invalid', `${words.join(' ')}: expected a profile or spans, found ${found}`);
  }
  return { profiles, names: words, captures };
}

/** What commands that draw or convert take a trace for: the weight that the user named, where there is one. */
export interface TraceWeight {
  readonly weight: string | undefined;
}

function spansAsProfile(trace: Trace, wanted: TraceWeight | undefined): Profile {
  const modes = [...TRACE_PROFILE_MODES].sort((a, b) => Number(b === wanted?.weight) - Number(a === wanted?.weight));
  return traceProfile(trace, { modes, exclude: exporterNoise(trace) });
}

/** The profiles that a capture's manifest lists. */
export async function readCaptureProfiles(
  directory: string,
  manifest: CaptureManifest,
  options: ProfileReadOptions = {},
): Promise<Profile[]> {
  const profiles: Profile[] = [];
  for (const entry of manifest.profiles) {
    const reader = formatById(entry.format);
    if (reader.kind !== 'profile') continue;
    const source = await fileSource(join(directory, entry.file));
    profiles.push(placeProfile(await readProfileSource(source, reader, options), manifest, entry));
  }
  return profiles;
}

/** The export requests that a capture kept, with the process behind each. */
export async function readCaptureTrace(
  directory: string,
  manifest: CaptureManifest,
  builder: TraceBuilder,
  { attributes }: Pick<OpenOptions, 'attributes'> = {},
): Promise<void> {
  const index = await readOtlpIndex(directory, manifest);
  const otlp = formatById('otlp');
  if (otlp.kind !== 'trace') return;
  if (!manifest.complete) {
    builder.warnings.add(
      'incomplete-capture',
      `${manifest.name}: the recording was not finished; what follows is what had been saved`,
    );
  }
  for (const file of [CaptureFile.traces, CaptureFile.logs] as const) {
    const path = join(directory, file);
    if ((await statOrUndefined(path)) === undefined) continue;
    const source = await fileSource(path);
    if (source.size === 0) continue;
    const processOf = index.processOf(file, builder);
    await otlp.read(source, builder, { processOf, ...(attributes === undefined ? {} : { attributes }) });
  }
}

async function readTraceSource(
  source: Source,
  format: TraceFormat,
  builder: TraceBuilder,
  { attributes }: Pick<OpenOptions, 'attributes'> = {},
): Promise<void> {
  await format.read(source, builder, attributes === undefined ? {} : { attributes });
  const damage = source.damage?.();
  if (damage !== undefined) addDamage(builder.warnings, source.name, damage);
}

export async function readProfileSource(
  source: Source,
  format: ProfileFormat,
  options: ProfileReadOptions,
): Promise<Profile> {
  if (format.read === undefined) {
    throw new TprofError('usage', `${source.name}: tprof writes ${format.id} and does not read it`);
  }
  // What was copied beside a recording (perf maps, kallsyms) is preferred to what this machine has now.
  const objectFiles = localObjectFiles({ besides: dirname(resolve(source.name)), home: homedir() });
  const companion = (extension: string): Promise<Source | undefined> => besideSource(resolve(source.name), extension);
  const profile = await withSourceMaps(await format.read(source, { objectFiles, companion, ...options }));
  const damage = source.damage?.();
  if (damage === undefined) return profile;
  const warnings = new Warnings();
  warnings.merge(profile.warnings);
  addDamage(warnings, source.name, damage);
  return { ...profile, warnings: warnings.list() };
}

function addDamage(warnings: Warnings, name: string, damage: string): void {
  warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
    example: `${name}: ${damage}`,
  });
}

/** The file whose name has `extension` in place of the last one of `path`: `profile.json.gz` → `profile.json.syms.json`. */
async function besideSource(path: string, extension: string): Promise<Source | undefined> {
  const { dir, name } = parse(path);
  const beside = join(dir, name + extension);
  return (await statOrUndefined(beside))?.isFile() === true ? fileSource(beside) : undefined;
}

async function statOrUndefined(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path);
  } catch {
    return undefined;
  }
}
