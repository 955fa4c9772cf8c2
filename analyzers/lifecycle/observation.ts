import type { Evidence } from '../../src/model/evidence.ts';
import type { CatalogContext } from './catalog.ts';

/** Evidence while it is being joined: with the span that it happened in, and what joining finds out. */
export interface Observation extends Omit<Evidence, 'ids' | 'process'> {
  /** `call`: has a length, or could have. `marker`: an instant that names what comes before and after. */
  readonly form: 'call' | 'marker';
  /** Whether the catalogue knows it; what it does not know is named by its fingerprint. */
  readonly known: boolean;
  /** The span that it happened in (of a span: the one above). */
  node: SpanNode | undefined;
  /** Its own span, where it is one. */
  readonly own: SpanNode | undefined;
  readonly log: number;
  startNs: number;
  endNs: number;
  process: number;
  ids: Ids;
  /** Step whose markers on both sides claim it; its own ids win. */
  windowStep: string;
  /** Context given by a window of markers rather than by a span. */
  windowContext: string;
  /** The catalogue's operation, once its surroundings are known; '' = none. */
  operation: string;
  phase: string;
  standIn: string;
}

/** Names that a source gave; '' where it was silent. Evidence of the same names shares one object. */
export interface Ids {
  readonly taskUuid: string;
  readonly stepUuid: string;
  readonly stepUuids: readonly string[];
  /** Steps that the step waits for. */
  readonly dependsOn: readonly string[];
  readonly stepName: string;
  readonly namespace: string;
  readonly taskName: string;
  readonly correlationId: string;
  readonly queue: string;
  readonly messageId: string;
  readonly fromState: string;
  readonly toState: string;
}

/** A span with what happened directly in it. Spans that never arrived are here too, rebuilt from what names them. */
export interface SpanNode {
  /** Row in the trace; -1 = it never arrived. */
  readonly row: number;
  readonly traceIndex: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly name: string;
  context: CatalogContext | undefined;
  parent: SpanNode | undefined;
  process: number;
  startNs: number;
  endNs: number;
  ids: Ids;
  /** Most spans have neither: they share one empty list. Added to by `addItem` and `addChild`. */
  items: readonly Observation[];
  children: readonly SpanNode[];
  /** What the span itself is, where it is one call. */
  call: Observation | undefined;
}

export const NO_IDS: Ids = {
  taskUuid: '',
  stepUuid: '',
  stepUuids: [],
  dependsOn: [],
  stepName: '',
  namespace: '',
  taskName: '',
  correlationId: '',
  queue: '',
  messageId: '',
  fromState: '',
  toState: '',
};

export const NO_ITEMS: readonly Observation[] = [];
export const NO_CHILDREN: readonly SpanNode[] = [];

export function addItem(node: SpanNode, item: Observation): void {
  if (node.items === NO_ITEMS) node.items = [item];
  else (node.items as Observation[]).push(item);
}

export function addChild(node: SpanNode, child: SpanNode): void {
  if (node.children === NO_CHILDREN) node.children = [child];
  else (node.children as SpanNode[]).push(child);
}

/** The nearest enclosing context, the window's first: '' where none is known. */
export function contextOf(observation: Observation): string {
  if (observation.windowContext !== '') return observation.windowContext;
  for (let node = observation.node; node !== undefined; node = node.parent) {
    if (node.context !== undefined) return node.context.id;
  }
  return '';
}

/** The nearest span at or above `node` whose context has one of these roles. */
export function nearest(node: SpanNode | undefined, roles: readonly string[]): SpanNode | undefined {
  for (let at = node; at !== undefined; at = at.parent) {
    if (at.context !== undefined && roles.includes(at.context.role)) return at;
  }
  return undefined;
}
