// https://docs.rs/tracing-flame
import { TprofError } from '../base/errors.ts';
import { readLines, type Source } from '../base/source.ts';
import { type FrameIndex, NO_STACK, type Profile, type Thread, type ThreadIndex } from '../model/profile.ts';
import { type FrameInput, ProfileBuilder } from '../model/profile-builder.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';

/**
 * Rust's tracing-flame: collapsed stacks of spans, a line at each enter and exit, in order of time. The number is the
 * nanoseconds since the event before on that thread, and the first frame is the thread.
 */
export const tracingFlame: ProfileFormat = {
  id: 'tracing-flame',
  kind: 'profile',
  title: 'tracing-flame: time in Rust tracing spans, in order',
  recognisedBy: 'collapsed lines whose first frame is ThreadId(N)-name or all-threads, frames apart by "; "',
  extensions: ['.tracing-folded'],
  detect(head) {
    const lines = new TextDecoder().decode(head).split('\n').slice(0, 20);
    if (head.length >= 4096) lines.pop();
    const known = lines.filter(line => line.trim() !== '');
    if (known.length === 0 || !known.every(line => THREAD.test(line))) return 0;
    return known.some(line => line.includes('; ')) || known.every(line => line.startsWith('ThreadId(')) ? 0.9 : 0;
  },
  read: readTracingFlame,
};

const THREAD = /^(?:ThreadId\((\d+)\)-([^;]*?)|(all-threads))(?=; | \d+$|$)/;

async function readTracingFlame(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const builder = new ProfileBuilder(source.name, [{ name: 'wall', unit: 'nanoseconds' }]);
  const frames = new Map<string, FrameIndex>();
  const threads = new Map<string, { readonly index: ThreadIndex; atNs: number }>();
  let bytes = 0;
  let last: { readonly line: string; readonly good: boolean } | undefined;
  for await (const line of readLines(source)) {
    bytes += line.length + 1;
    if ((bytes & 0xfff) < 64) options.onProgress?.(bytes);
    if (line.trim() === '') continue;
    const match = /^(.*) (\d+)$/s.exec(line);
    last = { line, good: match !== null && THREAD.test(line) };
    if (match === null || !last.good) {
      builder.warnings.add('lines-skipped', 'lines are none of thread, spans and nanoseconds', {
        example: line.slice(0, 80),
      });
      continue;
    }
    const [root = '', ...spans] = match[1]!.split('; ');
    let thread = threads.get(root);
    if (thread === undefined) {
      thread = { index: builder.thread(threadOf(root)), atNs: 0 };
      threads.set(root, thread);
    }
    let stack = NO_STACK;
    for (const span of spans) {
      let frame = frames.get(span);
      if (frame === undefined) {
        frame = builder.frame(frameOf(span));
        frames.set(span, frame);
      }
      stack = builder.stack(stack, frame);
    }
    const weight = Number(match[2]);
    builder.sample({ thread: thread.index, stack, timeNs: thread.atNs, values: [weight] });
    thread.atNs += weight;
  }
  if (builder.sampleCount === 0) {
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected lines of thread, spans and nanoseconds, found none`,
      {
        hint: 'collapsed stacks of another tool are read with --from collapsed',
      },
    );
  }
  if (last?.good === false) {
    builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${last.line.slice(0, 60)}`,
    });
  }
  return builder.finish();
}

function threadOf(root: string): Thread {
  const match = THREAD.exec(root);
  return {
    pid: 0,
    tid: Number(match?.[1] ?? 0) & 0x7fffffff,
    processName: '',
    threadName: match?.[2] ?? match?.[3] ?? root,
  };
}

/** `module::path::span`, with `:file:line` where it was asked for. */
function frameOf(span: string): FrameInput {
  const match = /^(.*?):([^:]+\.rs)(?::(\d+))?$/s.exec(span);
  if (match === null) return { name: span };
  const line = Number(match[3] ?? 0);
  return { name: match[1]!, file: match[2]!, line: line <= 0xffffffff ? line : 0, decoration: '' };
}
