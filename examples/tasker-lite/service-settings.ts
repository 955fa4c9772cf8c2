import type { RabbitSettings } from './rabbit-connection.ts';
import type { Slowness } from './slowness.ts';

/** What a process of the workload is told by the one that starts it, through its environment. */
export interface ServiceSettings {
  readonly databaseUrl: string;
  readonly schema: string;
  readonly concurrency: number;
  readonly namespaces: readonly string[];
  /** The first orchestration makes the schema. */
  readonly createsSchema: boolean;
  readonly instance: string;
  /** Language of the handlers; undefined = the worker's own. */
  readonly runtime?: 'python3' | 'ruby';
  /** Spans by the conventions, or what the real Tasker emits. */
  readonly emit: 'conventions' | 'tasker';
  /** Messages go through RabbitMQ; undefined = through PostgreSQL. */
  readonly rabbit?: RabbitSettings;
  /** Operations that take longer than they would. */
  readonly slowness: Slowness;
}

/** From a process to its starter. */
export type ServiceMessage =
  | { readonly type: 'ready'; readonly url?: string }
  | { readonly type: 'task-ended'; readonly taskUuid: string; readonly status: string }
  | { readonly type: 'slowness-set' }
  | { readonly type: 'failed'; readonly message: string };

/** From the starter to a process: from now on these operations take longer, and no others. */
export interface SlownessMessage {
  readonly type: 'slowness';
  readonly slowness: Slowness;
}

const SETTINGS = 'TASKER_LITE_SETTINGS';

/** The environment that carries `settings` to a process of the workload. */
export function settingsEnvironment(settings: ServiceSettings): Record<string, string> {
  return { [SETTINGS]: JSON.stringify(settings) };
}

/** The settings that a starter left in the environment. */
export function settingsOf(environment: Readonly<Record<string, string | undefined>>): ServiceSettings {
  const text = environment[SETTINGS];
  if (text === undefined) throw new Error(`this process is started by tprof e2e, which sets ${SETTINGS}`);
  return JSON.parse(text) as ServiceSettings;
}
