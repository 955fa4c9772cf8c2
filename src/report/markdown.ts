import type { Block } from './block.ts';
export function renderMarkdown(_blocks: readonly Block[]): string {
  return '';
}
