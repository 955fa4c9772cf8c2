import { FrameFlag, type Profile, type StackIndex } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';

/**
 * A profile drawn as text, one sample a line, times counting up by 1 ms:
 *
 *     thread | frame;frame;frame | value value
 *
 * A frame is `name`, `name@module`, `name!kernel` or `name!waiting`.
 */
export function drawnProfile(text: string, columns: readonly string[] = ['cpu nanoseconds']): Profile {
  const builder = new ProfileBuilder(
    'drawn',
    columns.map(column => ({ name: column.split(' ')[0]!, unit: column.split(' ')[1]! })),
  );
  let timeNs = 0;
  for (const line of text.split('\n').filter(part => part.trim() !== '')) {
    const [name = '', stackText = '', valueText = ''] = line.split('|').map(part => part.trim());
    const pid = Number(/\d+/.exec(name)?.[0] ?? 1);
    const thread = builder.thread({ pid, tid: pid, processName: name, threadName: '' });
    let stack = -1 as StackIndex;
    for (const frame of stackText.split(';').filter(part => part !== '')) {
      const [, label = '', module, flag] = /^(.*?)(?:@(.*?))?(?:!(\w+))?$/.exec(frame)!;
      const flags = flag === 'kernel' ? FrameFlag.kernel : flag === 'waiting' ? FrameFlag.waiting : 0;
      stack = builder.stack(stack, builder.frame({ name: label, flags, ...(module === undefined ? {} : { module }) }));
    }
    builder.sample({ thread, stack, timeNs, values: valueText.split(' ').map(Number) });
    timeNs += 1e6;
  }
  return builder.finish();
}
