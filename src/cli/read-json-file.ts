import { resolve } from 'node:path';
import { fileSource } from '../../collectors/file-source.ts';
import { TprofError } from '../base/errors.ts';
import { readAll, type Source } from '../base/source.ts';
import { describeBytes } from '../formats/describe-bytes.ts';
import type { CliContext } from './context.ts';

/** A small JSON file that an option names (`.gz`, `.zst` too). */
export async function readJsonFile(file: string, context: CliContext, what: string): Promise<unknown> {
  return readJsonSource({ ...(await fileSource(resolve(context.cwd, file))), name: file }, what);
}

/** The same of an input that is open already. `what` says what it should have been. */
export async function readJsonSource(source: Source, what: string): Promise<unknown> {
  const bytes = await readAll(source);
  try {
    return JSON.parse(new TextDecoder('utf-8', { ignoreBOM: false }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected ${what} as JSON, found ${describeBytes(source.head)}`,
      {
        hint: 'tprof breakdown --help says what each option reads',
        cause,
      },
    );
  }
}
