import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { ProbeLogWriter } from '../../src/formats/probe-log.ts';
import type { CaptureProbe } from '../../src/model/capture.ts';
import type { ProcessId } from '../process-table.ts';
import { type Probe, ProbeFailure, type ProbeRun } from './probe.ts';

export interface ProbesOptions {
  /** Absolute; exists: `CAPTURE/raw/probes`. */
  readonly directory: string;
  readonly intervalMs: number;
  readonly processes: () => readonly ProcessId[];
  /** A probe could read nothing for the first time, or again after it could: told once each. */
  readonly onFailure?: (probe: string, failure: ProbeFailure) => void;
}

export interface ProbeToRun {
  readonly probe: Probe;
  readonly target: string;
  /** What is looked at ends with the workload: that it is gone at the end is no loss. */
  readonly endsWithTarget?: boolean;
}

export interface ProbesEnd {
  readonly probes: readonly CaptureProbe[];
  readonly losses: readonly { readonly what: string; readonly count: number; readonly why: string }[];
}

export interface RunningProbes {
  /** Opens another one. Throws `TprofError` where its target is no address. */
  add(wanted: ProbeToRun): void;
  /** Reads a last time, and closes. Never throws; may be called again. */
  stop(): Promise<ProbesEnd>;
}

/** How long a last reading and the closing of a connection may take. */
const CLOSE_MS = 2000;

