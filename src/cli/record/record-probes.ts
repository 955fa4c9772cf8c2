import type { CaptureFolder } from '../../../collectors/capture-folder.ts';
import { addressOfPostgres } from '../../../collectors/probes/embedded-postgres.ts';
import { probeById } from '../../../collectors/probes/list.ts';
import { type ProbesEnd, runProbes } from '../../../collectors/probes/run-probes.ts';
import type { ProcessId } from '../../../collectors/process-table.ts';
import { type CliContext, say } from '../context.ts';
import type { ProbeOptions } from './probe-options.ts';

/** A process of the recording, as the probes and the search for a database need it. */
export interface LiveProcess extends ProcessId {
  readonly command: readonly string[];
}

export interface RecordProbes {
  /** From now on, these are the processes of the recording. */
  follow(current: () => readonly LiveProcess[]): void;
  stop(): Promise<ProbesEnd>;
}

const DEFAULT_INTERVAL_MS = 1000;
/** How often the built-in workload's database is looked for until it is there. */
const SEARCH_MS = 100;

/** The probes of a recording. `workload`: the built-in one, whose database and queue are watched without being named. */
export async function startProbes(
  folder: CaptureFolder,
  options: ProbeOptions,
  context: CliContext,
  workload: { readonly environment: Readonly<Record<string, string | undefined>> } | undefined,
): Promise<RecordProbes> {
  let current: () => readonly LiveProcess[] = () => [];
  let searching: NodeJS.Timeout | undefined;
  const probes = runProbes({
    directory: await folder.raw('probes'),
    intervalMs: options.sampleInterval ?? DEFAULT_INTERVAL_MS,
    processes: () => current(),
    onFailure: (id, { why, hint }) =>
      say(context, options, `tprof: no ${id} figures for now: ${why}${hint === undefined ? '' : `; ${hint}`}`),
  });
  const add = (id: string, target: string, endsWithTarget = false): void =>
    probes.add({ probe: probeById(id), target, endsWithTarget });
  try {
    if (options.probes !== false) add('process', '');
    for (const url of options.postgres ?? []) add('postgres', url);
    for (const url of options.queueDepth ?? []) add('queue-depth', url);
    for (const url of options.metrics ?? []) add('prometheus', url);
  } catch (error) {
    await probes.stop();
    throw error;
  }
  const addDatabase = (url: string): void => {
    add('postgres', url, true);
    if ((options.queueDepth ?? []).length === 0) add('queue-depth', url, true);
  };
  return {
    follow(processes) {
      current = processes;
      if (workload === undefined || options.probes === false || (options.postgres ?? []).length > 0) return;
      const own = workload.environment.DATABASE_URL;
      if (own !== undefined && own !== '') {
        addDatabase(own);
        return;
      }
      searching = setInterval(() => {
        for (const { command } of current()) {
          const address = addressOfPostgres(command);
          if (address === undefined) continue;
          clearInterval(searching);
          addDatabase(`postgresql://postgres@${encodeURIComponent(address.host)}:${address.port}/postgres`);
          return;
        }
      }, SEARCH_MS);
    },
    stop() {
      clearInterval(searching);
      return probes.stop();
    },
  };
}
