import type { Block } from './block.ts';
export function renderHtml(_blocks: readonly Block[], _options: { title: string }): string {
  return '';
}
