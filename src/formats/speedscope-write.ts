import type { Profile } from '../model/profile.ts';
import { samplesByThread } from '../model/samples-by-thread.ts';
import { threadLabel } from '../model/thread-label.ts';
import type { ProfileWriteOptions } from './format.ts';
import { inLargePieces } from './text-pieces.ts';

export const SPEEDSCOPE_SCHEMA = 'https://www.speedscope.app/file-format-schema.json';

/**
 * `sampled` profiles, one per process and thread, the heaviest shown first. Frames are written once; a native frame
 * carries its object file as `file`, since there is no other place for it. Samples that have no weight in the column
 * that is written are left out, and so are gaps: a profile's length is its weight.
 */
export function writeSpeedscope(profile: Profile, options: ProfileWriteOptions): AsyncIterable<string> {
  return inLargePieces(pieces(profile, options));
}

function* pieces(profile: Profile, options: ProfileWriteOptions): Generator<string> {
  const { threads, valueTypes } = profile;
  const value = options.value ?? profile.defaultValue;
  const weights = profile.samples.values[value] ?? new Float64Array(profile.samples.length);
  const unit = valueTypes[value]?.unit;
  const parts = samplesByThread(profile)
    .map((rows, thread) => {
      const weighty = rows.filter(s => weights[s]! !== 0);
      return { thread, rows: weighty, total: weighty.reduce((sum, s) => sum + weights[s]!, 0) };
    })
    .filter(part => part.rows.length > 0);
  const heaviest = parts.reduce((best, part, i) => (part.total > parts[best]!.total ? i : best), 0);
  yield `{"$schema":"${SPEEDSCOPE_SCHEMA}","exporter":"tprof","name":${JSON.stringify(profile.name)},"activeProfileIndex":${heaviest},\n"shared":{"frames":[`;
  yield* frames(profile);
  yield '\n]},\n"profiles":[';
  const unitName = unit === 'nanoseconds' || unit === 'bytes' ? unit : 'none';
  const startNs = unit === 'nanoseconds' ? earliest(profile) : 0;
  const texts = new StackTexts(profile);
  for (const [i, { thread, rows, total }] of parts.entries()) {
    const label = threadLabel(threads[thread]!) || profile.name;
    const start = unit === 'nanoseconds' ? (profile.samples.timeNs?.[rows[0]!] ?? 0) - startNs : 0;
    yield `${i === 0 ? '' : ','}\n{"type":"sampled","name":${JSON.stringify(label)},"unit":"${unitName}","startValue":${start},"endValue":${start + total},"samples":[`;
    for (let r = 0; r < rows.length; r++) yield `${r === 0 ? '' : ','}[${texts.of(profile.samples.stack[rows[r]!]!)}]`;
    yield '],\n"weights":[';
    for (let r = 0; r < rows.length; r++) yield `${r === 0 ? '' : ','}${weights[rows[r]!]!}`;
    yield ']}';
  }
  yield '\n]}\n';
}

function* frames(profile: Profile): Generator<string> {
  const { frames: f, strings } = profile;
  for (let i = 0; i < f.length; i++) {
    const file = strings[f.file[i]!]! || strings[f.module[i]!]!;
    let text = `${i === 0 ? '' : ','}\n{"name":${JSON.stringify(strings[f.name[i]!]!)}`;
    if (file !== '') text += `,"file":${JSON.stringify(file)}`;
    if (f.line[i]! > 0) text += `,"line":${f.line[i]}`;
    if (f.column[i]! > 0) text += `,"col":${f.column[i]}`;
    yield `${text}}`;
  }
}

/** Time of the first sample of all threads: profiles of one file count from it. */
function earliest(profile: Profile): number {
  let first = Number.POSITIVE_INFINITY;
  for (const time of profile.samples.timeNs ?? []) if (time < first) first = time;
  return Number.isFinite(first) ? first : 0;
}

/** How many texts of stacks are kept; the tables of larger profiles would not fit. */
const KEPT = 1 << 16;

/** Frame numbers of a stack, root first, as text. Samples repeat stacks, so the last ones are kept. */
class StackTexts {
  readonly #profile: Profile;
  readonly #texts = new Map<number, string>();
  readonly #path: number[] = [];

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  of(stack: number): string {
    const known = this.#texts.get(stack);
    if (known !== undefined) return known;
    const { parent, frame } = this.#profile.stacks;
    const path = this.#path;
    path.length = 0;
    for (let at = stack; at >= 0; at = parent[at]!) path.push(frame[at]!);
    const text = path.reverse().join(',');
    if (this.#texts.size >= KEPT) this.#texts.clear();
    if (text.length < 1 << 12) this.#texts.set(stack, text);
    return text;
  }
}
