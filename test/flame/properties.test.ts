import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { hierarchy, partition } from 'd3-hierarchy';
import fc from 'fast-check';
import { buildView } from '../../flame/build-view.ts';
import { encodeModel } from '../../flame/codec.ts';
import { decodeModel } from '../../flame/decode-model.ts';
import type { FlameModel, FlameView } from '../../flame/flame-model.ts';
import { flameProgram } from '../../flame/flame-program.ts';
import { flameState, type ViewOptions } from '../../flame/flame-state.ts';
import { functionTotals, matchedTotal } from '../../flame/function-totals.ts';
import { mergeProfile } from '../../flame/merge.ts';
import { numberReader, writeNumbers } from '../../flame/number-text.ts';
import { walkBoxes } from '../../flame/walk-boxes.ts';
import { drawnProfile } from './drawn-profile.ts';

const sampleLine = fc.record({
  thread: fc.integer({ min: 1, max: 3 }),
  stack: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e!waiting'), { maxLength: 8 }),
  value: fc.integer({ min: 0, max: 1000 }),
});
const lines = fc.array(sampleLine, { maxLength: 40 });
const options = fc.record({
  order: fc.constantFrom('left-heavy', 'time', 'name'),
  reversed: fc.boolean(),
  recursion: fc.constantFrom('keep', 'direct', 'all'),
  grouping: fc.constantFrom('merged', 'process', 'thread'),
  only: fc.constantFrom('', 'p0', 't0'),
}) satisfies fc.Arbitrary<ViewOptions>;

type Line = { thread: number; stack: string[]; value: number };
const profileOf = (drawn: readonly Line[]) =>
  drawnProfile(drawn.map(({ thread, stack, value }) => `t ${thread} | ${stack.join(';')} | ${value}`).join('\n'));
const modelOf = (drawn: readonly Line[]): FlameModel =>
  mergeProfile(profileOf(drawn), { threads: true, timeOrder: true });

function viewOf(drawn: readonly Line[], view: ViewOptions): { model: FlameModel; view: FlameView } {
  const model = modelOf(drawn);
  const state = flameState(model, {
    ...view,
    order: model.timeOrdered ? (view.order ?? 'left-heavy') : 'left-heavy',
    only: model.rows.length === 0 ? '' : (view.only ?? ''),
  });
  return { model, view: buildView(model, state) };
}

test('children lie within their parent, beside each other, and totals add up exactly', () => {
  fc.assert(
    fc.property(lines, options, (drawn, chosen) => {
      const { view } = viewOf(drawn, chosen);
      const covered = new Float64Array(view.length);
      for (let i = 1; i < view.length; i++) {
        const up = view.parent[i]!;
        assert.ok(up < i && i < view.end[up]! && view.end[i]! <= view.end[up]!);
        assert.ok(view.total[i]! > 0);
        assert.equal(view.start[i]!, view.start[up]! + covered[up]!);
        covered[up]! += view.total[i]!;
        assert.equal(view.level[i]!, view.level[up]! + 1);
      }
      for (let i = 0; i < view.length; i++) assert.equal(covered[i]! + view.self[i]!, view.total[i]!);
      const kept = drawn.filter(({ thread }) => chosen.only === '' || thread === Math.min(...drawn.map(d => d.thread)));
      assert.equal(
        view.total[0]!,
        kept.reduce((sum, { value }) => sum + value, 0),
      );
    }),
  );
});

test('a function weighs the same forwards, reversed, in its sandwich, and counted by hand', () => {
  fc.assert(
    fc.property(lines, drawn => {
      const { model, view } = viewOf(drawn, {});
      const reversed = viewOf(drawn, { reversed: true }).view;
      for (const { frame, self, total } of functionTotals(view)) {
        const name = model.frames.labels[frame]!;
        const bare = (f: string): string => f.replace('!waiting', '');
        const inStack = drawn.filter(({ stack }) => stack.map(bare).includes(name));
        assert.equal(
          total,
          inStack.reduce((sum, { value }) => sum + value, 0),
        );
        const atLeaf = drawn.filter(({ stack }) => bare(stack.at(-1) ?? '') === name);
        assert.equal(
          self,
          atLeaf.reduce((sum, { value }) => sum + value, 0),
        );
        let selfReversed = 0;
        for (let i = 1; i < reversed.length; i++) {
          if (reversed.level[i] === 1 && reversed.frame[i] === frame) selfReversed += reversed.total[i]!;
        }
        assert.equal(selfReversed, self);
        const sandwich = buildView(model, flameState(model, { sandwichOf: name }));
        assert.equal(sandwich.total[0], total);
        const matches = new Uint8Array(model.frames.length);
        matches[frame] = 1;
        assert.equal(matchedTotal(view, 0, matches), total);
      }
    }),
  );
});

