// https://github.com/google/pprof/blob/main/proto/profile.proto
import { ByteWindow } from '../base/byte-window.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import type { Profile } from '../model/profile.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { PprofReader } from './pprof-reader.ts';
import { MalformedPprof, PprofCursor } from './pprof-wire.ts';
import { pprofLosses, writePprof } from './pprof-write.ts';

/**
 * pprof's profile.proto, packed or not. Every sample type is a value column, in nanoseconds where it is a time; the
 * default is the one that the file names, otherwise the last. The labels `pid`, `tid`, `process` and `thread` are the
 * sample's thread; all others stay labels.
 */
export const pprof: ProfileFormat = {
  id: 'pprof',
  kind: 'profile',
  title: 'pprof (profile.proto): Go, and most continuous profilers',
  recognisedBy: 'protobuf with the fields of a profile, sample types (pairs of numbers) among the first; .gz or not',
  extensions: ['.pb', '.pprof'],
  detect,
  read: readPprof,
  write: writePprof,
  losses: pprofLosses,
};

/** Fields of the outermost message that are messages or text; all others are numbers. */
const MESSAGES = [1, 2, 3, 4, 5, 6, 11];

/**
 * Every field in the head is one of a profile, and at least one is a pair of numbers where a profile has sample types:
 * other protobuf messages do not look so.
 */
function detect(head: Uint8Array): number {
  const cursor = new PprofCursor(head, 0, head.length);
  let pairs = 0;
  let fields = 0;
  try {
    for (; cursor.next(); fields++) {
      const { field, wire } = cursor;
      const isMessage = MESSAGES.includes(field);
      if (field < 1 || field > 15 || (field !== 13 && wire !== (isMessage ? 2 : 0))) return 0;
      if (field === 1 || field === 11) {
        if (!isPair(cursor.message())) return 0;
        pairs++;
      } else cursor.skip();
    }
  } catch {
    // The head ends within a field, or it is no profile after all.
  }
  return pairs > 0 && fields > 1 ? 0.9 : 0;
}

function isPair(cursor: PprofCursor): boolean {
  while (cursor.next()) {
    if (cursor.wire !== 0 || cursor.field > 2) return false;
    cursor.varint();
  }
  return true;
}

async function readPprof(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const reader = new PprofReader(source.name);
  const window = new ByteWindow(source, options.onProgress);
  let damage: string | undefined;
  while (damage === undefined && (window.available > 0 || (await window.more()))) {
    damage = await field(window, reader);
  }
  await window.close();
  if (!reader.isUsable) {
    const found = damage === undefined ? 'none' : `${damage} at byte ${window.offset}`;
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected sample types, samples and their names, found ${found}`,
      {
        hint: 'the names stand at the end of most such files: fetch it again if it was cut off',
      },
    );
  }
  if (damage !== undefined) {
    reader.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${damage} at byte ${window.offset}`,
    });
  }
  return reader.finish();
}

/** One field of the outermost message. Returns what is wrong with it. */
async function field(window: ByteWindow, reader: PprofReader): Promise<string | undefined> {
  await window.need(20);
  try {
    const cursor = new PprofCursor(window.bytes, window.pos, window.end);
    cursor.next();
    if (cursor.wire === 2) {
      cursor.varint();
      const length = cursor.low;
      const header = cursor.at - window.pos;
      if (cursor.high !== 0 || !(await window.need(header + length))) return 'it ends within a field';
      reader.field(new PprofCursor(window.bytes, window.pos + header, window.pos + header + length), cursor.field);
      window.pos += header + length;
    } else {
      reader.number(cursor);
      window.pos = cursor.at;
    }
    return undefined;
  } catch (error) {
    if (error instanceof MalformedPprof) return error.message;
    throw error;
  }
}
