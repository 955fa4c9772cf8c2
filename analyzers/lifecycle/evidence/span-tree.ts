import { addChild, type SpanNode } from '../observation.ts';

/**
 * Whether a span's parent is what it heard of, not what it is part of: a message's or request's other end. Work is
 * part of work in its own process alone.
 */
export function crossesOver(node: SpanNode, kind: number): boolean {
  const { parent } = node;
  if (parent === undefined || parent.row < 0) return false;
  if (parent.process !== node.process || kind === 5) return true;
  return parent.call !== undefined && node.startNs >= parent.endNs;
}

/** A lost span's parent is lost with it: the smallest span of its trace that encloses it stands in. */
export function placeLost(lost: readonly SpanNode[], arrived: readonly SpanNode[]): void {
  if (lost.length === 0) return;
  const byTrace = new Map<number, SpanNode[]>();
  for (const node of lost) byTrace.set(node.traceIndex, []);
  for (const node of [...arrived, ...lost]) {
    if (node.context !== undefined) byTrace.get(node.traceIndex)?.push(node);
  }
  for (const node of lost) {
    if (node.startNs > node.endNs) continue;
    let best: SpanNode | undefined;
    for (const other of byTrace.get(node.traceIndex)!) {
      const encloses = other.startNs <= node.startNs && other.endNs >= node.endNs;
      const larger = other.endNs - other.startNs > node.endNs - node.startNs;
      if (other === node || !encloses || !larger) continue;
      if (best === undefined || other.endNs - other.startNs < best.endNs - best.startNs) best = other;
    }
    if (best === undefined) continue;
    node.parent = best;
    addChild(best, node);
  }
}
