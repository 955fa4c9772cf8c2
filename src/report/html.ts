import { unreachable } from '../base/unreachable.ts';
import { type Block, cellText, type Table } from './block.ts';
import { REPORT_STYLE } from './html-style.ts';

/** Blocks as one HTML page: no script, no network, light and dark, readable in print and by screen readers. */
export function renderHtml(blocks: readonly Block[], options: { title: string }): string {
  const body = blocks.map(renderBlock).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(options.title)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

/** The blocks alone, for a page that has its own head. */
export function renderHtmlBlocks(blocks: readonly Block[]): string {
  return blocks.map(renderBlock).join('\n');
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h${block.level}>${escapeHtml(block.text)}</h${block.level}>`;
    case 'paragraph':
      return `<p>${escapeHtml(block.text)}</p>`;
    case 'note':
      return `<p class="note ${block.severity}" role="note">${escapeHtml(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map(item => `<li>${block.boxes === true ? '☐ ' : ''}${escapeHtml(item)}</li>`).join('')}</ul>`;
    case 'code':
      return `<pre><code>${escapeHtml(block.text)}</code></pre>`;
    case 'table':
      return renderTable(block);
    case 'gallery':
      return `<div class="gallery">${block.pictures.map(({ svg, caption }) => `<img alt="${escapeHtml(caption)}" src="data:image/svg+xml;base64,${base64(svg)}">`).join('')}</div>`;
    case 'figure':
      // As an image: a script inside the picture does not run, and its styles do not reach the page.
      return `<figure><img alt="${escapeHtml(block.caption)}" src="data:image/svg+xml;base64,${base64(block.svg)}"><figcaption>${escapeHtml(block.caption)}</figcaption></figure>`;
    default:
      return unreachable(block);
  }
}

function renderTable(table: Table): string {
  const caption = table.caption === undefined ? '' : `<caption><span>${escapeHtml(table.caption)}</span></caption>`;
  const head = table.columns.map(c => `<th scope="col" class="${c.align}">${escapeHtml(c.title)}</th>`).join('');
  const rows = table.rows.map(row => {
    const cells = table.columns.map((column, c) => {
      const cell = row[c] ?? '';
      const text = escapeHtml(cellText(cell));
      const share = column.bar === true && typeof cell !== 'string' ? cell.share : undefined;
      const style =
        share === undefined ? '' : ` style="--share:${(Math.max(0, Math.min(1, share)) * 100).toFixed(2)}%"`;
      const classes = [column.align, ...(share === undefined ? [] : ['bar'])];
      if (typeof cell !== 'string' && cell.dim === true) classes.push('dim');
      return `<td class="${classes.join(' ')}"${style}>${column.code === true ? `<code>${text}</code>` : text}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  const omitted =
    table.omitted === undefined || table.omitted.rows === 0
      ? ''
      : `<p class="omitted">… and ${table.omitted.rows} more (${escapeHtml(table.omitted.how)}).</p>`;
  return `<div class="table"><table>${caption}<thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>${omitted}`;
}

/** Text as HTML shows it; control characters that HTML forbids become the replacement character. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, c => ENTITY[c]!).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd');
}

const ENTITY: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function base64(text: string): string {
  let binary = '';
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}
