import { copyFrames } from './copy-frames.ts';
import { type FrameIndex, NO_STACK, type Profile, type StackIndex } from './profile.ts';
import { ProfileBuilder } from './profile-builder.ts';
import { threadLabel } from './thread-label.ts';

/** The profile as one thread without times, each thread a frame at the root: for formats that hold one thread only. */
export function threadsAsRoots(profile: Profile): Profile {
  const { samples, stacks, threads, valueTypes } = profile;
  const builder = new ProfileBuilder(profile.name, valueTypes);
  builder.defaultValue = profile.defaultValue;
  const frameOf = copyFrames(profile, builder);
  const thread = builder.thread({ pid: 0, tid: 0, processName: '', threadName: '' });
  const inThread = threads.map(t => {
    const label = threadLabel(t);
    return {
      root: builder.stack(NO_STACK, builder.frame({ name: label === '' ? '(thread)' : label })),
      of: new Int32Array(0),
    };
  });
  const path: number[] = [];
  for (let s = 0; s < samples.length; s++) {
    const own = inThread[samples.thread[s]!]!;
    // Filled as stacks are met: a thread rarely has more than a few of all stacks.
    if (own.of.length === 0) own.of = new Int32Array(stacks.length).fill(-1);
    let at = samples.stack[s]!;
    while (at >= 0 && own.of[at] === -1) {
      path.push(at);
      at = stacks.parent[at]!;
    }
    let stack = at < 0 ? own.root : (own.of[at]! as StackIndex);
    for (let next = path.pop(); next !== undefined; next = path.pop()) {
      stack = builder.stack(stack, frameOf[stacks.frame[next]!]! as FrameIndex);
      own.of[next] = stack;
    }
    builder.aggregate({ thread, stack, values: samples.values.map(column => column[s]!) });
  }
  return builder.finish();
}
