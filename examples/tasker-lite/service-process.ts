import { readFileSync } from 'node:fs';
import { Database } from './database.ts';
import { PostgresTransport } from './postgres-transport.ts';
import { type ServiceMessage, type ServiceSettings, type SlownessMessage, settingsOf } from './service-settings.ts';
import { inSchema } from './statements.ts';
import { NO_TRACING, type Tracing } from './tracing.ts';
import type { Transport } from './transport.ts';

/** One running service: what has to be ended, in this order. */
export interface Service {
  readonly url?: string;
  stop(): Promise<void>;
}

/** How long a process may take to finish when it is asked to, and when its starter is gone. */
const LAST_WORDS_MS = 20_000;
const ORPHAN_MS = 2000;

/**
 * The life of one process of the workload: start, say `ready`, run until SIGTERM or until the starter is gone, finish
 * what is in hand, send the spans, and end by itself, so that whatever watches the process sees an ordinary end.
 */
export async function runService(
  name: string,
  start: (service: {
    settings: ServiceSettings;
    database: Database;
    transport: Transport;
    tracing: Tracing;
    tell: (message: ServiceMessage) => void;
    fail: (error: Error) => void;
  }) => Promise<Service>,
): Promise<void> {
  // One object, read whenever an operation begins: the starter may change what is in it.
  const slowness: Record<string, number> = {};
  const settings: ServiceSettings = { ...settingsOf(process.env), slowness };
  Object.assign(slowness, settingsOf(process.env).slowness);
  const tell = (message: ServiceMessage): void => {
    if (process.connected) process.send?.(message);
  };
  let starting: Promise<Service> | undefined;
  let transport: Transport | undefined;
  let ending: Promise<void> | undefined;
  let failed = false;
  let ended = false;
  const tracing = await startTracing(name, settings);
  const database = new Database({
    url: settings.databaseUrl,
    schema: settings.schema,
    name: `tasker-lite-${settings.instance}`,
    connections: settings.concurrency + 4,
    tracing,
    slowness,
  });
  const end = (): Promise<void> => {
    ending ??= (async () => {
      // What is left of its life is bounded: many spans to a slow receiver take a while, but nobody waits without end.
      const limit = setTimeout(() => process.exit(1), LAST_WORDS_MS);
      // Asked to end while it starts: what has been opened by then has to be closed as well.
      const running = await starting?.catch(() => undefined);
      await running?.stop().catch(() => {});
      await transport?.end().catch(() => {});
      await database.end().catch(() => {});
      await tracing.shutdown().catch(() => {});
      clearTimeout(limit);
      ended = true;
      process.exitCode = failed ? 1 : 0;
      if (process.connected) process.disconnect?.();
    })();
    return ending;
  };
  const fail = (error: Error): void => {
    failed = true;
    tell({ type: 'failed', message: error.message });
    void end();
  };
  process.on('SIGTERM', () => void end());
  // A Ctrl-C reaches every process of the terminal; who started this one decides what ends when.
  process.on('SIGINT', () => {
    if (!process.connected) void end();
  });
  const orphaned = (): void => {
    setTimeout(() => process.exit(1), ORPHAN_MS).unref();
    void end();
  };
  process.on('message', (message: SlownessMessage) => {
    if (message.type !== 'slowness') return;
    for (const operation of Object.keys(slowness)) delete slowness[operation];
    Object.assign(slowness, message.slowness);
    tell({ type: 'slowness-set' });
  });
  process.on('disconnect', () => {
    if (!ended) orphaned();
  });
  if (process.connected === false) orphaned();
  try {
    if (settings.createsSchema) await database.script(readSchema(settings.schema));
    transport = await openTransport(settings, database, tracing, fail);
    starting = start({ settings, database, transport, tracing, tell, fail });
    const running = await starting;
    tell({ type: 'ready', ...(running.url === undefined ? {} : { url: running.url }) });
  } catch (error) {
    fail(error instanceof Error ? error : new Error(String(error)));
  }
}

function readSchema(schema: string): string {
  return inSchema(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'), schema);
}

async function openTransport(
  { rabbit, instance, emit, slowness }: ServiceSettings,
  database: Database,
  tracing: Tracing,
  onLost: (error: Error) => void,
): Promise<Transport> {
  if (rabbit === undefined) return new PostgresTransport(database, tracing);
  // Only who asks for RabbitMQ needs its package.
  const { RabbitTransport } = await import('./rabbit-transport.ts');
  const name = `tasker-lite-${instance}`;
  return await RabbitTransport.open({ ...rabbit, name, tracing, slowness, ackAtHandOff: emit === 'tasker', onLost });
}

async function startTracing(name: string, { instance, emit }: ServiceSettings): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, TELEMETRY_ENABLED, OTEL_SDK_DISABLED } =
    process.env;
  const endpoint = OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? OTEL_EXPORTER_OTLP_ENDPOINT;
  const off = OTEL_SDK_DISABLED === 'true' || TELEMETRY_ENABLED === 'false';
  if (off || (endpoint ?? '') === '') return NO_TRACING;
  if (emit === 'tasker') {
    const { startTaskerTracing } = await import('./otel-tasker.ts');
    return startTaskerTracing({ worker: name === 'tasker-lite-worker' });
  }
  const { startOtelTracing } = await import('./otel-tracing.ts');
  return startOtelTracing({ name, instance });
}
