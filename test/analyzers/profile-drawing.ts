import { NO_STACK, type Profile, type ValueType } from '../../src/model/profile.ts';
import { type FrameInput, ProfileBuilder } from '../../src/model/profile-builder.ts';

export interface DrawOptions {
  readonly valueTypes?: readonly ValueType[];
  /** What a frame's name stands for, where it is more than a name. */
  readonly frames?: Readonly<Record<string, Omit<FrameInput, 'name'> & { readonly name?: string }>>;
  readonly epochNs?: bigint;
}

/**
 * A profile drawn as text, one sample a line: frames root first, then one weight a value column, then optionally
 * `@time` in ns and `pid/tid`:
 *
 *     main > parse > scan   10
 *     main > parse           5   @120   7/8
 */
export function drawProfile(text: string, options: DrawOptions = {}): Profile {
  const builder = new ProfileBuilder('drawn', options.valueTypes ?? [{ name: 'cpu', unit: 'nanoseconds' }]);
  builder.epochNs = options.epochNs;
  for (const line of text.split('\n')) {
    const match = /^\s*(.*?)\s+((?:-?\d+(?:\.\d+)?\s*)+)(@\d+)?\s*(\d+\/\d+)?\s*$/.exec(line);
    if (match === null) continue;
    const [, path = '', weights = '', time, ids = '1/1'] = match;
    const [pid = 0, tid = 0] = ids.split('/').map(Number);
    let stack = NO_STACK;
    for (const name of path.split('>').map(part => part.trim())) {
      if (name !== '') stack = builder.stack(stack, builder.frame({ name, ...options.frames?.[name] }));
    }
    const thread = builder.thread({ pid, tid, processName: `process ${pid}`, threadName: `thread ${tid}` });
    builder.sample({
      thread,
      stack,
      values: weights.trim().split(/\s+/).map(Number),
      ...(time === undefined ? {} : { timeNs: Number(time.slice(1)) }),
    });
  }
  return builder.finish();
}