/** Reads every probe at once and then once an interval, until stopped. What fails is written down, and tried again. */
export function runProbes(options: ProbesOptions): RunningProbes {
  const originNs = process.hrtime.bigint();
  const running: RunningProbe[] = [];
  let stopping: Promise<ProbesEnd> | undefined;
  const stopAll = async (): Promise<ProbesEnd> => {
    const ends = await Promise.all(running.map(probe => probe.stop()));
    return { probes: ends.map(end => end.probe), losses: ends.flatMap(end => end.losses) };
  };
  return {
    add(wanted) {
      const { id } = wanted.probe;
      const same = running.filter(probe => probe.id === id).length;
      running.push(new RunningProbe(wanted, same === 0 ? id : `${id}-${same + 1}`, originNs, options));
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

/** A stretch of failed readings. */
interface Gap {
  readonly fromNs: number;
  toNs: number;
  missed: number;
  readonly why: string;
}

class RunningProbe {
  readonly id: string;
  readonly #file: string;
  readonly #run: ProbeRun;
  readonly #endsWithTarget: boolean;
  readonly #originNs: bigint;
  readonly #options: ProbesOptions;
  readonly #writer: ProbeLogWriter;
  readonly #stream: WriteStream;
  readonly #timer: NodeJS.Timeout;
  readonly #gaps: Gap[] = [];
  #gap: Gap | undefined;
  #underWay: Promise<void> | undefined;
  #rest = 0;
  #readings = 0;
  /** When something was read for the first time, and last. */
  #firstNs = Number.POSITIVE_INFINITY;
  #lastNs = 0;
  #unwritten: string | undefined;

  constructor({ probe, target, endsWithTarget }: ProbeToRun, name: string, originNs: bigint, options: ProbesOptions) {
    const { intervalMs, processes } = options;
    this.id = probe.id;
    this.#file = `${name}.jsonl`;
    this.#run = probe.open({ target, intervalMs, processes, endsWithTarget: endsWithTarget === true });
    this.#endsWithTarget = endsWithTarget === true;
    this.#originNs = originNs;
    this.#options = options;
    this.#writer = new ProbeLogWriter(originNs);
    this.#stream = createWriteStream(join(options.directory, this.#file), { mode: 0o644 });
    this.#stream.on('error', error => {
      this.#unwritten ??=
        (error as NodeJS.ErrnoException).code === 'ENOSPC' ? 'the disk is full' : 'the file cannot be written';
    });
    this.#write(this.#writer.head({ probe: this.id, intervalMs, target: this.#run.target }));
    this.#timer = setInterval(() => this.#turn(), intervalMs);
    this.#turn();
  }

  async stop(): Promise<{ probe: CaptureProbe; losses: ProbesEnd['losses'] }> {
    clearInterval(this.#timer);
    await within(CLOSE_MS, this.#underWay);
    if (this.#underWay === undefined) {
      this.#rest = 0;
      this.#turn();
      await within(CLOSE_MS, this.#underWay);
    }
    const end = await within(CLOSE_MS, this.#run.close()).catch(() => undefined);
    for (const { name, value } of end?.documents ?? []) this.#write(this.#writer.document(this.#nowNs(), name, value));
    // One that failed has closed by itself, and says so once.
    if (!this.#stream.closed) {
      await new Promise<void>(resolve => {
        this.#stream.once('close', resolve);
        this.#stream.end();
      });
    }
    return {
      probe: {
        id: this.id,
        file: `raw/probes/${this.#file}`,
        intervalMs: this.#options.intervalMs,
        readings: this.#readings,
        missed: this.#gaps.reduce((sum, gap) => sum + gap.missed, 0),
      },
      losses: [...this.#losses(), ...(end?.losses ?? [])],
    };
  }

  /** One that is still under way is not overtaken: a slow server is asked less often. */
  #turn(): void {
    if (this.#underWay !== undefined || this.#unwritten !== undefined) return;
    if (this.#rest > 0) {
      this.#rest--;
      return;
    }
    this.#underWay = this.#sample().finally(() => {
      this.#underWay = undefined;
    });
  }

  async #sample(): Promise<void> {
    const beganNs = this.#nowNs();
    try {
      const { readings, restTurns = 0, documents = [] } = await this.#run.sample();
      // A server's figures are those of a moment between question and answer.
      const atNs = (beganNs + this.#nowNs()) / 2;
      this.#rest = restTurns;
      this.#readings++;
      this.#firstNs = Math.min(this.#firstNs, atNs);
      this.#lastNs = atNs;
      this.#gap = undefined;
      this.#write(this.#writer.sample(atNs, readings));
      for (const { name, value } of documents) this.#write(this.#writer.document(atNs, name, value));
    } catch (error) {
      this.#fail(error instanceof ProbeFailure ? error : new ProbeFailure('it failed unexpectedly', { cause: error }));
    }
  }

  #fail(failure: ProbeFailure): void {
    const atNs = this.#nowNs();
    if (this.#gap === undefined || this.#gap.why !== failure.why) {
      const told = this.#gap !== undefined || this.#endsWithTarget;
      this.#gap = { fromNs: atNs, toNs: atNs, missed: 0, why: failure.why };
      this.#gaps.push(this.#gap);
      if (!told) this.#options.onFailure?.(this.id, failure);
    }
    this.#gap.toNs = atNs;
    this.#gap.missed++;
    this.#write(this.#writer.missed(atNs, failure.why));
  }

  #losses(): ProbesEnd['losses'] {
    const what = (count: number): string => `${count} ${count === 1 ? 'reading' : 'readings'} of ${this.id} figures`;
    const losses = this.#gaps
      .filter(gap => !this.#endsWithTarget || (gap.fromNs > this.#firstNs && gap.fromNs < this.#lastNs))
      .map(({ fromNs, toNs, missed, why }) => ({
        what: what(missed),
        count: missed,
        why: `${missed === 1 ? seconds(fromNs) : `${seconds(fromNs)} to ${seconds(toNs)}`} s after the beginning: ${why}`,
      }));
    if (this.#unwritten === undefined) return losses;
    return [...losses, { what: `the rest of the ${this.id} figures`, count: 1, why: this.#unwritten }];
  }

  #nowNs(): number {
    return Number(process.hrtime.bigint() - this.#originNs);
  }

  #write(text: string): void {
    if (this.#unwritten === undefined) this.#stream.write(text);
  }
}

function seconds(ns: number): string {
  return (ns / 1e9).toFixed(1);
}

/** Undefined where it takes longer. */
async function within<T>(ms: number, work: Promise<T> | undefined): Promise<T | undefined> {
  if (work === undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
