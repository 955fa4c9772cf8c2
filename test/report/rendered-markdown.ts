import { Marked, Parser, type Token, type Tokens } from 'marked';

/** Markdown as a CommonMark and GFM renderer reads it: what a person sees on GitHub or in Linear. */
export interface RenderedMarkdown {
  readonly html: string;
  readonly headings: readonly string[];
  /** Cells as plain text, header row first. */
  readonly tables: readonly (readonly (readonly string[])[])[];
  /** Text of what is neither table nor block of code. */
  readonly prose: string;
  readonly codeBlocks: readonly string[];
  readonly checkboxes: number;
}

export function renderedMarkdown(markdown: string): RenderedMarkdown {
  const marked = new Marked({ gfm: true });
  const tokens = marked.lexer(markdown);
  const tables: string[][][] = [];
  const headings: string[] = [];
  const codeBlocks: string[] = [];
  let checkboxes = 0;
  const prose: string[] = [];
  for (const token of tokens as Token[]) {
    switch (token.type) {
      case 'table': {
        const { header, rows } = token as Tokens.Table;
        tables.push([header, ...rows].map(row => row.map(cell => plainText(Parser.parseInline(cell.tokens)))));
        break;
      }
      case 'code':
        codeBlocks.push((token as Tokens.Code).text);
        break;
      case 'heading':
        headings.push(plainText(Parser.parseInline((token as Tokens.Heading).tokens)));
        break;
      case 'list':
        for (const item of (token as Tokens.List).items) if (item.task) checkboxes++;
        prose.push(plainText(marked.parser([token])));
        break;
      default:
        prose.push(plainText(marked.parser([token])));
    }
  }
  return { html: marked.parser(tokens), headings, tables, prose: prose.join('\n'), codeBlocks, checkboxes };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };

/** Text without tags, as a browser shows it. */
export function plainText(html: string): string {
  return html
    .replace(/<br\s*\/?>/g, '\n')
    .replace(/<[^>]+>/g, '')
    .replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => ENTITIES[name]!)
    .trim();
}
