import { decorationOf } from '../model/frame-text.ts';
import { FrameFlag } from '../model/profile.ts';
import type { FrameInput } from '../model/profile-builder.ts';
import { runtimeName } from '../symbols/runtime-name.ts';
import { scriptOfUrl } from './v8-call-frame.ts';

/** Annotations of collapsed stacks: kernel, just-in-time compiled, inlined, waiting. */
const ANNOTATIONS: Readonly<Record<string, number>> = {
  k: FrameFlag.kernel,
  j: FrameFlag.jit,
  i: FrameFlag.inlined,
  w: FrameFlag.waiting,
};

/**
 * A frame out of printed text: the bare name, and as decoration all that stood around it, so that the text can be
 * printed again as it was. `printed` is that text where it differs from what the name is taken from.
 */
export function frameOfText(text: string, printed: string = text): FrameInput {
  const annotation = /_\[([kjiw])\]$/.exec(text);
  const plain = annotation === null ? text : text.slice(0, annotation.index);
  const { name, file, line, column, category } = runtimeName(plain);
  const decoration = decorationOf(printed, name);
  // What cannot be printed again from its parts stays as it is.
  if (decoration === '' && printed !== name) return { name: printed };
  return {
    name,
    decoration,
    ...(file === '' ? {} : scriptOfUrl(file)),
    line,
    column,
    category,
    flags: (annotation === null ? 0 : ANNOTATIONS[annotation[1]!]!) | (category === 'JavaScript' ? FrameFlag.jit : 0),
  };
}
