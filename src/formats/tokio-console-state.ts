import { Interner } from '../base/interner.ts';
import type { Warnings } from '../base/warnings.ts';
import type { AsyncProgram, AsyncRecording } from '../model/async-tasks.ts';
import type { ConsoleMetadata, ConsoleTaskDetails, ConsoleUpdate } from './tokio-console-messages.ts';
import { ConsoleTasks } from './tokio-console-tasks.ts';
import { ConsoleWaits } from './tokio-console-waits.ts';

/**
 * The program as its updates tell it: an update has what is new, the whole figures of what has changed, and the
 * program's clock. The first update of a connection has everything that the program still remembers, so that after a
 * lost connection things are told again; a program that was started anew begins its numbers anew.
 */
export class ConsoleState {
  readonly #address: string;
  readonly #epochNs: bigint;
  readonly #warnings: Warnings;
  readonly #strings = new Interner();
  readonly #tasks: ConsoleTasks;
  readonly #waits: ConsoleWaits;
  readonly #metadata = new Map<bigint, ConsoleMetadata>();
  readonly #dropped = { tasks: 0, resources: 0, asyncOps: 0 };
  #pid = 0;
  #connections = 0;
  #updates = 0;
  #fromNs = Number.NaN;
  #nowNs = Number.NaN;
  /** The clock of the last update before the present connection. */
  #heardNs = Number.NEGATIVE_INFINITY;

  constructor(address: string, epochNs: bigint, warnings: Warnings) {
    this.#address = address;
    this.#epochNs = epochNs;
    this.#warnings = warnings;
    this.#tasks = new ConsoleTasks(this.#strings, warnings);
    this.#waits = new ConsoleWaits();
  }

  connected(pid: number): void {
    this.#connections++;
    if (pid > 0) this.#pid = pid;
    if (!Number.isNaN(this.#nowNs)) this.#heardNs = this.#nowNs;
    this.#metadata.clear();
    if (this.#connections > 1) this.#tasks.reconnected(this.#heardNs);
    this.#waits.begin(this.#heardNs);
  }

  update(update: ConsoleUpdate): void {
    this.#updates++;
    const { nowNs, dropped } = update;
    if (!Number.isNaN(nowNs)) {
      if (Number.isNaN(this.#fromNs)) this.#fromNs = nowNs;
      this.#nowNs = Number.isNaN(this.#nowNs) ? nowNs : Math.max(this.#nowNs, nowNs);
    }
    for (const metadata of update.metadata) this.#metadata.set(metadata.id, metadata);
    this.#tasks.apply(update, this.#metadata, this.#nowNs);
    this.#waits.apply(update);
    for (const kind of ['tasks', 'resources', 'asyncOps'] as const) {
      this.#dropped[kind] += dropped[kind];
      if (dropped[kind] === 0) continue;
      this.#warnings.add('events-dropped', 'the program could not pass on all events: its figures are too small', {
        count: dropped[kind],
        example: `${this.#address}: ${kind === 'asyncOps' ? 'operations' : kind}`,
      });
    }
  }

  details(details: ConsoleTaskDetails): void {
    this.#tasks.details(details);
  }

  finish(name: string): AsyncRecording {
    const program: AsyncProgram = {
      address: this.#address,
      pid: this.#pid,
      connections: this.#connections,
      updates: this.#updates,
      fromNs: Number.isNaN(this.#fromNs) ? 0 : this.#fromNs,
      untilNs: Number.isNaN(this.#nowNs) ? 0 : this.#nowNs,
      dropped: { ...this.#dropped },
    };
    return {
      name,
      epochNs: this.#epochNs,
      tasks: this.#tasks.finish(program.untilNs),
      delays: this.#tasks.delays,
      strings: this.#strings.strings,
      programs: [program],
      ...this.#waits.finish(program.untilNs),
      warnings: this.#warnings.list(),
    };
  }
}
