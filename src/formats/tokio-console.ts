// https://github.com/tokio-rs/console/tree/main/console-api/proto
import type { Source } from '../base/source.ts';
import { type AsyncRecording, shortPath, taskLabel, taskTimes } from '../model/async-tasks.ts';
import { FrameFlag, type FrameIndex, NO_STACK, type Profile } from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { CONSOLE_MAGIC } from './tokio-console-frames.ts';
import { readConsoleRecording } from './tokio-console-recording.ts';

/**
 * What `record --tokio-console` keeps. As a profile: where a task was spawned → its name → what it did, weighted by
 * time; `busy`, `scheduled` and `idle` are weights of their own, and `wall` is their sum.
 */
export const tokioConsole: ProfileFormat = {
  id: 'tokio-console',
  kind: 'profile',
  title: 'tokio’s console-subscriber, as record --tokio-console keeps it: tasks by busy, scheduled and idle time',
  recognisedBy: `its first line, ${CONSOLE_MAGIC.trim()}`,
  extensions: ['.console'],
  detect(head) {
    if (head.length === 0) return 0;
    for (let i = 0; i < CONSOLE_MAGIC.length; i++) if (head[i] !== CONSOLE_MAGIC.charCodeAt(i)) return 0;
    return 1;
  },
  read: readTokioConsole,
};

const STATES = ['busy', 'scheduled', 'idle'] as const;

async function readTokioConsole(source: Source, options: ProfileReadOptions): Promise<Profile> {
  return profileOfTasks(await readConsoleRecording(source, options.onProgress));
}

/** The task flame graph's profile: one row a spawn site, name and state, however many tasks there were. */
export function profileOfTasks(recording: AsyncRecording): Profile {
  const { tasks, strings, programs } = recording;
  const builder = new ProfileBuilder(
    recording.name,
    ['wall', ...STATES].map(name => ({ name, unit: 'nanoseconds' })),
  );
  builder.warnings.merge(recording.warnings);
  const threads = programs.map(({ pid, address }) =>
    builder.thread({ pid, tid: 0, processName: '', threadName: `tokio ${address}` }),
  );
  builder.epochNs = recording.epochNs;
  builder.durationNs = programs.reduce((longest, p) => Math.max(longest, p.untilNs - p.fromNs), 0);
  const stateFrames = STATES.map(name =>
    builder.frame({ name, category: name, flags: name === 'busy' ? 0 : FrameFlag.waiting }),
  );
  for (let row = 0; row < tasks.length; row++) {
    const file = strings[tasks.file[row]!]!;
    const line = tasks.line[row]!;
    const site = builder.frame({
      name: file === '' ? '[unknown spawn site]' : `${shortPath(file)}:${line}`,
      file,
      line,
      column: tasks.column[row]!,
    });
    const task = builder.frame({ name: taskLabel(recording, row), module: strings[tasks.target[row]!]!, file, line });
    const stack = builder.stack(builder.stack(NO_STACK, site), task);
    const times = taskTimes(recording, row);
    const values = [times.busyNs, times.scheduledNs, times.idleNs];
    for (let state = 0; state < STATES.length; state++) {
      const ns = values[state]!;
      if (ns <= 0) continue;
      const own = [0, 0, 0];
      own[state] = ns;
      builder.aggregate({
        thread: threads[tasks.program[row]!]!,
        stack: builder.stack(stack, stateFrames[state] as FrameIndex),
        values: [ns, ...own],
      });
    }
  }
  return builder.finish();
}
