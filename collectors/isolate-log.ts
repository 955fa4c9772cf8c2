import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TprofError } from '../src/base/errors.ts';
import { memorySource, type Source } from '../src/base/source.ts';

/** What the preprocessed log may measure: Node holds it as one string. */
const LARGEST_OUTPUT = 2 ** 29;

/** Whether these are the first bytes of what `node --prof` writes. */
export function isIsolateLog(head: Uint8Array): boolean {
  return /^v8-version,\d+,\d+,/.test(new TextDecoder().decode(head.subarray(0, 64)));
}

/**
 * The ticks of a raw isolate log as `v8-log` reads them. Only the V8 that wrote a log knows its addresses and columns,
 * so that the log of another version is refused rather than misread.
 */
export async function preprocessIsolateLog(path: string, source: Source): Promise<Source> {
  const first = new TextDecoder().decode(source.head).split('\n', 1)[0]!;
  const [, major = '', minor = '', build = '', patch = ''] = first.split(',');
  const version = `${major}.${minor}.${build}.${patch}`;
  const own = process.versions.v8.split('-', 1)[0];
  if (version !== own) {
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected a tick log of V8 ${own}, which this Node has, found one of V8 ${version}`,
      { hint: `with the Node that wrote it: node --prof-process --preprocess ${source.name} > ticks.json` },
    );
  }
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--prof-process', '--preprocess', path], {
      maxBuffer: LARGEST_OUTPUT,
      encoding: 'buffer',
    });
    return memorySource(source.name, new Uint8Array(stdout));
  } catch (cause) {
    throw new TprofError('input-invalid', `${source.name}: node --prof-process could not read this tick log`, {
      hint: `see what it says: node --prof-process --preprocess ${source.name} > ticks.json`,
      cause,
    });
  }
}
