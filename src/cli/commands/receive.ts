import { Command } from 'commander';
import { createCaptureFolder } from '../../../collectors/capture-folder.ts';
import { writeManifest } from '../../../collectors/capture-manifest.ts';
import { formatCount, formatDuration } from '../../base/format-units.ts';
import { type CliContext, type CommonOptions, say } from '../context.ts';
import { withCommonOptions } from '../output.ts';
import { finishCapture } from '../record/finish-capture.ts';
import { beginManifest, ownCost } from '../record/manifest-draft.ts';
import { type ProbeOptions, withProbeOptions } from '../record/probe-options.ts';
import { type Receiver, startReceiver } from '../record/receiver.ts';
import { parseDuration } from '../record/record-options.ts';
import { type RecordProbes, startProbes } from '../record/record-probes.ts';
import {
  type ConsoleOptions,
  type RecordConsoles,
  startConsoles,
  withConsoleOptions,
} from '../record/tokio-consoles.ts';

interface ReceiveOptions extends ProbeOptions, ConsoleOptions {
  readonly listen: string;
  readonly forward?: string;
  /** Milliseconds. */
  readonly duration?: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const PROGRESS_MS = 500;

/** `tprof receive`: only the receiver, for a cluster that already runs; leaves the same capture as `record`. */
export function receiveCommand(context: CliContext): Command {
  const command = new Command('receive')
    .description('Receive OTLP (gRPC and HTTP on one port) from programs that already run, and leave a capture.')
    .option('--listen <address>', 'HOST:PORT or :PORT; :0 takes any free port', '127.0.0.1:4318')
    .option('--forward <url>', 'pass every batch on to this collector, too (OTEL_EXPORTER_OTLP_HEADERS go with it)')
    .option('--duration <time>', 'stop after that time: 30, 30s, 2m (default: until Ctrl-C)', parseDuration);
  return withCommonOptions(
    withConsoleOptions(withProbeOptions(command)),
    'the capture folder (default: a new one below .tprof)',
  )
    .addHelpText(
      'after',
      `
Every batch is on disk before it is acknowledged. Ctrl-C ends it with a complete capture.

Examples:
  $ tprof receive
  $ tprof receive --listen 0.0.0.0:4317 --duration 10m -o out
  $ tprof receive --forward http://collector:4318
  $ tprof receive --tokio-console :6669,:6670
  $ tprof receive --postgres postgresql://localhost/app --metrics http://localhost:8080/metrics`,
    )
    .action((options: ReceiveOptions) => receive(options, context));
}

async function receive(options: ReceiveOptions, context: CliContext): Promise<void> {
  const startedAt = new Date();
  const folder = await createCaptureFolder({
    cwd: context.cwd,
    output: options.output,
    name: 'receive',
    startedAt,
  });
  const draft = beginManifest('receive', [], startedAt);
  let receiver: Receiver | undefined;
  let consoles: RecordConsoles;
  let probes: RecordProbes | undefined;
  try {
    await writeManifest(folder.directory, draft);
    receiver = await startReceiver(folder, options, {
      failAs: 'machine-lacks',
      forwardHeaders: parseHeaders(context.env.OTEL_EXPORTER_OTLP_HEADERS ?? ''),
    });
    probes = await startProbes(folder, options, context, undefined);
    const { processes } = receiver;
    probes.follow(() => processes().map(({ pid, startTime, command }) => ({ pid, startTime, command })));
    consoles = await startConsoles(folder, options);
  } catch (error) {
    await probes?.stop();
    await receiver?.stop();
    await folder.discard();
    throw error;
  }
  say(context, options, `tprof: receiving OTLP over gRPC and HTTP on ${receiver.endpoint}; Ctrl-C ends it`);
  const began = process.hrtime.bigint();
  const before = ownCost();
  const progress = startProgress(context, options, receiver);
  await untilToldToStop(options.duration);
  progress.end();
  draft.durationNs = Number(process.hrtime.bigint() - began);
  const { asyncTasks, losses, processes } = await consoles.stop();
  if (asyncTasks.length > 0) draft.asyncTasks = asyncTasks;
  const probed = await probes.stop();
  draft.probes = probed.probes;
  draft.losses = [...losses, ...probed.losses];
  draft.self = ownCost(before);
  const observed = { exit: undefined, stoppedBy: undefined, gaveUp: false, processes };
  await finishCapture({
    folder,
    draft,
    receiver,
    runs: [],
    observed,
    options: { ...options, profiler: ['none'], env: [], trace: true },
    context,
  });
}

/** The first signal ends the recording in good order; the next one has its usual effect. */
function untilToldToStop(durationMs: number | undefined): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      for (const signal of SIGNALS) process.removeListener(signal, done);
      resolve();
    };
    const timer = durationMs === undefined ? undefined : setTimeout(done, durationMs);
    for (const signal of SIGNALS) process.on(signal, done);
  });
}

function startProgress(context: CliContext, options: CommonOptions, receiver: Receiver): { end(): void } {
  if (context.stderr.isTTY !== true || options.quiet === true) return { end() {} };
  const began = Date.now();
  const timer = setInterval(() => {
    const { spans, logs } = receiver.counts();
    const words = [
      `receiving ${formatDuration((Date.now() - began) * 1e6)}`,
      `${formatCount(spans)} spans`,
      `${formatCount(logs)} log records`,
    ];
    context.stderr.write(`\r\u001b[K${words.join(' · ')}`);
  }, PROGRESS_MS);
  return {
    end() {
      clearInterval(timer);
      context.stderr.write('\r\u001b[K');
    },
  };
}

/** `name=value,name=value` with values percent-encoded, as the OpenTelemetry specification has it. */
function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    if (at < 1) continue;
    const value = pair.slice(at + 1).trim();
    try {
      headers[pair.slice(0, at).trim()] = decodeURIComponent(value);
    } catch {
      headers[pair.slice(0, at).trim()] = value;
    }
  }
  return headers;
}
