import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { TprofError } from '../../src/base/errors.ts';
import { resolveCommand } from '../resolve-command.ts';

/** A command as the Node that runs it and the words behind it. */
export interface NodeTarget {
  /** Absolute. */
  readonly node: string;
  readonly args: readonly string[];
}

/**
 * For tools that start their target with a Node of their own choice or with flags of Node: `node app.js`, `nodejs`, a path
 * to one, or a script whose first line names Node. Throws `usage` for other programs.
 */
export function nodeTarget(
  id: string,
  command: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): NodeTarget {
  const [word = '', ...args] = command;
  const path = resolveCommand(word, environment, cwd);
  if (/^node(js)?[\d.]*$/.test(basename(path))) return { node: path, args };
  const flags = /^#!.*\bnode\b\s*(.*)$/.exec(firstLine(path))?.[1];
  if (flags === undefined) {
    throw new TprofError('usage', `${id} starts Node programs alone, and ${word} is none`, {
      hint: `name the Node program: tprof record --profiler ${id} -- node app.js; or one of: --profiler node-cpu | perf`,
    });
  }
  const given = flags.split(/\s+/).filter(flag => flag !== '');
  return { node: resolveCommand('node', environment, cwd), args: [...given, path, ...args] };
}

function firstLine(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const bytes = Buffer.alloc(256);
    return bytes.subarray(0, readSync(file, bytes)).toString('latin1').split('\n')[0] ?? '';
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
