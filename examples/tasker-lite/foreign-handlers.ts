import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { HandlerInput } from './handlers.ts';

export type ForeignRuntime = 'python3' | 'ruby';

const SOURCES: Readonly<Record<ForeignRuntime, string>> = { python3: './handlers.py', ruby: './handlers.rb' };

/** Whether the runtime can be started on this machine. */
export function hasRuntime(runtime: ForeignRuntime): boolean {
  return spawnSync(runtime, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Handlers in a process of another language beside the worker; a line of JSON goes over, a line comes back. */
export class ForeignHandlers {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #next = 1;

  constructor(runtime: ForeignRuntime, onFailure: (error: Error) => void) {
    this.#child = spawn(runtime, [fileURLToPath(new URL(SOURCES[runtime], import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdin.on('error', () => {});
    this.#child.once('error', onFailure);
    this.#child.once('exit', (code, signal) => {
      const error = new Error(`the handlers in ${runtime} ended: ${signal ?? `exit code ${code}`}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      if (!this.#child.stdin.writableEnded) onFailure(error);
    });
    createInterface({ input: this.#child.stdout }).on('line', line => this.#answer(line));
  }

  async run(handler: string, input: HandlerInput): Promise<unknown> {
    const id = this.#next++;
    const { context, dependencies, inputs } = input;
    this.#child.stdin.write(`${JSON.stringify({ id, handler, context, dependencies, inputs })}\n`);
    return await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /** Its input ends, and so does it. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin.end();
    await gone;
  }

  #answer(line: string): void {
    const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string };
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }
}
