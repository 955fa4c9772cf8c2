import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommonOptions } from '../context.ts';
import { parseDuration } from './record-options.ts';

/** What `record` and `receive` were told to probe; commander fills it in. */
export interface ProbeOptions extends CommonOptions {
  /** False with `--no-probes`. */
  readonly probes?: boolean;
  readonly postgres?: readonly string[];
  readonly queueDepth?: readonly string[];
  readonly metrics?: readonly string[];
  /** Milliseconds. */
  readonly sampleInterval?: number;
}

/** Adds the flags that switch probes on. */
export function withProbeOptions(command: Command): Command {
  return command
    .addOption(new Option('--postgres <url>', 'figures of this PostgreSQL; may be given again').argParser(oneUrl))
    .addOption(
      new Option(
        '--queue-depth <url>',
        'depth of queues: postgresql:// (pgmq), http:// (RabbitMQ management), amqp://…#QUEUE,QUEUE; may be given again',
      ).argParser(oneUrl),
    )
    .addOption(
      new Option('--metrics <urls>', 'Prometheus endpoints, comma-separated; may be given again').argParser(urls),
    )
    .addOption(
      new Option('--sample-interval <time>', 'between two readings of a probe: 1s, 500ms (default: 1s)').argParser(
        parseInterval,
      ),
    )
    .option('--no-probes', 'no figures of processes, and of nothing that is not named');
}

function oneUrl(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text.trim()];
}

function urls(text: string, before: readonly string[] | undefined): readonly string[] {
  const words = text.split(',').map(word => word.trim());
  if (words.includes('')) throw new InvalidArgumentError('expected http://HOST:PORT/metrics.');
  return [...(before ?? []), ...words];
}

/** Below this, reading is what is measured. */
const SHORTEST_MS = 50;

function parseInterval(text: string): number {
  const ms = parseDuration(text);
  if (ms < SHORTEST_MS) throw new InvalidArgumentError(`expected ${SHORTEST_MS}ms or more.`);
  return ms;
}
