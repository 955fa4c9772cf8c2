// https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile
import { float64Column } from '../base/column.ts';
import { TprofError } from '../base/errors.ts';
import { type JsonShape, streamJson } from '../base/json-stream.ts';
import { asArray, asNumber, asObject, type JsonObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import type { Profile, StackIndex, Thread } from '../model/profile.ts';
import { type FrameInput, ProfileBuilder } from '../model/profile-builder.ts';
import { CallTree } from './call-tree.ts';
import { writeCpuprofile } from './cpuprofile-write.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';
import { oneWeightLoss } from './one-weight.ts';
import { frameOfCallFrame } from './v8-call-frame.ts';

/**
 * V8's CPU profile. Times are microseconds on the monotonic clock (`startTime` too), kept as nanoseconds.
 *
 * Weight: a sample stands for the time from itself to the next sample, the last one to `endTime` — delta i+1 belongs to
 * sample i, as Chrome's DevTools have it. V8 takes a sample at once when profiling starts, so nothing but the start-up
 * of the sampler lies before the first. `wall` holds that time, `cpu` the same without `(idle)`, `samples` counts.
 */
export const cpuprofile: ProfileFormat = {
  id: 'cpuprofile',
  kind: 'profile',
  title: 'V8 CPU profile: node --cpu-prof, Chrome DevTools',
  recognisedBy: 'JSON with nodes[].callFrame, or an old head.functionName tree',
  extensions: ['.cpuprofile'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    if (root !== 'object') return 0;
    if (paths.has('nodes[].callFrame')) return 1;
    if (paths.has('head.functionName') && !paths.has('head.callFrame')) return 0.9;
    return paths.has('nodes') && (paths.has('timeDeltas') || paths.has('startTime')) ? 0.8 : 0;
  },
  read: readCpuprofile,
  write: writeCpuprofile,
  losses(profile, options) {
    const lost = profile.valueTypes.some(type => type.name === 'wall') ? [] : oneWeightLoss(profile, options);
    if (profile.threads.length > 1) lost.push('it holds one thread: each thread became a frame below (root)');
    if (profile.valueTypes[profile.defaultValue]?.unit !== 'nanoseconds' && profile.samples.length > 0) {
      lost.push('it holds times only: a weight of 1 stands as 1 µs');
    }
    return lost;
  },
};

/** Everything of the file, before samples and nodes are joined: they come in any order. */
interface Recording {
  startUs: number;
  endUs: number;
  readonly sampleIds: ReturnType<typeof float64Column>;
  readonly deltasUs: ReturnType<typeof float64Column>;
  /** Old form only: absolute times instead of deltas. */
  readonly timestampsUs: ReturnType<typeof float64Column>;
  readonly hits: { readonly row: number; readonly count: number }[];
}

async function readCpuprofile(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const builder = new ProfileBuilder(source.name, [
    { name: 'cpu', unit: 'nanoseconds' },
    { name: 'wall', unit: 'nanoseconds' },
    { name: 'samples', unit: 'count' },
  ]);
  const tree = new CallTree();
  const recording: Recording = {
    startUs: Number.NaN,
    endUs: Number.NaN,
    sampleIds: float64Column(),
    deltasUs: float64Column(),
    timestampsUs: float64Column(),
    hits: [],
  };
  const idle = new Set<number>();
  const parentIds: [row: number, id: number][] = [];
  const fill = (row: number, node: JsonObject, input: FrameInput): void => {
    tree.setId(row, asNumber(node.id, Number.NaN));
    if (input.name !== '(root)') tree.setFrame(row, builder.frame(input));
    if (input.name === '(idle)') idle.add(row);
    for (const child of asArray(node.children)) tree.child(row, asNumber(child, Number.NaN));
    if (node.parent !== undefined) parentIds.push([row, asNumber(node.parent, Number.NaN)]);
    const count = asNumber(node.hitCount, 0);
    if (count > 0) recording.hits.push({ row, count });
  };
  const addNode = (value: unknown): void => {
    const node = asObject(value);
    fill(tree.add(), node, frameOfCallFrame(node.callFrame));
  };
  const { damage } = await streamJson(
    source,
    {
      fields: {
        nodes: { each: addNode },
        head: oldTree(tree, fill),
        startTime: { value: value => (recording.startUs = asNumber(value, Number.NaN)) },
        endTime: { value: value => (recording.endUs = asNumber(value, Number.NaN)) },
        samples: { numbers: id => recording.sampleIds.push(id) },
        timeDeltas: { numbers: delta => recording.deltasUs.push(delta) },
        timestamps: { numbers: time => recording.timestampsUs.push(time) },
      },
    },
    options.onProgress,
  );
  if (tree.length === 0 || (damage !== undefined && recording.sampleIds.length === 0)) {
    const found = damage === undefined ? 'none' : `${damage.reason} at byte ${damage.offset}`;
    throw new TprofError('input-invalid', `${source.name}: expected call tree nodes and samples, found ${found}`, {
      hint: 'a process that was killed leaves such a file; record it with tprof record, which survives signals',
    });
  }
  if (damage !== undefined) {
    builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${damage.reason} at byte ${damage.offset}`,
    });
  }
  for (const [row, id] of parentIds) {
    const parent = tree.rowOf(id);
    if (parent !== undefined) tree.setParent(row, parent);
  }
  const stacks = tree.resolve(builder, builder.warnings);
  const thread = builder.thread(threadOfName(source.name));
  const add = (row: number, timeNs: number | undefined, wallNs: number, count: number): void => {
    const values = [idle.has(row) ? 0 : wallNs, wallNs, count];
    const stack = stacks[row]! as StackIndex;
    if (timeNs === undefined) builder.aggregate({ thread, stack, values });
    else builder.sample({ thread, stack, timeNs, values });
  };
  if (recording.sampleIds.length > 0) addSamples(recording, tree, builder, add);
  else addHits(recording, builder, add);
  return builder.finish();
}

type AddSample = (row: number, timeNs: number | undefined, wallNs: number, count: number) => void;

function addSamples(recording: Recording, tree: CallTree, builder: ProfileBuilder, add: AddSample): void {
  const { sampleIds } = recording;
  const { warnings } = builder;
  const times = timesUs(recording, builder);
  if (times === undefined) {
    warnings.add('times-missing', 'the profile has no time deltas: samples are counted, not timed');
  } else if (times.length < sampleIds.length) {
    const count = sampleIds.length - times.length;
    warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      count,
      example: `${count} samples have no time and were left out`,
    });
  }
  const kept = times === undefined ? sampleIds.length : Math.min(times.length, sampleIds.length);
  for (let i = 0; i < kept; i++) {
    const row = tree.rowOf(sampleIds.get(i));
    if (row === undefined) {
      warnings.add('damaged-input', 'samples name call tree nodes that are not there', {
        example: `sample ${i}: node ${sampleIds.get(i)}`,
      });
      continue;
    }
    if (times === undefined) {
      add(row, undefined, 0, 1);
      continue;
    }
    const at = times[i]!;
    const next = i + 1 < times.length ? times[i + 1]! : Math.max(at, recording.endUs);
    add(row, at * 1000, Number.isNaN(next) ? 0 : (next - at) * 1000, 1);
  }
  if (times === undefined) builder.defaultValue = 2;
}

/** Time of each sample, never going back; undefined where the file has none. */
function timesUs(recording: Recording, builder: ProfileBuilder): Float64Array | undefined {
  const { deltasUs, timestampsUs, startUs, endUs } = recording;
  const column = deltasUs.length > 0 ? deltasUs : timestampsUs;
  if (column.length === 0) return undefined;
  const times = new Float64Array(column.length);
  // Old files have absolute microseconds beside a start in seconds.
  let now = deltasUs.length > 0 ? (Number.isNaN(startUs) ? 0 : startUs) : 0;
  let latest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < times.length; i++) {
    const value = column.get(i);
    now = deltasUs.length > 0 ? now + (Number.isNaN(value) ? 0 : value) : value;
    if (now < latest || Number.isNaN(now)) {
      builder.warnings.add('negative-deltas', 'samples are earlier than the ones before them: taken as simultaneous');
    } else latest = now;
    times[i] = latest;
  }
  if (deltasUs.length > 0 && endUs > startUs) builder.durationNs = (endUs - startUs) * 1000;
  else if (deltasUs.length === 0) recording.endUs = endUs * 1e6;
  return times;
}

/** A profile without samples: hit counts, with the recorded time shared out by them. */
function addHits(recording: Recording, builder: ProfileBuilder, add: AddSample): void {
  const total = recording.hits.reduce((sum, hit) => sum + hit.count, 0);
  const lengthNs = (recording.endUs - recording.startUs) * 1000;
  const perHitNs = lengthNs > 0 && total > 0 ? lengthNs / total : 0;
  if (perHitNs > 0) builder.durationNs = lengthNs;
  for (const { row, count } of recording.hits) add(row, undefined, perHitNs * count, count);
  if (perHitNs === 0) builder.defaultValue = 2;
}

/** Until 2016: nested nodes whose call frame lies in the node itself, its line 1-based. */
function oldTree(tree: CallTree, fill: (row: number, node: JsonObject, input: FrameInput) => void): JsonShape {
  const open: { readonly row: number; readonly node: Record<string, unknown> }[] = [];
  const fields: Record<string, JsonShape> = {};
  for (const key of ['functionName', 'url', 'lineNumber', 'columnNumber', 'id', 'hitCount']) {
    fields[key] = {
      value: value => {
        const top = open.at(-1);
        if (top !== undefined) top.node[key] = value;
      },
    };
  }
  const shape: JsonShape = {
    fields,
    begin: () => open.push({ row: tree.add(open.at(-1)?.row), node: {} }),
    end: () => {
      const { row, node } = open.pop()!;
      const lineNumber = asNumber(node.lineNumber, 0) - 1;
      fill(row, node, frameOfCallFrame({ ...node, lineNumber, columnNumber: asNumber(node.columnNumber, 0) - 1 }));
    },
  };
  fields.children = { items: shape };
  return shape;
}

/** Node writes `CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile`; other names say nothing. */
function threadOfName(name: string): Thread {
  const match = /CPU\.\d+\.\d+\.(\d+)\.(\d+)\.\d+\.cpuprofile/.exec(name);
  if (match === null) return { pid: 0, tid: 0, processName: '', threadName: '' };
  const tid = Number(match[2]);
  return { pid: Number(match[1]), tid, processName: '', threadName: tid === 0 ? '' : `worker ${tid}` };
}
