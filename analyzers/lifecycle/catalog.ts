/**
 * What the lifecycle analyzer knows about an orchestrator, as data: how its work is recognised, in which order it
 * happens, and what the documents say should happen. Everything else in this folder is general; another orchestrator
 * is another catalogue (`--catalog FILE`, the same shape as JSON). Patterns are JavaScript regular expressions.
 */
export interface Catalog {
  readonly schema: 'tprof.catalog/1';
  readonly name: string;
  /** Targets (scope names) of the exporter watching itself: prefixes, with exceptions. */
  readonly noise: { readonly targets: readonly string[]; readonly except: readonly string[] };
  /** Attribute names by meaning, the first that is there counts; old names beside new ones. */
  readonly attributes: Readonly<Record<AttributeRole, readonly string[]>>;
  /** Attributes whose value names one process; a `pattern` keeps out values that do not. */
  readonly processKeys: readonly { readonly attribute: string; readonly pattern: string }[];
  readonly phases: readonly CatalogPhase[];
  readonly operations: readonly CatalogOperation[];
  /** Normalised SQL (lower case, single spaces) to a name. The first that matches counts. */
  readonly statements: readonly { readonly id: string; readonly sql: string }[];
  /** Spans that are one call of something, by name. */
  readonly calls: readonly { readonly id: string; readonly span: string }[];
  /** Text of log records and span events. */
  readonly markers: readonly CatalogMarker[];
  /** Two markers of one process that are begin and end of one call. */
  readonly pairs: readonly CatalogPair[];
  /** Spans that enclose work: they bound and name it, and are never operations. */
  readonly contexts: readonly CatalogContext[];
  /** Where statements carry no id: what runs between two markers that do, in its fixed order. */
  readonly windows: readonly CatalogWindow[];
  /** Markers without ids that lead, first in first out, to one that has them. */
  readonly deliveries: readonly CatalogDelivery[];
  readonly waits: readonly CatalogWait[];
  readonly signals: CatalogSignals;
}

/** Observations that say where a step's life turns. */
export interface CatalogSignals {
  /** A run turns to one step, and is done with it. */
  readonly stepBegins: readonly string[];
  readonly stepEnds: readonly string[];
  /** A step was enqueued, or sent. */
  readonly enqueues: readonly string[];
  readonly sends: readonly string[];
  /** A result run changed the step's state. */
  readonly decides: readonly string[];
  /** A result run is over: without its span, these tell when. */
  readonly ends: readonly string[];
  /** A worker turns to a message; the handler ran. */
  readonly visits: readonly string[];
  readonly executes: readonly string[];
  /** The worker owns the step from here on; what it does before, and contexts of that, also where it fails. */
  readonly claims: readonly string[];
  readonly tries: readonly string[];
  /** What settles a message belongs to the run before it. */
  readonly settles: readonly string[];
  /** What every process runs for itself now and then: never part of a step's life by its time alone. */
  readonly background: readonly string[];
  /** Operations: the one that sends a step, the one that ends a worker's part, the one that finds ready steps anew. */
  readonly sendStep: string;
  readonly sendResult: string;
  readonly reevaluate: string;
  /** A transition of a step, of a task; an evaluation of dependencies; for the counts. */
  readonly stepTransitions: readonly string[];
  readonly taskTransitions: readonly string[];
  readonly dependencyEvaluations: readonly string[];
  readonly messages: readonly string[];
}

export type AttributeRole =
  | 'taskUuid'
  | 'stepUuid'
  | 'stepUuids'
  | 'dependsOn'
  | 'stepName'
  | 'namespace'
  | 'taskName'
  | 'correlationId'
  | 'queue'
  | 'messageId'
  | 'messageHandle'
  | 'statement'
  | 'summary'
  | 'elapsedSeconds'
  | 'messagingType'
  | 'target'
  | 'fromState'
  | 'toState';

export type Performer = 'orchestration' | 'worker';

export interface CatalogPhase {
  readonly id: string;
  readonly title: string;
  readonly performer: Performer;
  /** Part of the documents' table of a step's life. */
  readonly documented: boolean;
}

export interface CatalogOperation {
  readonly id: string;
  readonly phase: string;
  readonly title: string;
  /** How often the documents expect it at each step; 0 = they do not name it. */
  readonly expectedPerStep: number;
  /** Runs beside the step's own path: counted, never part of its wall time. */
  readonly beside?: boolean;
  readonly match: readonly OperationMatch[];
}

/** An operation is an observation of one of these names, in one of these contexts, on such a queue. */
export interface OperationMatch {
  readonly what: readonly string[];
  readonly in?: readonly string[];
  readonly queue?: string;
  /** Of a step's earlier observations in the same process: the latest that decides is one of these. */
  readonly after?: readonly string[];
  /** Where the observation names the state that it leads to: only these. */
  readonly toState?: string;
  /** Accepted in place of what the documents name; said so in every result. */
  readonly standIn?: string;
}

export interface CatalogMarker {
  readonly id: string;
  readonly text: string;
  readonly target?: string;
  /** Who writes it, where it stands in no span. */
  readonly by?: Performer;
  /** State change that the marker reports: it tells the step's transitions apart. */
  readonly event?: string;
}

export interface CatalogPair {
  readonly id: string;
  readonly from: string;
  readonly to: readonly string[];
}

export interface CatalogContext {
  readonly id: string;
  readonly span?: string;
  /** Markers by which a span that never arrived is recognised from its log records. */
  readonly signs?: readonly string[];
  readonly role: ContextRole;
  /** Phase of what happens in it and is no operation of its own name. */
  readonly phase?: string;
  /** Of `enqueue-run`: markers in the span above that begin the run before its span does. */
  readonly begins?: readonly string[];
}

/**
 * `result-run` processes one result · `enqueue-run` finds and enqueues ready steps · `enqueue-step` enqueues one ·
 * `visit` is a worker's handling of one message · `inner` is part of the one above · `other` is no part of a step's life.
 */
export type ContextRole = 'result-run' | 'enqueue-run' | 'enqueue-step' | 'visit' | 'inner' | 'other';

export interface CatalogWindow {
  readonly id: string;
  readonly context: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly slots: readonly WindowSlot[];
}

export interface WindowSlot {
  readonly what: readonly string[];
  readonly optional?: boolean;
  readonly queue?: string;
}

/**
 * How a message gets from the queue to its handling: `receipts` (the transport), `heard` (the listener), `pushed` (into
 * a channel), `command` (out of it), `handled` (the first that names the step). All but the last may lack ids.
 */
export interface CatalogDelivery {
  readonly id: string;
  readonly context: string;
  readonly receipts: readonly string[];
  readonly heard: string;
  readonly pushed: string;
  readonly command: string;
  readonly handled: string;
  /** Operation that must have begun before the message can be received. */
  readonly sentBy: string;
}

/** A gap between two points of a step's path that has a name. */
export interface CatalogWait {
  readonly id: string;
  readonly phase: string;
  readonly title: string;
  readonly kind?: 'handler';
  readonly after: readonly string[];
  readonly before: readonly string[];
  /** Another step's run in the receiving process explains it: say behind which. */
  readonly behind?: boolean;
}
