// https://github.github.com/gfm/
import { unreachable } from '../base/unreachable.ts';
import { type Block, cellText, type Table } from './block.ts';

/** Blocks as GitHub-flavoured Markdown: read the same on GitHub, in Linear, and as plain text. */
export function renderMarkdown(blocks: readonly Block[]): string {
  return `${blocks.map(renderBlock).join('\n\n')}\n`;
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${escapeText(block.text)}`;
    case 'paragraph':
      return escapeLine(block.text);
    case 'note':
      return `> **${NOTE_TITLE[block.severity]}** ${escapeText(block.text)}`;
    case 'list':
      return block.items.map(item => `- ${block.boxes === true ? '[ ] ' : ''}${escapeLine(item)}`).join('\n');
    case 'code':
      return fenced(block.text, block.language);
    case 'table':
      return renderTable(block);
    case 'gallery':
      return renderTable(block.table);
    case 'figure':
      // Markdown hosts strip inline SVG: the caption says the same, and names the file where there is one.
      return block.file === undefined
        ? escapeText(block.caption)
        : `![${escapeText(block.caption)}](${encodeURI(block.file)})`;
    default:
      return unreachable(block);
  }
}

const NOTE_TITLE = { info: 'Note:', notice: 'Mind:', warning: 'Warning:' } as const;

function renderTable(table: Table): string {
  const lines: string[] = [];
  if (table.caption !== undefined) lines.push(`**${escapeText(table.caption)}**`, '');
  lines.push(`| ${table.columns.map(column => escapeCell(column.title)).join(' | ')} |`);
  lines.push(`| ${table.columns.map(column => (column.align === 'right' ? '---:' : '---')).join(' | ')} |`);
  for (const row of table.rows) {
    const cells = table.columns.map((column, c) => {
      const text = cellText(row[c] ?? '');
      return column.code === true && text !== '' ? inlineCode(text) : escapeCell(text);
    });
    lines.push(`| ${cells.join(' | ')} |`);
  }
  if (table.omitted !== undefined && table.omitted.rows > 0) {
    lines.push('', `… and ${table.omitted.rows} more (${escapeText(table.omitted.how)}).`);
  }
  return lines.join('\n');
}

/** A fence longer than any run of backticks inside. */
function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(run => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, '')}\n${fence}`;
}

/** Inline code that survives backticks, and pipes when it stands in a table. */
function inlineCode(text: string): string {
  // In a table's row a backslash before a pipe cannot be written as code: readers take the pair for a pipe.
  if (text.includes('\\|')) return escapeCell(text);
  const flat = oneLine(text).replaceAll('|', '\\|');
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map(run => run[0].length));
  const ticks = '`'.repeat(longest + 1);
  return longest === 0 ? `${ticks}${flat}${ticks}` : `${ticks} ${flat} ${ticks}`;
}

/** Text that stays text: emphasis, links, HTML, entities, strikethrough, formulas. */
function escapeText(text: string): string {
  return oneLine(text)
    .replace(/([\\`*_[\]<>#~$])/g, (match, _c, at: number, all: string) =>
      // Underscores and hashes inside a word mean nothing to GFM, and names are easier to read without backslashes.
      /[_#]/.test(match) && /[A-Za-z0-9]/.test(all[at - 1] ?? '') && /[A-Za-z0-9]/.test(all[at + 1] ?? '')
        ? match
        : `\\${match}`,
    )
    .replace(/&(?=#?\w+;)/g, '\\&');
}

/** Text at the beginning of a line, where digits and dashes begin lists and underline headings. */
function escapeLine(text: string): string {
  return escapeText(text.trimStart())
    .replace(/^(\d{1,9})([.)])/, '$1\\$2')
    .replace(/^([-+=])/, '\\$1');
}

function escapeCell(text: string): string {
  return escapeText(text).replaceAll('|', '\\|');
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ');
}
