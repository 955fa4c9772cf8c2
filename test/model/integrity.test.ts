import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkProfile } from '../../src/model/integrity.ts';
import { NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';

function sound(): Profile {
  const builder = new ProfileBuilder('x', [{ name: 'samples', unit: 'count' }]);
  const thread = builder.thread({ pid: 0, tid: 0, processName: '', threadName: '' });
  const main = builder.stack(NO_STACK, builder.frame({ name: 'main' }));
  builder.sample({ thread, stack: builder.stack(main, builder.frame({ name: 'leaf' })), timeNs: 1, values: [1] });
  return builder.finish();
}

const BROKEN: Readonly<Record<string, (p: Profile) => Profile>> = {
  'stacks.parent[0] is 1': p => ({ ...p, stacks: { ...p.stacks, parent: Int32Array.of(1, 0) } }),
  'stacks.parent[1] is -2': p => ({ ...p, stacks: { ...p.stacks, parent: Int32Array.of(-1, -2) } }),
  'stacks.frame[1] is 9, of 2': p => ({ ...p, stacks: { ...p.stacks, frame: Uint32Array.of(0, 9) } }),
  'samples.stack[0] is 2, of 2': p => ({ ...p, samples: { ...p.samples, stack: Int32Array.of(2) } }),
  'samples.thread[0] is 1, of 1': p => ({ ...p, samples: { ...p.samples, thread: Uint32Array.of(1) } }),
  'samples.timeNs has 0 rows, its table 1': p => ({ ...p, samples: { ...p.samples, timeNs: new Float64Array(0) } }),
  'samples.values[0][0] is NaN': p => ({ ...p, samples: { ...p.samples, values: [Float64Array.of(Number.NaN)] } }),
  'samples.values and valueTypes differ in length': p => ({ ...p, samples: { ...p.samples, values: [] } }),
  'defaultValue 1 is no value type': p => ({ ...p, defaultValue: 1 }),
  'strings[0] is not empty': p => ({ ...p, strings: ['x', ...p.strings.slice(1)] }),
  'strings hold one text twice': p => ({ ...p, strings: [...p.strings, 'main'] }),
  'frames.name[1] is 99': p => ({ ...p, frames: { ...p.frames, name: Uint32Array.of(1, 99) } }),
};

test('integrity: a sound profile passes, and each broken one is named', () => {
  checkProfile(sound());
  for (const [message, breakIt] of Object.entries(BROKEN)) {
    assert.throws(
      () => checkProfile(breakIt(sound())),
      (error: unknown) => error instanceof Error && error.message.includes(message),
      message,
    );
  }
});
