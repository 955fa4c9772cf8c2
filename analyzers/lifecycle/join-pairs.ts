import { sortByTime } from './by-time.ts';
import type { CatalogPair } from './catalog.ts';
import { addItem, type Observation } from './observation.ts';

/**
 * Two markers that are the begin and the end of one call become that call. Markers of one span pair up inside it;
 * those without a span pair up within their process, by queue, first in first out.
 */
export function joinPairs(observations: readonly Observation[], pairs: readonly CatalogPair[]): Observation[] {
  const made: Observation[] = [];
  const fromOf = new Map<string, CatalogPair>();
  const toOf = new Map<string, CatalogPair[]>();
  for (const pair of pairs) {
    fromOf.set(pair.from, pair);
    for (const to of pair.to) toOf.set(to, [...(toOf.get(to) ?? []), pair]);
  }
  const nodeIds = new Map<object, number>();
  const open = new Map<string, Observation[]>();
  const place = (o: Observation, pair: CatalogPair): string => {
    if (o.node === undefined) return `${pair.id} process ${o.process} ${o.ids.queue}`;
    const known = nodeIds.get(o.node);
    const id = known ?? nodeIds.size;
    if (known === undefined) nodeIds.set(o.node, id);
    return `${pair.id} span ${id} ${o.ids.queue}`;
  };
  for (const o of observations) {
    if (o.form !== 'marker') continue;
    for (const pair of toOf.get(o.what) ?? []) {
      const begin = open.get(place(o, pair))?.shift();
      if (begin === undefined) continue;
      const call: Observation = {
        ...begin,
        form: 'call',
        what: pair.id,
        operation: '',
        endNs: Math.max(o.endNs, begin.startNs),
        ids: { ...begin.ids, messageId: begin.ids.messageId || o.ids.messageId },
      };
      made.push(call);
      // The call stands for both from now on.
      begin.operation = 'paired';
      o.operation = 'paired';
      if (begin.node !== undefined) {
        addItem(begin.node, call);
        sortByTime(begin.node.items as Observation[]);
      }
    }
    const pair = fromOf.get(o.what);
    if (pair === undefined) continue;
    const key = place(o, pair);
    const waiting = open.get(key);
    if (waiting === undefined) open.set(key, [o]);
    else waiting.push(o);
  }
  return made;
}
