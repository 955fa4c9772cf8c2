import type { SpanNode } from './observation.ts';

/** How often a span of one name contains something at least so many times. */
interface Portrait {
  spans: number;
  readonly counts: Map<string, number>;
}

/** Below this a likeness says nothing. */
const LIKE_ENOUGH = 0.6;

/**
 * What spans of each name contain: calls, markers, spans below. A span that never arrived is recognised by what is left
 * of it: the name whose spans nearly all contain the same.
 */
export class SpanPortraits {
  readonly #portraits = new Map<string, Portrait>();

  readonly #nameOfContext = new Map<string, string>();

  constructor(nodes: readonly SpanNode[]) {
    for (const node of nodes) {
      if (node.row < 0) continue;
      if (node.context !== undefined) this.#nameOfContext.set(node.context.id, node.name);
      const features = featuresOf(node);
      if (features.size === 0) continue;
      const portrait = this.#portraits.get(node.name) ?? { spans: 0, counts: new Map<string, number>() };
      this.#portraits.set(node.name, portrait);
      portrait.spans++;
      for (const [feature, count] of features) {
        for (let n = 1; n <= count; n++) {
          const key = `${feature} ${n}`;
          portrait.counts.set(key, (portrait.counts.get(key) ?? 0) + 1);
        }
      }
    }
  }

  /** The name of spans in a context of the catalogue; '' = none arrived. */
  nameIn(context: string): string {
    return this.#nameOfContext.get(context) ?? '';
  }

  /** The name that a lost span had, as far as what is left of it tells; '' = nothing is like it. */
  nameOf(node: SpanNode): string {
    const features = [...featuresOf(node)];
    if (features.length === 0) return '';
    let best = '';
    let likeness = LIKE_ENOUGH;
    for (const [name, { spans, counts }] of [...this.#portraits].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const sum = features.reduce(
        (total, [feature, count]) => total + (counts.get(`${feature} ${count}`) ?? 0) / spans,
        0,
      );
      if (sum / features.length <= likeness) continue;
      likeness = sum / features.length;
      best = name;
    }
    return best;
  }
}

function featuresOf(node: SpanNode): Map<string, number> {
  const features = new Map<string, number>();
  const add = (feature: string): void => {
    features.set(feature, (features.get(feature) ?? 0) + 1);
  };
  for (const child of node.children) if (child.name !== '') add(`span ${child.name}`);
  for (const item of node.items) if (item.own === undefined) add(item.what);
  return features;
}
