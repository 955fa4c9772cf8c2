/** Where a piece of evidence was seen, most trusted first. */
export type EvidenceKind = 'span' | 'event' | 'log' | 'row' | 'enclosing';

/**
 * One thing that happened, whatever kind of source told it. Everything that the lifecycle analyzer knows about a
 * source (database conventions, log markers, tables) ends here; everything after it sees evidence alone.
 */
export interface Evidence {
  /** What happened, in the catalogue's words: an operation, a marker, or a fingerprint that nothing matched. */
  readonly what: string;
  readonly kind: EvidenceKind;
  /** Index of the process that did it, in the trace; 0 = not known. */
  readonly process: number;
  /** Nanoseconds after the trace's epoch. An instant has `startNs === endNs`. */
  readonly startNs: number;
  readonly endNs: number;
  readonly ids: EvidenceIds;
}

/** The names that a source gave, by which evidence is joined; each is undefined where the source was silent. */
export interface EvidenceIds {
  readonly taskUuid?: string;
  readonly stepUuid?: string;
  readonly stepName?: string;
  readonly namespace?: string;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly queue?: string;
  /** Rows in the trace that this was read from. */
  readonly spans?: readonly number[];
  readonly logs?: readonly number[];
}
