import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { TprofError } from '../src/base/errors.ts';
import { CaptureFile } from '../src/model/capture.ts';
import { readManifest } from './capture-manifest.ts';
import { diskFailure } from './disk-failure.ts';
import { isSameProcess } from './process-table.ts';

/** Where captures go unless `-o` says otherwise, below the working directory. */
export const CAPTURES_FOLDER = '.tprof';

export interface CaptureFolderOptions {
  readonly cwd: string;
  /** `-o DIR`, as typed; undefined = a new folder below `.tprof`. */
  readonly output: string | undefined;
  /** What the capture is about: `e2e-linear`, `node-app`. Any text; made fit for a file name here. */
  readonly name: string;
  readonly startedAt: Date;
}

export interface CaptureFolder {
  /** Absolute. */
  readonly directory: string;
  /** Its last part: what `tprof list` shows. */
  readonly name: string;
  /** Makes and names `raw/<id>`: where one tool leaves its files. */
  raw(id: string): Promise<string>;
  /** Removes what was made: for a recording that could not begin. */
  discard(): Promise<void>;
}

/** Makes the folder of a new capture, empty but for `raw/`. A folder with other people's files in it is refused. */
export async function createCaptureFolder(options: CaptureFolderOptions): Promise<CaptureFolder> {
  const named = options.output === undefined ? undefined : resolve(options.cwd, options.output);
  const created = named === undefined ? await makeDated(options) : await makeNamed(named, options.output ?? named);
  const { directory } = created;
  const raw = async (id: string): Promise<string> => {
    const path = join(directory, CaptureFile.raw, id);
    await guarded(path, () => mkdir(path, { recursive: true }));
    return path;
  };
  await guarded(directory, () => mkdir(join(directory, CaptureFile.raw), { recursive: true }));
  return {
    directory,
    name: basename(directory),
    raw,
    discard: async () => {
      if (created.isNew) await rm(directory, { recursive: true, force: true });
      else await clear(directory);
    },
  };
}

/** `.tprof/20261121-041503-name`, which sorts by time; a second capture in the same second gets `-2`. */
async function makeDated(options: CaptureFolderOptions): Promise<{ directory: string; isNew: boolean }> {
  const root = join(options.cwd, CAPTURES_FOLDER);
  await guarded(root, async () => {
    await mkdir(root, { recursive: true });
    await writeFile(join(root, '.gitignore'), '*\n', { flag: 'wx' }).catch(ignoreExisting);
  });
  const at = options.startedAt;
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
  const stem = `${day}-${time}-${fileNameOf(options.name)}`;
  for (let attempt = 1; ; attempt++) {
    const directory = join(root, attempt === 1 ? stem : `${stem}-${attempt}`);
    try {
      // Not recursive: of two recordings that begin at once, one finds the name taken.
      await mkdir(directory);
      return { directory, isNew: true };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 1000) throw diskFailure(directory, cause);
    }
  }
}

/** `-o DIR`: new, empty, or an earlier capture, which is replaced. */
async function makeNamed(directory: string, typed: string): Promise<{ directory: string; isNew: boolean }> {
  let found: string[];
  try {
    found = await readdir(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw diskFailure(typed, cause);
    await guarded(typed, () => mkdir(directory, { recursive: true }));
    return { directory, isNew: true };
  }
  if (found.length === 0) return { directory, isNew: false };
  const manifest = await readManifest(directory);
  if (manifest === undefined) {
    const some = found.sort().slice(0, 3).join(', ');
    throw new TprofError(
      'usage',
      `${typed}: expected an empty folder or an earlier capture, found ${some}${found.length > 3 ? ', …' : ''}`,
      { hint: 'name a new folder with -o DIR, or leave -o away to record below .tprof' },
    );
  }
  if (!manifest.complete && manifest.recorder !== undefined && isSameProcess(manifest.recorder)) {
    throw new TprofError('usage', `${typed}: another recording (pid ${manifest.recorder.pid}) is writing there`, {
      hint: 'wait until it ends, or name another folder with -o DIR',
    });
  }
  await guarded(typed, () => clear(directory));
  return { directory, isNew: false };
}

/** Removes a capture's own files and nothing else: notes that someone put beside them stay. */
async function clear(directory: string): Promise<void> {
  // The manifest goes last: while anything of the old capture is left, the folder is known to be one.
  const own = [...new Set(Object.values(CaptureFile).map(file => file.split('/')[0] as string))];
  own.sort((a, b) => Number(a === CaptureFile.manifest) - Number(b === CaptureFile.manifest));
  for (const file of own) await rm(join(directory, file), { recursive: true, force: true });
}

/** Letters, digits, dots, dashes; at most 40; never empty and never hidden. */
export function fileNameOf(text: string): string {
  const plain = text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 40);
  return plain === '' ? 'capture' : plain;
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}

async function guarded(path: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw diskFailure(path, cause);
  }
}
