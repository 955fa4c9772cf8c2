import { formatShare } from '../src/base/format-units.ts';
import type { Warnings } from '../src/base/warnings.ts';
import type { HotPathsResult } from './hot-paths.ts';

/** One thing worth a look: what was seen, how it was measured, how sure. */
export interface Finding {
  readonly id: string;
  readonly severity: 'info' | 'notice' | 'warning';
  readonly title: string;
  readonly detail: string;
  readonly evidence: string;
  /** 0…1: how far the data carries it. */
  readonly confidence: number;
}

type Measured = Pick<HotPathsResult, 'weight' | 'samples' | 'lost' | 'functions' | 'paths' | 'categories'>;

/** A self share from which one function alone is worth optimising. */
const WIDE_BAR_SHARE = 0.1;
/** Without one function above this, no single optimisation helps much. */
const FRAGMENTED_TOP_TEN_SHARE = 0.3;
/** A function this often on one stack recurses. */
const RECURSION_DEPTH = 10;
const GC_SHARE = 0.1;
const TRACING_SHARE = 0.05;

/** The three shapes of a flame graph (wide flat bar, deep stack, fragmentation) and costs that are not the application's. */
export function findHotPathFindings(result: Measured, warnings: Warnings): Finding[] {
  const findings: Finding[] = [];
  // Nothing is claimed of data that does not support it: with few samples a finding becomes a note.
  const weak = warnings.has('low-samples') || warnings.has('symbols-missing');
  const severity = weak ? 'info' : 'notice';
  const confidence = (share: number): number => {
    if (result.samples === 0) return 0;
    // Half width of a 95 % interval of a share from n samples; lost samples widen the doubt in proportion.
    const half = 1.96 * Math.sqrt((share * (1 - share)) / result.samples);
    const lost = result.lost / (result.lost + result.samples);
    return Math.max(0, Math.min(1, (1 - half / Math.max(share, 1e-9)) * (1 - lost)));
  };
  const evidence = (share: number): string =>
    `${formatShare(share)} of ${result.weight.name} (${result.weight.unit}), ${result.samples} samples`;

  const spent = result.weight.unit === 'bytes' ? 'the memory is allocated in' : 'the time is spent in';
  for (const f of result.functions) {
    if (f.selfShare < WIDE_BAR_SHARE) break;
    if (f.category === 'runtime' || f.category === 'unknown') continue;
    findings.push({
      id: 'wide-flat-bar',
      severity,
      title: `${f.name} takes ${formatShare(f.selfShare)} by itself`,
      detail: `A wide bar with little on top: ${spent} this function's own code${f.file === '' ? '' : ` (${f.file}${f.line > 0 ? `:${f.line}` : ''})`}, not in what it calls.`,
      evidence: evidence(f.selfShare),
      confidence: confidence(f.selfShare),
    });
  }
  const recursion = deepest(result);
  if (recursion !== undefined && recursion.share >= 0.02) {
    findings.push({
      id: 'deep-recursion',
      severity,
      title: `${recursion.name} calls itself ${recursion.times} deep`,
      detail: 'A deep stack of one function: a loop or a bound on the depth may be cheaper.',
      evidence: evidence(recursion.share),
      confidence: confidence(recursion.share),
    });
  }
  const topTen = result.functions.slice(0, 10).reduce((sum, f) => sum + f.selfShare, 0);
  if (result.functions.length >= 50 && topTen < FRAGMENTED_TOP_TEN_SHARE) {
    findings.push({
      id: 'fragmented',
      severity,
      title: `The ten hottest functions take ${formatShare(topTen)} together`,
      detail:
        'No single function to optimise: look at the categories, and at what is done how often, rather than at code.',
      evidence: evidence(topTen),
      confidence: confidence(topTen),
    });
  }
  const categoryFinding = (id: string, threshold: number, title: string, detail: string): void => {
    const share = result.categories.find(c => c.id === id)?.share ?? 0;
    if (share < threshold) return;
    const text = `${title} ${formatShare(share)}`;
    findings.push({
      id: `${id}-cost`,
      severity,
      title: text,
      detail,
      evidence: evidence(share),
      confidence: confidence(share),
    });
  };
  categoryFinding(
    'gc',
    GC_SHARE,
    'Garbage collection takes',
    'Allocation is the cost behind it: look at allocation profiles (node-heap) next.',
  );
  categoryFinding(
    'logging-tracing',
    TRACING_SHARE,
    'Logging and tracing take',
    'Part of this is the watching itself: compare with a run under --no-trace before acting on it.',
  );
  return findings;
}

function deepest(result: Measured): { name: string; times: number; share: number } | undefined {
  let found: { name: string; times: number; share: number } | undefined;
  const shareOf = new Map<string, number>();
  // Module loaders recurse by nature, and once.
  const loading = new Set(result.functions.filter(f => f.category === 'startup').map(f => f.name));
  for (const path of result.paths) {
    const counts = new Map<string, number>();
    for (const name of path.frames) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const [name, times] of counts) {
      if (times < RECURSION_DEPTH || name === '' || name === '(anonymous)' || loading.has(name)) continue;
      const share = (shareOf.get(name) ?? 0) + path.share;
      shareOf.set(name, share);
      if (found === undefined || share > found.share || (name === found.name && times > found.times)) {
        found = { name, times: Math.max(times, found?.name === name ? found.times : 0), share };
      }
    }
  }
  return found;
}
