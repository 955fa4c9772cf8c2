import type { Block } from './block.ts';
export function renderTerminal(_blocks: readonly Block[], _options: { color: boolean; width: number }): string {
  return '';
}
