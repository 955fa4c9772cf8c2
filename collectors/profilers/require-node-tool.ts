import { TprofError } from '../../src/base/errors.ts';
import type { NodeTool } from './node-tool.ts';

/** It was there when `check` looked; it may be another folder now. */
export function requireNodeTool(name: string, tool: NodeTool | undefined): NodeTool {
  if (tool !== undefined) return tool;
  throw new TprofError('run-cannot-begin', `${name} is in no node_modules and not in PATH`, {
    hint: `npm install --save-dev ${name}`,
  });
}
