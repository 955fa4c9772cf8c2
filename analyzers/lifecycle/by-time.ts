import type { Observation } from './observation.ts';

/** Start, then longer first (what encloses comes before what it encloses), then name: total. */
export function byTime(a: Observation, b: Observation): number {
  return a.startNs - b.startNs || b.endNs - a.endNs || (a.what < b.what ? -1 : a.what > b.what ? 1 : 0);
}

/** Sorts in place, and returns the list; most lists are in order already. */
export function sortByTime(list: Observation[]): Observation[] {
  for (let i = 1; i < list.length; i++) {
    if (list[i - 1]!.startNs < list[i]!.startNs || byTime(list[i - 1]!, list[i]!) <= 0) continue;
    return list.sort(byTime);
  }
  return list;
}

/** One list of two that are each made whole by sorting; of equals those of `sorted` come first. */
export function mergeByTime(sorted: readonly Observation[], more: readonly Observation[]): Observation[] {
  const others = [...more].sort(byTime);
  const merged: Observation[] = [];
  let next = 0;
  for (const o of sorted) {
    while (next < others.length && byTime(others[next]!, o) < 0) merged.push(others[next++]!);
    merged.push(o);
  }
  while (next < others.length) merged.push(others[next++]!);
  return merged;
}
