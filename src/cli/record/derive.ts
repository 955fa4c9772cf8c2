import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { TprofError } from '../../base/errors.ts';
import type { CaptureModels } from '../capture-models.ts';

/** What a step may look at. The manifest says what it will say on disk: this recording's last word. */
export interface DeriveContext {
  readonly models: CaptureModels;
  /** Told of each file and how long it took. */
  readonly log?: Logger;
}

/** Writes one derived file of the capture from what was recorded. */
export interface DeriveStep {
  /** The file, relative to the capture. */
  readonly file: string;
  /** False where the capture has nothing to derive it from: no spans, no profiles. */
  applies(context: DeriveContext): boolean | Promise<boolean>;
  write(context: DeriveContext): Promise<void>;
}

export interface DeriveOutcome {
  /** Files that were written, relative to the capture. */
  readonly written: readonly string[];
  /** One sentence each. */
  readonly failures: readonly string[];
}

/**
 * Runs each step for itself: what one of them cannot do costs that file and nothing else, and the capture stays whole,
 * since everything derived can be made again from what was recorded.
 */
export async function derive(context: DeriveContext, steps: readonly DeriveStep[]): Promise<DeriveOutcome> {
  const written: string[] = [];
  const failures: string[] = [];
  for (const step of steps) {
    const began = performance.now();
    try {
      if (!(await step.applies(context))) continue;
      await step.write(context);
      written.push(step.file);
      context.log?.debug({ file: step.file, ms: Math.round(performance.now() - began) }, 'derived');
    } catch (error) {
      // Steps write whole files or nothing; what an interrupted one left would look whole.
      await rm(join(context.models.directory, step.file), { force: true });
      const why =
        error instanceof TprofError
          ? error.message
          : error instanceof Error
            ? (error.stack ?? error.message)
            : String(error);
      failures.push(`${step.file} was not written: ${why}`);
    }
  }
  return { written, failures };
}
