import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { formatBytes, formatCount } from '../../src/base/format-units.ts';
import { otlpOfTrace } from '../analyzers/lifecycle/otlp-of-trace.ts';
import { SimulatedTasker } from '../analyzers/lifecycle/simulated-tasker.ts';
import { median } from './interleave.ts';
import { type RecordedSignal, repeatRecording } from './repeat-recording.ts';

const ROUNDS = 3;
const TASKS = 50;

interface Run {
  readonly spans: number;
  readonly logs: number;
  readonly steps: number;
  readonly cpuMs: number;
  readonly stages: Readonly<Record<string, number>>;
  readonly peakRssBytes: number;
}

/**
 * An OTLP protobuf file to its breakdown, per second of CPU time of the one thread, start-up excluded and cold code
 * included; stage by stage. The recording is a simulated Tasker's, with nine spans of ten the exporter's own as in real
 * ones, and the same without them, where every span is part of a step's life. `TPROF_BENCH_RECORDING=traces.jsonl,
 * logs.jsonl` (.gz too) takes a real one instead; `TPROF_BENCH_SPANS` sets the size.
 */
export async function bench(): Promise<void> {
  const spans = Number(process.env.TPROF_BENCH_SPANS ?? 500_000);
  const given = process.env.TPROF_BENCH_RECORDING ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'tprof-bench-'));
  try {
    if (given !== '') {
      const signals = given.split(',').map(readSignal);
      report(`the given recording, many times`, folder, signals, spans, false);
      return;
    }
    report('as Tasker emits (exporter noise, logs)', folder, simulated({ noise: 0.9, logs: true }), spans, true);
    report('spans alone, with noise', folder, simulated({ noise: 0.9, logs: false }), spans, true);
    report('spans alone, each part of a step', folder, simulated({ noise: 0, logs: false }), spans, true);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(name: string, folder: string, signals: readonly RecordedSignal[], spans: number, dress: boolean): void {
  const perCopy = signals
    .filter(({ signal }) => signal === 'traces')
    .reduce((sum, { text }) => sum + [...text.matchAll(/"spanId":"\w{16}","/g)].length, 0);
  const file = join(folder, 'recording.pb');
  repeatRecording(file, signals, Math.max(1, Math.round(spans / perCopy)), { dress });
  const script = fileURLToPath(new URL('./breakdown-run.ts', import.meta.url));
  const runs = Array.from({ length: ROUNDS }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, file], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Run;
  });
  const of = (pick: (run: Run) => number): number => median(runs.map(pick));
  const [run] = runs;
  const seconds = of(r => r.cpuMs) / 1000;
  process.stdout.write(
    `${name}: ${formatCount(run!.spans)} spans, ${formatCount(run!.logs)} log records, ${formatCount(run!.steps)} steps, ` +
      `${formatBytes(statSync(file).size)}\n  ${formatCount(run!.spans / seconds)} spans/s, ` +
      `${formatCount((run!.spans + run!.logs) / seconds)} records/s, ${seconds.toFixed(2)} s CPU, ` +
      `${formatBytes(of(r => r.peakRssBytes))} peak\n`,
  );
  const stages = Object.keys(run!.stages).map(stage => {
    const ms = of(r => r.stages[stage]!);
    return `${stage} ${(ms / 1000).toFixed(2)} s (${formatCount((run!.spans / ms) * 1000)} spans/s)`;
  });
  process.stdout.write(`  ${stages.join(' · ')}\n`);
}

/** Linear and diamond tasks, one at a time. `noise`: share of the spans that are the exporter's own. */
function simulated({ noise, logs }: { readonly noise: number; readonly logs: boolean }): RecordedSignal[] {
  const tasks = Array.from({ length: TASKS }, (_, i) => (i % 2 === 0 ? [[], [0], [1], [2]] : [[], [0], [0], [1, 2]]));
  const plan = { seed: 7, tasks, everyNs: 1e9, backend: 'pgmq', logs } as const;
  const own = new SimulatedTasker(plan).run().trace.spans.length;
  const noisy = { ...plan, noise: Math.round((own * noise) / (1 - noise)) };
  const { trace } = new SimulatedTasker(noisy).run();
  const text = otlpOfTrace(trace);
  return [
    { signal: 'traces', text: text.traces },
    { signal: 'logs', text: text.logs },
  ];
}

function readSignal(path: string): RecordedSignal {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return { signal: text.slice(0, 200).includes('resourceLogs') ? 'logs' : 'traces', text };
}
