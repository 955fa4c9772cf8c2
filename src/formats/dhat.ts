// https://valgrind.org/docs/manual/dh-manual.html, "Output format"
import { TprofError } from '../base/errors.ts';
import { type JsonShape, streamJson } from '../base/json-stream.ts';
import { asArray, asIndex, asNumber, asObject, asText, type JsonObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import { type FrameIndex, NO_STACK, type Profile } from '../model/profile.ts';
import { type FrameInput, ProfileBuilder } from '../model/profile-builder.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';

/**
 * DHAT, from Valgrind or dhat-rs. Each program point is a stack with several weights: allocated in total (the
 * default), at the moment of the highest use, and still there at the end; reads and writes where Valgrind counted them.
 */
export const dhat: ProfileFormat = {
  id: 'dhat',
  kind: 'profile',
  title: 'DHAT heap profile: Valgrind, dhat-rs',
  recognisedBy: 'JSON with dhatFileVersion',
  extensions: ['.dhat.json'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    return root === 'object' && paths.has('dhatFileVersion') ? 1 : 0;
  },
  read: readDhat,
};

/** Key of a program point, name of the weight, unit in heap mode. */
const WEIGHTS: readonly (readonly [key: string, name: string, unit: string])[] = [
  ['tb', 'alloc_space', 'bytes'],
  ['tbk', 'alloc_objects', 'count'],
  ['gb', 'peak_space', 'bytes'],
  ['gbk', 'peak_objects', 'count'],
  ['eb', 'inuse_space', 'bytes'],
  ['ebk', 'inuse_objects', 'count'],
  ['rb', 'read', 'bytes'],
  ['wb', 'written', 'bytes'],
];

const TICKS: Readonly<Record<string, number>> = { µs: 1e3, ms: 1e6, s: 1e9 };

async function readDhat(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const points: JsonObject[] = [];
  const frameTexts: string[] = [];
  const header: Record<string, unknown> = {};
  const fields: Record<string, JsonShape> = {
    pps: { each: point => points.push(asObject(point)) },
    ftbl: { each: frame => frameTexts.push(asText(frame)) },
  };
  for (const key of ['dhatFileVersion', 'mode', 'bklt', 'bkacc', 'cmd', 'pid', 'te', 'tu']) {
    fields[key] = {
      value: value => {
        header[key] = value;
      },
    };
  }
  const { damage } = await streamJson(source, { fields }, options.onProgress);
  const where = damage === undefined ? '' : ` (${damage.reason} at byte ${damage.offset})`;
  if (asNumber(header.dhatFileVersion, 0) !== 2 || frameTexts.length === 0) {
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected dhatFileVersion 2, program points and a frame table, found version ${String(header.dhatFileVersion)}, ${points.length} and ${frameTexts.length}${where}`,
      { hint: 'the frame table stands at the end of the file: a file that is cut off cannot be read' },
    );
  }
  const has = (key: string): boolean => points.some(point => point[key] !== undefined);
  const weights = WEIGHTS.filter(([key]) => key === 'tb' || key === 'tbk' || has(key));
  const isHeap = header.mode === undefined || header.mode === 'heap' || header.mode === 'rust-heap';
  const builder = new ProfileBuilder(
    asText(header.cmd) || source.name,
    weights.map(([, name, unit]) => ({ name, unit: isHeap ? unit : 'count' })),
  );
  if (damage !== undefined) {
    builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}${where}`,
    });
  }
  const tick = TICKS[asText(header.tu)];
  if (tick !== undefined) builder.durationNs = asNumber(header.te, 0) * tick;
  const pid = asIndex(header.pid, 0) & 0x7fffffff;
  const thread = builder.thread({ pid, tid: 0, processName: '', threadName: '' });
  const frames: (FrameIndex | undefined)[] = [];
  for (const point of points) {
    let stack = NO_STACK;
    // The allocation comes first, the outermost caller last.
    for (const value of asArray(point.fs).toReversed()) {
      const index = asIndex(value, frameTexts.length);
      const text = frameTexts[index];
      if (text === undefined) {
        builder.warnings.add('damaged-input', 'stacks name frames that are not there', {
          example: `frame ${String(value)}`,
        });
        continue;
      }
      if (text === '[root]') continue;
      frames[index] ??= builder.frame(frameOf(text));
      stack = builder.stack(stack, frames[index]);
    }
    builder.aggregate({ thread, stack, values: weights.map(([key]) => asNumber(point[key], 0)) });
  }
  return builder.finish();
}

/** `0x1086C3: malloc (vg_replace_malloc.c:309)`, `0x109F2A: ??? (in /usr/bin/x)`, `0x10: f (src/a.rs:86:14)`. */
function frameOf(text: string): FrameInput {
  const match = /^0x([0-9A-Fa-f]+): (.*?)(?: \((in )?([^()]*?)(?::(\d+))?(?::(\d+))?\))?$/s.exec(text);
  if (match === null) return { name: text || '[unknown]' };
  const [, address = '', name = '', isModule, place = '', line, column] = match;
  return {
    name: name === '???' ? `[${place.slice(place.lastIndexOf('/') + 1) || 'unknown'}]` : name,
    address: Number.parseInt(address, 16),
    ...(isModule === undefined ? { file: place } : { module: place }),
    line: asIndex(line, 0),
    column: asIndex(column, 0),
  };
}
