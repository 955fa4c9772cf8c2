/**
 * What a report is made of. Views turn an analyzer's result into blocks; the renderers (terminal, Markdown, HTML) turn
 * blocks into text once for all, so that no view formats for a medium.
 */
export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  /** A doubt, or something the reader must know before trusting the rest. */
  | { readonly kind: 'note'; readonly severity: 'info' | 'notice' | 'warning'; readonly text: string }
  /** `boxes`: each item is to be ticked off. */
  | { readonly kind: 'list'; readonly items: readonly string[]; readonly boxes?: boolean }
  | Table
  | { readonly kind: 'code'; readonly language: string; readonly text: string }
  /** Small pictures side by side where pictures can be shown; elsewhere the table, which says the same in words. */
  | {
      readonly kind: 'gallery';
      readonly pictures: readonly { readonly svg: string; readonly caption: string }[];
      readonly table: Table;
    }
  /** A picture: SVG source, the sentence that says the same, and the file beside the report that holds it. */
  | { readonly kind: 'figure'; readonly svg: string; readonly caption: string; readonly file?: string };

export interface Table {
  readonly kind: 'table';
  readonly caption?: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Cell[])[];
  /** How many rows were left out of a top N; printed below the table, with the flag that shows them. */
  readonly omitted?: { readonly rows: number; readonly how: string };
}

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Code font in Markdown and HTML: function names, ids. */
  readonly code?: boolean;
  /** In a terminal, goes over several lines instead of being cut: sentences, commands. */
  readonly wrap?: boolean;
  /** Never cut in a terminal, either: words that are to be typed. */
  readonly whole?: boolean;
  /** Draw the cell's `share` as a bar. */
  readonly bar?: boolean;
}

export type Cell = string | { readonly text: string; readonly share?: number; readonly dim?: boolean };

/** The words of a cell, without its decoration. */
export function cellText(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
