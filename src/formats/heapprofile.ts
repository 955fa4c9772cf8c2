// https://chromedevtools.github.io/devtools-protocol/tot/HeapProfiler/#type-SamplingHeapProfile
import { float64Column } from '../base/column.ts';
import { TprofError } from '../base/errors.ts';
import { type JsonShape, streamJson } from '../base/json-stream.ts';
import { asNumber, asObject, asText } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import type { Profile, StackIndex } from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import { threadsAsRoots } from '../model/threads-as-roots.ts';
import { CallTree } from './call-tree.ts';
import { childLists } from './child-lists.ts';
import type { ProfileFormat, ProfileReadOptions, ProfileWriteOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';
import { oneWeightLoss } from './one-weight.ts';
import { inLargePieces } from './text-pieces.ts';
import { callFrameJson, frameOfCallFrame } from './v8-call-frame.ts';

/**
 * V8's sampled heap: bytes that were alive at the end, by the stack that allocated them; or, where `weight` beside the
 * tree says so, all that were allocated. tprof's own agent writes that word, which V8 leaves out.
 */
export const heapprofile: ProfileFormat = {
  id: 'heapprofile',
  kind: 'profile',
  title: 'V8 heap profile: node --heap-prof, Chrome DevTools',
  recognisedBy: 'JSON with head.callFrame and selfSize',
  extensions: ['.heapprofile'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    return root === 'object' && paths.has('head.callFrame') ? 1 : 0;
  },
  read: readHeapprofile,
  write: (profile, options) => inLargePieces(pieces(profile, options)),
  losses(profile, options) {
    const lost = oneWeightLoss(profile, options);
    const unit = profile.valueTypes[options.value ?? profile.defaultValue]?.unit;
    if (unit !== 'bytes') lost.push(`it holds bytes: a weight of 1 (${unit}) stands as 1 byte`);
    if (profile.threads.length > 1) lost.push('it holds one thread: each thread became a frame below (root)');
    return lost;
  },
};

async function readHeapprofile(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const builder = new ProfileBuilder(source.name, [{ name: 'inuse_space', unit: 'bytes' }]);
  const tree = new CallTree();
  const selfSize = float64Column();
  let weight: string | undefined;
  const sampledOf = new Map<number, number>();
  const open: number[] = [];
  const fields: Record<string, JsonShape> = {
    callFrame: {
      value: value => {
        const frame = frameOfCallFrame(value);
        if (frame.name !== '(root)') tree.setFrame(open.at(-1)!, builder.frame(frame));
      },
    },
    selfSize: { value: value => selfSize.set(open.at(-1)!, asNumber(value, 0)) },
    id: { value: value => tree.setId(open.at(-1)!, asNumber(value, Number.NaN)) },
  };
  const node: JsonShape = {
    fields,
    begin: () => {
      open.push(tree.add(open.at(-1)));
      selfSize.push(0);
    },
    end: () => open.pop(),
  };
  fields.children = { items: node };
  const { damage } = await streamJson(
    source,
    {
      fields: {
        head: node,
        weight: { value: value => (weight = asText(value)) },
        samples: {
          each: value => {
            const id = asNumber(asObject(value).nodeId, -1);
            sampledOf.set(id, (sampledOf.get(id) ?? 0) + 1);
          },
        },
      },
    },
    options.onProgress,
  );
  const where = damage === undefined ? 'nothing' : `${damage.reason} at byte ${damage.offset}`;
  const stacks = tree.resolve(builder, builder.warnings);
  const thread = builder.thread(threadOfName(source.name));
  const sampled = new Float64Array(tree.length);
  for (const [id, count] of sampledOf) {
    const row = tree.rowOf(id);
    if (row !== undefined) sampled[row] = count;
  }
  if (weight !== undefined) builder.addValueType({ name: 'sampled_allocations', unit: 'count' });
  for (let row = 0; row < tree.length; row++) {
    if (selfSize.get(row) === 0) continue;
    builder.aggregate({ thread, stack: stacks[row]! as StackIndex, values: [selfSize.get(row), sampled[row]!] });
  }
  if (tree.length === 0 || (damage !== undefined && builder.sampleCount === 0)) {
    throw new TprofError('input-invalid', `${source.name}: expected a tree of call frames with sizes, found ${where}`, {
      hint: 'a process that was killed leaves such a file; record it with tprof record, which survives signals',
    });
  }
  if (damage !== undefined) {
    builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${where}`,
    });
  }
  const profile = builder.finish();
  if (weight !== 'alloc_space') return profile;
  const [, ...others] = profile.valueTypes;
  return { ...profile, valueTypes: [{ name: weight, unit: 'bytes' }, ...others] };
}

function* pieces(profile: Profile, options: ProfileWriteOptions): Generator<string> {
  const one = profile.threads.length > 1 ? threadsAsRoots(profile) : profile;
  const { samples, stacks } = one;
  const weights = samples.values[options.value ?? one.defaultValue] ?? new Float64Array(samples.length);
  const selfSize = new Float64Array(stacks.length + 1);
  for (let s = 0; s < samples.length; s++) {
    selfSize[samples.stack[s]! < 0 ? stacks.length : samples.stack[s]!]! += weights[s]!;
  }
  const { firstChild, nextSibling } = childLists(stacks.parent);
  const root = '{"functionName":"(root)","scriptId":"0","url":"","lineNumber":-1,"columnNumber":-1}';
  yield `{"head":{"callFrame":${root},"selfSize":${selfSize[stacks.length]},"id":1,"children":[`;
  // Next child of each open node.
  const open = [firstChild[stacks.length]!];
  let first = true;
  while (open.length > 0) {
    const child = open.pop()!;
    if (child === -1) {
      yield ']}';
      first = false;
      continue;
    }
    const frame = callFrameJson(one, stacks.frame[child]!);
    yield `${first ? '' : ',\n'}{"callFrame":${frame},"selfSize":${selfSize[child]},"id":${child + 2},"children":[`;
    open.push(nextSibling[child]!, firstChild[child]!);
    first = true;
  }
  yield '}\n';
}

/** Node writes `Heap.<date>.<time>.<pid>.<thread>.<number>.heapprofile`, tprof's agent without the times. */
function threadOfName(name: string): Profile['threads'][number] {
  const match = /Heap\.(?:\d+\.\d+\.)?(\d+)\.(\d+)\.\d+\.heapprofile/.exec(name);
  if (match === null) return { pid: 0, tid: 0, processName: '', threadName: '' };
  const tid = Number(match[2]);
  return { pid: Number(match[1]), tid, processName: '', threadName: tid === 0 ? '' : `worker ${tid}` };
}
