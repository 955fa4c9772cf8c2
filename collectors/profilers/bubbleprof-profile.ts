import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { streamJson } from '../../src/base/json-stream.ts';
import { asNumber, asObject, asText } from '../../src/base/narrow.ts';
import { type AsyncFrame, readAsyncStarts } from '../../src/formats/clinic-messages.ts';
import { writePprof } from '../../src/formats/pprof-write.ts';
import { type FrameIndex, NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { fileSource } from '../file-source.ts';
import type { ClinicData } from './clinic-tool.ts';
import type { ProfilerArtefact } from './profiler.ts';

const CALLBACK = '_CALLBACK';

/** One asynchronous operation, in microseconds of the trace's clock. */
interface Operation {
  readonly type: string;
  readonly beganUs: number;
  lastUs: number;
  callbackUs: number;
  openUs: number;
  callbacks: number;
}

type Operations = Map<number, Operation>;

/**
 * What bubbleprof saw of one process, as a profile a thread: asynchronous operations under the stack that began them.
 * `async_wait`: from an operation's beginning to the end of its last callback, without the time in its callbacks;
 * operations that never called back waited for nothing that the program saw, and count as such alone. Ids are a thread's own: trace
 * events tell threads apart, and the worker threads' stacks are theirs in the order in which they began.
 */
export async function readBubbleprof(
  rawDirectory: string,
  main: ClinicData,
  workers: readonly ClinicData[],
): Promise<readonly { readonly data: ClinicData; readonly profile: Profile }[]> {
  const source = await fileSource(join(rawDirectory, main.name, `${main.name}-traceevent`));
  const threads = new Map<number, Operations>();
  await streamJson(source, { fields: { traceEvents: { each: event => follow(asObject(event), threads) } } });
  const own = threads.get(main.pid) ?? new Map();
  const others = [...threads].filter(([tid]) => tid !== main.pid).map(([, operations]) => operations);
  const pairs = [{ data: main, operations: own, stacks: true }];
  for (const [i, operations] of others.entries()) {
    const data = workers[i] ?? { ...main, tid: i + 1 };
    pairs.push({ data, operations, stacks: others.length === workers.length });
  }
  return Promise.all(
    pairs.map(async ({ data, operations, stacks }) => ({
      data,
      profile: await profileOf(data.name, operations, stacks ? join(rawDirectory, data.name) : undefined),
    })),
  );
}

async function profileOf(name: string, operations: Operations, folder: string | undefined): Promise<Profile> {
  const builder = new ProfileBuilder(name, [
    { name: 'async_wait', unit: 'nanoseconds' },
    { name: 'callbacks', unit: 'nanoseconds' },
    { name: 'operations', unit: 'count' },
  ]);
  const thread = builder.thread({ pid: 0, tid: 0, processName: '', threadName: '' });
  const starts = folder === undefined ? undefined : await readFile(join(folder, `${name}-stacktrace`)).catch(() => {});
  for (const { asyncId, frames } of readAsyncStarts(starts ?? new Uint8Array(0))) {
    const operation = operations.get(asyncId);
    if (operation === undefined) continue;
    operations.delete(asyncId);
    builder.aggregate({ thread, stack: stackOf(builder, frames, operation.type), values: valuesOf(operation) });
  }
  // Node's own, and those of bubbleprof: they began without a stack that it kept.
  for (const operation of operations.values()) {
    builder.aggregate({ thread, stack: stackOf(builder, [], operation.type), values: valuesOf(operation) });
  }
  return builder.finish();
}

/** Writes those profiles beside the data. */
export async function writeBubbleprof(
  rawDirectory: string,
  main: ClinicData,
  workers: readonly ClinicData[],
): Promise<readonly ProfilerArtefact[]> {
  const artefacts: ProfilerArtefact[] = [];
  for (const { data, profile } of await readBubbleprof(rawDirectory, main, workers)) {
    if (profile.samples.length === 0) continue;
    const file = `${main.name}/${main.pid}.${data.tid}-operations.pprof`;
    await pipeline(
      Readable.from(writePprof(profile, {})),
      createWriteStream(join(rawDirectory, file), { mode: 0o600 }),
    );
    artefacts.push({ file, format: 'pprof', pid: data.pid, tid: data.tid });
  }
  return artefacts;
}

/** https://nodejs.org/api/tracing.html: `node.async_hooks`; begin and end of an operation and of each of its callbacks. */
function follow(event: Readonly<Record<string, unknown>>, threads: Map<number, Operations>): void {
  const phase = asText(event.ph);
  if ((phase !== 'b' && phase !== 'e') || !asText(event.cat).includes('async_hooks')) return;
  const id = Number(asText(event.id));
  const tid = asNumber(event.tid, 0);
  const operations = threads.get(tid) ?? new Map<number, Operation>();
  threads.set(tid, operations);
  const atUs = asNumber(event.ts, 0);
  const type = asText(event.name);
  if (!type.endsWith(CALLBACK)) {
    const began = { type, beganUs: atUs, lastUs: atUs, callbackUs: 0, openUs: -1, callbacks: 0 };
    if (phase === 'b' && !operations.has(id)) operations.set(id, began);
    return;
  }
  const operation = operations.get(id);
  if (operation === undefined) return;
  if (phase === 'b') {
    operation.openUs = atUs;
    return;
  }
  if (operation.openUs < 0) return;
  operation.callbackUs += atUs - operation.openUs;
  operation.openUs = -1;
  operation.lastUs = atUs;
  operation.callbacks++;
}

function valuesOf({ beganUs, lastUs, callbackUs, callbacks }: Operation): number[] {
  return [callbacks === 0 ? 0 : Math.max(0, lastUs - beganUs - callbackUs) * 1000, callbackUs * 1000, 1];
}

function stackOf(
  builder: ProfileBuilder,
  frames: readonly AsyncFrame[],
  type: string,
): ReturnType<ProfileBuilder['stack']> {
  let stack = NO_STACK;
  for (let i = frames.length - 1; i >= 0; i--) {
    const { name, type: owner, file, line, column } = frames[i] as AsyncFrame;
    const called = name === '' ? '(anonymous)' : owner === '' || owner === 'Object' ? name : `${owner}.${name}`;
    const index: FrameIndex = builder.frame({ name: called, file, line, column, category: 'JavaScript' });
    stack = builder.stack(stack, index);
  }
  return builder.stack(stack, builder.frame({ name: type, category: 'async' }));
}
