import { basename } from 'node:path';
import { TprofError } from '../../base/errors.ts';
import type { Source } from '../../base/source.ts';
import type { CaptureManifest } from '../../model/capture.ts';
import type { Profile } from '../../model/profile.ts';
import { TraceBuilder } from '../../model/trace-builder.ts';
import type { CliContext } from '../context.ts';
import { openInput, readProfileSource } from '../inputs.ts';
import { isRows } from '../rows-input.ts';
import type { BareInput } from './redact-bare-input.ts';

export interface AttachInputs {
  readonly captures: readonly { readonly directory: string; readonly manifest: CaptureManifest }[];
  /** All files that are no capture, together: they are of one run. */
  readonly bare: BareInput | undefined;
}

/** Captures stay what they are; bare traces, profiles and rows are put together. */
export async function sortAttachInputs(words: readonly string[], context: CliContext): Promise<AttachInputs> {
  const captures: { directory: string; manifest: CaptureManifest }[] = [];
  const names: string[] = [];
  const profiles: Profile[] = [];
  const builder = new TraceBuilder(words.map(word => basename(word)).join(' '));
  let rows: Source | undefined;
  for (const word of words) {
    const input = await openInput(word, context, { accept: isRows });
    if (input.kind === 'capture') {
      captures.push(input);
      continue;
    }
    names.push(word);
    if (input.kind === 'trace') await input.format.read(input.source, builder, {});
    else if (input.kind === 'profile') profiles.push(await readProfileSource(input.source, input.format, {}));
    else if (rows === undefined) rows = input.source;
    else throw new TprofError('usage', `${word}: rows were given twice`, { hint: 'name one file of rows' });
  }
  const hasTrace = builder.spanCount + builder.logCount > 0;
  const bare =
    names.length === 0 ? undefined : { names, trace: hasTrace ? builder.finish() : undefined, profiles, rows };
  return { captures, bare };
}
