import { unreachable } from '../base/unreachable.ts';
import { type Block, type Cell, cellText, type Table } from './block.ts';
import { displayWidth, fitWidth, wrap } from './display-width.ts';

export interface TerminalOptions {
  readonly color: boolean;
  /** Columns of the terminal; tables shrink their widest text column to fit. */
  readonly width: number;
}

type Style = 'bold' | 'dim' | 'heading' | 'info' | 'notice' | 'warning';

const CODES: Record<Style, readonly [string, string]> = {
  bold: ['1', '22'],
  dim: ['2', '22'],
  heading: ['1;4', '22;24'],
  info: ['36', '39'],
  notice: ['33', '39'],
  warning: ['31', '39'],
};

/** Blocks as text for a terminal; without colour it is plain text that pastes well. */
export function renderTerminal(blocks: readonly Block[], options: TerminalOptions): string {
  const width = Math.max(40, options.width);
  const paint = (style: Style, text: string): string =>
    options.color ? `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m` : text;
  const parts = blocks.map(block => renderBlock(block, width, paint)).filter(part => part !== '');
  return parts.length === 0 ? '' : `${parts.join('\n\n')}\n`;
}

function renderBlock(block: Block, width: number, paint: (style: Style, text: string) => string): string {
  switch (block.kind) {
    case 'heading':
      return paint(block.level === 1 ? 'heading' : 'bold', printable(block.text));
    case 'paragraph':
      return wrap(printable(block.text), width).join('\n');
    case 'note': {
      const mark = { info: 'note: ', notice: 'mind: ', warning: 'warning: ' }[block.severity];
      const [first = '', ...rest] = wrap(printable(block.text), width - mark.length);
      return [paint(block.severity, mark) + first, ...rest.map(line => ' '.repeat(mark.length) + line)].join('\n');
    }
    case 'list':
      return block.items
        .flatMap(item =>
          wrap(printable(item), width - 2).map((line, i) =>
            i === 0 ? `${block.boxes === true ? '☐' : '•'} ${line}` : `  ${line}`,
          ),
        )
        .join('\n');
    case 'code':
      return block.text
        .replace(/\n$/, '')
        .split('\n')
        .map(line => `  ${printable(line)}`)
        .join('\n');
    case 'table':
      return renderTable(block, width, paint);
    case 'gallery':
      return renderTable(block.table, width, paint);
    case 'figure':
      return wrap(`${printable(block.caption)}${block.file === undefined ? '' : ` (${block.file})`}`, width).join('\n');
    default:
      return unreachable(block);
  }
}

const GAP = 2;
const BAR_WIDTH = 10;

function renderTable(table: Table, width: number, paint: (style: Style, text: string) => string): string {
  const texts = table.rows.map(row => table.columns.map((_, c) => printable(cellText(row[c] ?? ''))));
  const widths = table.columns.map((column, c) =>
    Math.max(displayWidth(column.title), ...texts.map(row => displayWidth(row[c]!)), 1),
  );
  shrink(widths, table, width);
  const line = (cells: readonly string[], row?: readonly Cell[]): string =>
    cells
      .map((text, c) => {
        const fitted = fitWidth(text, widths[c]!, table.columns[c]!.align);
        const cell = row?.[c];
        const dim = typeof cell === 'object' && cell.dim === true;
        return (dim ? paint('dim', fitted) : fitted) + barOf(table, c, cell);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const out: string[] = [];
  if (table.caption !== undefined) out.push(paint('bold', printable(table.caption)));
  out.push(paint('dim', line(table.columns.map(column => column.title))));
  table.rows.forEach((row, r) => {
    const cells = texts[r]!.map((text, c) => (table.columns[c]!.wrap === true ? wrap(text, widths[c]!) : [text]));
    const height = Math.max(1, ...cells.map(lines => lines.length));
    for (let l = 0; l < height; l++)
      out.push(
        line(
          cells.map(lines => lines[l] ?? ''),
          l === 0 ? row : [],
        ),
      );
  });
  if (table.omitted !== undefined && table.omitted.rows > 0) {
    out.push(paint('dim', `… and ${table.omitted.rows} more (${table.omitted.how})`));
  }
  return out.join('\n');
}

function hasBar(table: Table, column: number): boolean {
  return table.columns[column]!.bar === true && column === table.columns.findLastIndex(c => c.bar === true);
}

/** One bar a row, in the last column that asks for one: eighths of a block, so that small shares still show. */
function barOf(table: Table, column: number, cell: Cell | undefined): string {
  if (!hasBar(table, column) || typeof cell !== 'object' || cell.share === undefined) {
    return hasBar(table, column) ? ' '.repeat(BAR_WIDTH + 1) : '';
  }
  const share = Math.max(0, Math.min(1, cell.share));
  const eighths = share > 0 ? Math.max(1, Math.round(share * BAR_WIDTH * 8)) : 0;
  const full = Math.floor(eighths / 8);
  const rest = eighths % 8 === 0 ? '' : '▏▎▍▌▋▊▉'[(eighths % 8) - 1]!;
  return ` ${('█'.repeat(full) + rest).padEnd(BAR_WIDTH)}`;
}

const NARROWEST = 12;
const NARROWEST_WRAPPED = 32;

/**
 * Takes width away until the table fits: from columns that wrap first, then evenly from the widest left-aligned ones.
 * Numbers and words to be typed are never cut.
 */
function shrink(widths: number[], table: Table, width: number): void {
  const bars = table.columns.some((_, c) => hasBar(table, c)) ? BAR_WIDTH + 1 : 0;
  let excess = widths.reduce((sum, w) => sum + w, 0) + GAP * (widths.length - 1) + bars - width;
  const widestOf = (wrapped: boolean, narrowest: number): number => {
    let widest = -1;
    table.columns.forEach((column, c) => {
      if (
        column.align !== 'left' ||
        column.whole === true ||
        (column.wrap === true) !== wrapped ||
        widths[c]! <= narrowest
      )
        return;
      if (widest === -1 || widths[c]! > widths[widest]!) widest = c;
    });
    return widest;
  };
  for (; excess > 0; excess--) {
    const wrapped = widestOf(true, NARROWEST_WRAPPED);
    const widest = wrapped === -1 ? widestOf(false, NARROWEST) : wrapped;
    if (widest === -1) return;
    widths[widest] = widths[widest]! - 1;
  }
}

/** Text from a file must not move the cursor or recolour the terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd').replace(/[\t\n]+/g, ' ');
}
