import { InvalidArgumentError } from 'commander';
import type { OverheadOptions } from './measure-overhead.ts';
import type { ProbeOptions } from './probe-options.ts';
import type { ConsoleOptions } from './tokio-consoles.ts';

/** What `tprof record` was asked; commander fills it in. */
export interface RecordOptions extends ProbeOptions, ConsoleOptions, OverheadOptions {
  /** Ids, comma-separated; `auto`, `none`. */
  readonly profiler: readonly string[];
  readonly frequency?: number;
  readonly duration?: number;
  readonly callGraph?: 'fp' | 'dwarf';
  readonly event?: string;
  readonly children?: boolean;
  readonly env: readonly string[];
  /** False with `--no-trace`. */
  readonly trace: boolean;
  readonly forward?: string;
  readonly listen?: string;
  readonly pid?: readonly number[];
  readonly name?: string;
}

/** `30`, `30s`, `500ms`, `2m`, `1h` as milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|min|h)?$/.exec(text);
  const unit = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[match?.[2] ?? 's'] ?? 1000;
  const ms = Number(match?.[1]) * unit;
  if (!(ms > 0) || ms > 2 ** 31 - 1) throw new InvalidArgumentError('expected a time such as 30, 30s or 2m.');
  return ms;
}

export function parseFrequency(text: string): number {
  const hz = Number(text);
  if (!(hz > 0 && hz <= 100_000)) throw new InvalidArgumentError('expected samples a second, 1 to 100000.');
  return hz;
}

export function parsePids(text: string): number[] {
  return text.split(',').map(word => {
    const pid = Number(word);
    if (!Number.isInteger(pid) || pid < 1)
      throw new InvalidArgumentError('expected process ids, such as 123 or 123,456.');
    return pid;
  });
}

export function parseIds(text: string): string[] {
  return text.split(',').map(word => word.trim());
}

export function collectEnvironment(text: string, before: readonly string[]): string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('expected NAME=VALUE.');
  return [...before, text];
}
