import { fileURLToPath } from 'node:url';
import { withNodeOption } from './node-options.ts';

/** Has preload/wrapped-agent.cjs loaded into the processes of a target that `tool` starts. */
export function wrappedAgent(
  directory: string,
  tool: string,
): { readonly nodeOptions: string; readonly environment: Readonly<Record<string, string>> } {
  const agent = fileURLToPath(new URL('../preload/wrapped-agent.cjs', import.meta.url));
  return {
    nodeOptions: withNodeOption(undefined, '--require', agent),
    environment: { TPROF_WRAPPED: JSON.stringify({ directory, tool }) },
  };
}
