import { formatShare } from '../src/base/format-units.ts';
import type { Warnings } from '../src/base/warnings.ts';
import type { CategoryId } from './categories.ts';
import type { HotPathsResult } from './hot-paths.ts';
import { wilsonInterval } from './statistics.ts';

/** One thing worth a look: what was seen, how it was measured, how sure. */
export interface Finding {
  readonly id: string;
  readonly severity: 'info' | 'notice' | 'warning';
  readonly title: string;
  readonly detail: string;
  readonly evidence: string;
  /** Where to look: a place in the source, callers, the next command. */
  readonly look?: string;
  /** 0…1: how far the data carries it. */
  readonly confidence: number;
}

type Measured = Pick<HotPathsResult, 'weight' | 'samples' | 'lost' | 'waiting' | 'functions' | 'paths' | 'categories'>;

/** A self share from which one function alone is worth optimising. */
const WIDE_BAR_SHARE = 0.1;
/** Without one function above this, no single optimisation helps much. */
const FRAGMENTED_TOP_TEN_SHARE = 0.3;
/** Fewer functions than this are no crowd. */
const FRAGMENTED_FUNCTIONS = 50;
/** A function this often on one stack recurses. */
const RECURSION_DEPTH = 10;
/** Less of the weight than this in recursion is not worth a word. */
const RECURSION_SHARE = 0.02;
/** Half of the weight this deep, or deeper: layers that only pass on. */
const DEEP_STACK = 60;
const GC_SHARE = 0.1;
const TRACING_SHARE = 0.05;
/** From here on what has no name may be what is hot. */
const UNNAMED_SHARE = 0.1;
/** More samples lost than this, and the rest may not be like them. */
const LOST_SHARE = 0.1;

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** The three shapes of a flame graph (wide flat bar, deep stack, fragmentation) and costs that are not the application's. */
export function findHotPathFindings(result: Measured, warnings: Warnings): Finding[] {
  const findings: Finding[] = [];
  const unnamed = result.categories.find(c => c.id === 'unknown')?.share ?? 0;
  const lost = result.lost / Math.max(1, result.lost + result.samples);
  // Nothing is claimed of data that does not support it: with few samples, missing symbols or lost data a finding becomes
  // a note.
  const doubts = [
    ...(warnings.has('low-samples') ? ['few samples'] : []),
    ...(warnings.has('symbols-missing') || unnamed > UNNAMED_SHARE ? [`${formatShare(unnamed)} without a symbol`] : []),
    ...(lost > LOST_SHARE ? [`${formatShare(lost)} of the samples lost`] : []),
  ];
  const severity = doubts.length > 0 ? 'info' : 'notice';
  // Waiting samples are in no share.
  const { total, name: weight, unit } = result.weight;
  const counted = total + result.waiting === 0 ? 0 : (result.samples * total) / (total + result.waiting);
  const add = (
    id: string,
    share: number,
    words: Pick<Finding, 'title' | 'detail'> & { readonly threshold: string; readonly look?: string },
  ): void => {
    const { low, high } = wilsonInterval(share, counted);
    const half = Math.max(share - low, high - share);
    findings.push({
      id,
      severity,
      title: words.title,
      detail: words.detail,
      evidence: `${formatShare(share)} (95 % interval ${formatShare(low)} … ${formatShare(high)}) of ${weight} (${unit}), ${Math.round(counted)} samples; told ${words.threshold}${doubts.length === 0 ? '' : `; a note only: ${doubts.join(', ')}`}`,
      confidence: Math.max(0, Math.min(1, (1 - half / Math.max(share, 1e-9)) * (1 - lost))),
      ...(words.look === undefined ? {} : { look: words.look }),
    });
  };

  for (const f of result.functions) {
    if (f.selfShare < WIDE_BAR_SHARE) break;
    if (f.category === 'runtime' || f.category === 'unknown') continue;
    const inKernel = f.category === 'kernel';
    add('wide-flat-bar', f.selfShare, {
      title: `${nameOf(f.name)} takes ${formatShare(f.selfShare)} by itself`,
      detail: inKernel
        ? 'A wide bar at the top of other functions: work of the kernel that they ask for. Fewer or larger calls cost less.'
        : `A wide bar with little on top: the time is spent in this function's own code, not in what it calls. Do it less often, or make this code cheaper.`,
      threshold: `from ${percent(WIDE_BAR_SHARE)} on`,
      look: [placeOf(f), callersOf(f.name, result.paths)].filter(part => part !== '').join('; '),
    });
  }
  const recursion = deepest(result);
  if (recursion !== undefined && recursion.share >= RECURSION_SHARE) {
    add('deep-recursion', recursion.share, {
      title: `${recursion.name} calls itself ${recursion.times} deep`,
      detail: 'A deep stack of one function: a loop or a bound on the depth may be cheaper.',
      threshold: `from ${RECURSION_DEPTH} calls of itself and ${percent(RECURSION_SHARE)} on`,
      look: callersOf(recursion.name, result.paths),
    });
  }
  const deep = sharePassing(result, DEEP_STACK);
  if (deep >= 0.5 && recursion === undefined) {
    add('deep-stack', deep, {
      title: `${formatShare(deep)} is ${DEEP_STACK} calls deep or deeper`,
      detail:
        'Deep stacks without recursion: layers that pass on to the next one (middleware, async runtimes, proxies). What each of them costs is in its self time.',
      threshold: `from half of the weight at ${DEEP_STACK} calls on`,
      look: 'the flame graph upside down (tprof flame, key v) shows what is called from everywhere',
    });
  }
  const topTen = result.functions.slice(0, 10).reduce((sum, f) => sum + f.selfShare, 0);
  if (result.functions.length >= FRAGMENTED_FUNCTIONS && topTen < FRAGMENTED_TOP_TEN_SHARE) {
    add('fragmented', topTen, {
      title: `The ten hottest functions take ${formatShare(topTen)} together`,
      detail:
        'No single function to optimise: look at the categories, and at what is done how often, rather than at code.',
      threshold: `below ${percent(FRAGMENTED_TOP_TEN_SHARE)}, of ${FRAGMENTED_FUNCTIONS} functions or more`,
      look: `the table by category: ${result.categories
        .slice(0, 3)
        .map(c => `${c.id} ${formatShare(c.share)}`)
        .join(', ')}`,
    });
  }
  const categoryFinding = (id: CategoryId, threshold: number, title: string, detail: string): void => {
    const share = result.categories.find(c => c.id === id)?.share ?? 0;
    if (share < threshold) return;
    const hottest = result.functions.find(f => f.category === id && f.self > 0);
    add(`${id}-cost`, share, {
      title: `${title} ${formatShare(share)}`,
      detail,
      threshold: `from ${percent(threshold)} on`,
      ...(hottest === undefined ? {} : { look: `most of it in ${nameOf(hottest.name)}` }),
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
  if (unnamed > UNNAMED_SHARE) {
    add('unnamed', unnamed, {
      title: `${formatShare(unnamed)} of the weight has no symbol`,
      detail: 'What is hot in there cannot be said, and what stands above may be a part of it.',
      threshold: `from ${percent(UNNAMED_SHARE)} on`,
      look: 'debug symbols of the programs and libraries that are named by their file alone',
    });
  }
  return findings;
}

function nameOf(name: string): string {
  return name === '' ? '(anonymous)' : name;
}

function placeOf({ file, module, line }: HotPathsResult['functions'][number]): string {
  if (file === '') return module;
  return `${file}${line > 0 ? `:${line}` : ''}`;
}

/** The heaviest way to a function, nearest caller first; '' where nobody is known to call it. */
function callersOf(name: string, paths: Measured['paths']): string {
  const path = paths.find(p => p.frames.includes(name));
  if (path === undefined) return '';
  const callers = path.frames.slice(0, path.frames.indexOf(name)).reverse().slice(0, 3).map(nameOf);
  return callers.length === 0 ? '' : `called by ${callers.join(' ← ')}`;
}

/** Share of the weight whose stacks are at least this deep. */
function sharePassing({ paths }: Measured, depth: number): number {
  return paths.reduce((sum, path) => sum + (path.frames.length >= depth ? path.share : 0), 0);
}

function deepest(result: Measured): { name: string; times: number; share: number } | undefined {
  let found: { name: string; times: number; share: number } | undefined;
  const shareOf = new Map<string, number>();
  // Module loaders recurse by nature, and once.
  // So does what has no symbol: it is not one function.
  const loading = new Set(
    result.functions.filter(f => f.category === 'startup' || f.category === 'unknown').map(f => f.name),
  );
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