test('the order of samples does not matter, but for the order of time', () => {
  fc.assert(
    fc.property(lines, fc.nat(), (drawn, seed) => {
      const shuffled = drawn.map((line, i) => ({ line, key: Math.imul(i + 1, seed | 1) >>> 0 }));
      shuffled.sort((a, b) => a.key - b.key);
      const [one, other] = [drawn, shuffled.map(({ line }) => line)].map(order => {
        const model = mergeProfile(profileOf(order), { threads: true });
        return encodeModel(model, flameState(model, {}));
      });
      assert.deepEqual({ ...one, facts: [] }, { ...other, facts: [] });
    }),
  );
});

test('what travels inside a picture is read back whole, by the program inside it too', () => {
  const sandbox: { window?: object; document?: object; result?: unknown } = {};
  const context = vm.createContext(sandbox);
  const program = flameProgram();
  vm.runInContext(program.slice(0, program.lastIndexOf('startFlame(')), context);
  fc.assert(
    fc.property(lines, options, (drawn, chosen) => {
      const { model, view } = viewOf(drawn, chosen);
      const state = flameState(model, {
        ...chosen,
        order: model.timeOrdered ? chosen.order : 'left-heavy',
        only: model.rows.length === 0 ? '' : chosen.only,
      });
      const payload = JSON.stringify(encodeModel(model, state));
      const { valueTypes, ...read } = decodeModel(JSON.parse(payload));
      assert.deepEqual(read, { ...read, frames: model.frames, nodes: model.nodes, rows: model.rows });
      assert.deepEqual(valueTypes, model.valueTypes);
      sandbox.result = undefined;
      vm.runInContext(
        `{const p=JSON.parse(${JSON.stringify(payload)});const v=buildView(decodeModel(p),p.state);
          globalThis.result=JSON.stringify([[...v.frame],[...v.start],[...v.total],[...v.level]])}`,
        context,
      );
      assert.equal(
        sandbox.result,
        JSON.stringify([[...view.frame], [...view.start], [...view.total], [...view.level]]),
      );
    }),
    { numRuns: 40 },
  );
});

test("boxes are where d3-hierarchy's partition puts them", () => {
  fc.assert(
    fc.property(lines, options, (drawn, chosen) => {
      const { view } = viewOf(drawn, { ...chosen, reversed: false });
      if (view.total[0] === 0) return;
      interface Datum {
        node: number;
        own: number;
        children: Datum[];
      }
      const data: Datum[] = Array.from({ length: view.length }, (_, node) => ({
        node,
        own: view.self[node]!,
        children: [],
      }));
      for (let i = 1; i < view.length; i++) data[view.parent[i]!]!.children.push(data[i]!);
      const root = partition<Datum>().size([1000, 1])(hierarchy(data[0]!, d => d.children).sum(d => d.own));
      const theirs = new Map(root.descendants().map(box => [box.data.node, box]));
      walkBoxes(view, 0, 1000, 0, -1e9, 1e9, {
        box(node, x, width) {
          const box = theirs.get(node)!;
          assert.ok(Math.abs(box.x0 - x) < 1e-6 && Math.abs(box.x1 - x - width) < 1e-6);
          assert.equal(box.depth, view.level[node]);
        },
        rest() {
          assert.fail('nothing is too narrow at a width of 0');
        },
      });
    }),
  );
});

test('what is drawn covers what there is: narrow neighbours are drawn together', () => {
  fc.assert(
    fc.property(lines, fc.integer({ min: 20, max: 300 }), (drawn, width) => {
      const { view } = viewOf(drawn, {});
      if (view.total[0] === 0) return;
      let covered = 0;
      walkBoxes(view, 0, width, 1, 1, 1, {
        box: (_node, _x, w) => {
          covered += w;
        },
        rest: (_parent, _level, _x, w) => {
          covered += w;
        },
      });
      const topLevel = view.total[0]! - view.self[0]!;
      // A gap is narrower than a pixel, and there is at most one between two boxes.
      assert.ok(covered <= (topLevel / view.total[0]!) * width + 1e-6);
      let boxes = 0;
      for (let i = 1; i < view.length; i++) if (view.level[i] === 1) boxes++;
      assert.ok(covered >= (topLevel / view.total[0]!) * width - 1 * (boxes + 1));
    }),
  );
});

test('numbers as text', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat()), numbers => {
      const text = writeNumbers(put => numbers.forEach(put));
      assert.doesNotMatch(text, /[<>&"'\\\]-]/);
      const read = numberReader(text);
      assert.deepEqual(
        numbers.map(() => read()),
        numbers,
      );
    }),
  );
});

test('weights that are no whole numbers keep twelve digits of their total', () => {
  const model = mergeProfile(drawnProfile('t 1 | a | 0.125\nt 1 | b | 1234.5678901\nt 1 | c | 1e-9'));
  const read = decodeModel(JSON.parse(JSON.stringify(encodeModel(model, flameState(model, {})))));
  for (let r = 0; r < model.rows.length; r++) {
    assert.ok(Math.abs(read.rows.values[0]![r]! - model.rows.values[0]![r]!) < 1235 * 1e-12);
  }
});
