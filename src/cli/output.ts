import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { TprofError } from '../base/errors.ts';
import type { Block } from '../report/block.ts';
import { renderHtml } from '../report/html.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { renderTerminal } from '../report/terminal.ts';
import type { CliContext, CommonOptions } from './context.ts';

/** Adds the options that every command has. `outputMeaning` says what `-o` names for this command. */
export function withCommonOptions(
  command: Command,
  outputMeaning = 'write to FILE instead of standard output',
): Command {
  return command
    .option('--json', 'the whole result as JSON on standard output, nothing else')
    .addOption(new Option('--format <format>', 'how to print').choices(['terminal', 'markdown', 'html', 'json']))
    .option('-o, --output <file>', outputMeaning)
    .option('-q, --quiet', 'say nothing on standard error but failures')
    .option('-v, --verbose', 'say more on standard error')
    .option('--no-color', 'no colours (also: NO_COLOR=1)');
}

/** A result and the view of it; `blocks` is called only where a person will read it. */
export interface Report {
  readonly title: string;
  readonly result: object;
  readonly blocks: () => readonly Block[];
}

/** Prints a report as the options ask: JSON is exactly the result; everything else is rendered from its blocks. */
export async function emitReport(context: CliContext, options: CommonOptions, report: Report): Promise<void> {
  const format = options.json === true ? 'json' : (options.format ?? formatOfName(options.output) ?? 'terminal');
  const text = renderReport(report, format, {
    color: options.output === undefined && useColor(context, options),
    width: context.stdout.columns ?? 100,
  });
  if (options.output === undefined) await writeStdout(context, text);
  else await writeFileWhole(resolve(context.cwd, options.output), text);
}

function renderReport(
  report: Report,
  format: NonNullable<CommonOptions['format']>,
  terminal: { color: boolean; width: number },
): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report.result)}\n`;
    case 'terminal':
      return renderTerminal(report.blocks(), terminal);
    case 'markdown':
      return renderMarkdown(report.blocks());
    case 'html':
      return renderHtml(report.blocks(), { title: report.title });
  }
}

/** Writes all of `data`, or nothing: beside the target first, then renamed over it. */
export async function writeFileWhole(
  path: string,
  data: string | Uint8Array | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const partial = join(dirname(path), `.${process.pid}-${Date.now()}.partial`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(partial, data);
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    throw outputError(path, cause);
  }
}

/** Waits while the reader of a pipe is slow; a reader that went away (`| head`) is no failure. */
export async function writeStdout(context: CliContext, data: string | Uint8Array): Promise<void> {
  const { stdout } = context;
  if (stdout.destroyed || stdout.write(data)) return;
  await new Promise<void>(resolve => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) stdout.removeListener(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stdout.once(event, done);
  });
}

export function useColor(context: CliContext, options: CommonOptions): boolean {
  if (options.color === false || (context.env.NO_COLOR ?? '') !== '') return false;
  return context.stdout.isTTY === true || (context.env.FORCE_COLOR ?? '') !== '';
}

function formatOfName(name: string | undefined): CommonOptions['format'] {
  if (name === undefined) return undefined;
  if (name.endsWith('.json')) return 'json';
  if (name.endsWith('.md')) return 'markdown';
  if (name.endsWith('.html') || name.endsWith('.htm')) return 'html';
  return undefined;
}

function outputError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC') {
    return new TprofError('machine-lacks', `${path}: the disk is full, nothing was written`, {
      hint: 'free some space, or write elsewhere with -o',
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new TprofError('machine-lacks', `${path}: not allowed to write there`, {
      hint: 'write elsewhere with -o',
      cause,
    });
  }
  if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST') {
    return new TprofError('usage', `${path}: expected a file to write, found a folder`, {
      hint: 'name a file with -o',
      cause,
    });
  }
  return cause;
}
