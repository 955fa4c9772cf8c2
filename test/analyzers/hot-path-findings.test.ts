import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyzeHotPaths, type HotPathsResult } from '../../analyzers/hot-paths.ts';
import { seededRandom } from '../../analyzers/statistics.ts';
import { findingBlock } from '../../src/report/finding-block.ts';
import { drawnProfile } from '../flame/drawn-profile.ts';
import { sampledProfile } from './diff/sampled-profile.ts';

const found = (result: HotPathsResult, id: string): HotPathsResult['findings'][number] => {
  const finding = result.findings.find(one => one.id === id);
  assert.ok(finding !== undefined, `${id} among ${result.findings.map(one => one.id).join(', ')}`);
  return finding;
};
const draw = (stacks: Readonly<Record<string, number>>, samples = 5000): HotPathsResult =>
  analyzeHotPaths(sampledProfile(stacks, samples, seededRandom(1)));

test('a wide bar: what was seen, what to do, where to look, how it was measured, how sure', () => {
  const result = draw({ 'main;serve;hot': 0.4, 'main;serve;a': 0.09, 'main;b': 0.09, 'main;c': 0.42 });
  const hot = result.findings.find(f => f.title.startsWith('hot takes'))!;
  assert.equal(hot.severity, 'notice');
  assert.match(hot.title, /^hot takes (39|40)\.\d % by itself$/);
  assert.match(
    hot.evidence,
    /95 % interval 3[89]\.\d % … 4[01]\.\d %\) of samples \(count\), 5000 samples; told from 10 % on/,
  );
  assert.equal(hot.look, 'called by serve ← main');
  assert.ok(hot.confidence > 0.9 && hot.confidence < 1);
  assert.ok(!result.findings.some(f => f.title.startsWith('a takes')), 'below the threshold nothing is said');
  const block = findingBlock(hot);
  assert.ok(block.kind === 'note' && /Look at: called by serve ← main\. Measured: .*\. Confidence: 9/.test(block.text));
});

test('recursion, deep stacks without it, and fragmentation are told apart', () => {
  const recursion = draw({ [`main;${'fib;'.repeat(15)}leaf`]: 0.5, 'main;x': 0.5 });
  assert.match(found(recursion, 'deep-recursion').title, /^fib calls itself 15 deep$/);
  const layers = Array.from({ length: 70 }, (_, i) => `layer_${i}`).join(';');
  const deep = draw({ [`main;${layers};work`]: 0.8, 'main;x': 0.2 });
  assert.match(found(deep, 'deep-stack').title, /^(79|80|81)\.\d % is 60 calls deep or deeper$/);
  assert.ok(!deep.findings.some(f => f.id === 'deep-recursion'));
  const many = draw(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`main;f${i}`, 1])));
  const fragmented = found(many, 'fragmented');
  assert.match(fragmented.evidence, /told below 30 %, of 50 functions or more/);
  assert.ok(!many.findings.some(f => f.id === 'wide-flat-bar'));
});

test('few samples, missing symbols and lost samples each turn findings into notes that say why', () => {
  const few = draw({ 'main;hot': 0.6, 'main;x': 0.4 }, 60);
  assert.match(found(few, 'wide-flat-bar').evidence, /a note only: few samples/);
  const three = found(analyzeHotPaths(sampledProfile({ 'main;hot': 1 }, 3, seededRandom(1))), 'wide-flat-bar');
  assert.match(three.evidence, /95 % interval 43\.9 % … 100\.0 %/);
  assert.ok(three.confidence < 0.5, 'three samples make nobody sure');
  const unnamed = draw({ 'main;[libfoo.so]': 0.3, 'main;hot': 0.7 });
  assert.match(found(unnamed, 'wide-flat-bar').evidence, /a note only: (29|30)\.\d % without a symbol/);
  found(unnamed, 'unnamed');
  const lossy = sampledProfile({ 'main;hot': 0.6, 'main;x': 0.4 }, 2000, seededRandom(1));
  const lost = analyzeHotPaths({ ...lossy, lostSamples: 1000 });
  assert.match(found(lost, 'wide-flat-bar').evidence, /a note only: 33\.3 % of the samples lost/);
  for (const result of [few, unnamed, lost]) assert.ok(result.findings.every(f => f.severity === 'info'));
  const sound = draw({ 'main;hot': 0.6, 'main;x': 0.4 });
  assert.equal(found(sound, 'wide-flat-bar').severity, 'notice');
});

test('what has no symbol neither recurses nor is one function; the kernel works for its callers', () => {
  const nameless = draw({ [`main;${'[postgres];'.repeat(20)}[postgres]`]: 0.5, 'main;x': 0.5 });
  assert.ok(!nameless.findings.some(f => f.id === 'deep-recursion'));
  const kernel = analyzeHotPaths(
    drawnProfile('t 1 | main;send;tcp_write!kernel | 700\nt 1 | main;x | 300', ['samples count']),
  );
  const finding = kernel.findings.find(f => f.title.startsWith('tcp_write'))!;
  assert.match(finding.detail, /work of the kernel that they ask for/);
  assert.match(finding.look!, /called by send ← main/);
});
