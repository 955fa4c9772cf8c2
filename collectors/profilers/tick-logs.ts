// https://nodejs.org/api/cli.html#--prof : one tick log an isolate, read by the Node that wrote it.
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { type AgentProduct, readAgentHarvest } from './agent-harvest.ts';
import { withNodeOption } from './node-options.ts';
import type { ProfilerArtefact, ProfilerHarvest } from './profiler.ts';

const DEFAULT_HZ = 1000;
const TICKS: AgentProduct = { prefix: 'Ticks', profile: 'tick log', samples: 'ticks', format: undefined };

/** Where below a profiler's folder the logs lie, and what the matching Node made of them. */
export const TICK_LOGS = 'isolates';
const PREPROCESSED = 'ticks';
const SHIM = '.bin';

export interface TickLogs {
  /** For the command line of a Node process. */
  readonly flags: readonly string[];
  /** Has Node processes that the target starts log ticks as well. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Prepares the folders, and a `node` in front of PATH for what shells and scripts start. */
export async function prepareTickLogs(
  rawDirectory: string,
  environment: Readonly<Record<string, string | undefined>>,
  frequencyHz: number = DEFAULT_HZ,
): Promise<TickLogs> {
  const flags = [
    '--prof',
    `--logfile=${join(rawDirectory, TICK_LOGS)}/%p-v8.log`,
    `--prof-sampling-interval=${Math.max(1, Math.round(1e6 / frequencyHz))}`,
  ];
  const shims = join(rawDirectory, SHIM);
  await mkdir(join(rawDirectory, TICK_LOGS), { recursive: true });
  await mkdir(shims, { recursive: true });
  await writeFile(join(shims, 'node'), shim(shims, flags), { mode: 0o755 });
  const agent = fileURLToPath(new URL('../preload/tick-log-agent.cjs', import.meta.url));
  return {
    flags,
    environment: {
      NODE_OPTIONS: withNodeOption(environment.NODE_OPTIONS, '--require', agent),
      PATH: `${shims}:${environment.PATH ?? '/usr/local/bin:/usr/bin:/bin'}`,
      TPROF_TICK_LOGS: JSON.stringify({ directory: rawDirectory, flags }),
    },
  };
}

/** Becomes the next `node` in PATH. */
function shim(own: string, flags: readonly string[]): string {
  const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
  return `#!/bin/sh
own=${quoted(own)}
IFS=:
for folder in $PATH; do
  if [ "$folder" != "$own" ] && [ -x "$folder/node" ] && [ ! -d "$folder/node" ]; then
    unset IFS
    exec "$folder/node" ${flags.map(quoted).join(' ')} "$@"
  fi
done
echo 'node: not found' >&2
exit 127
`;
}

/** Reads every tick log with the Node that wrote it: one profile a thread, on the monotonic clock. */
export async function harvestTickLogs(rawDirectory: string): Promise<ProfilerHarvest> {
  await rm(join(rawDirectory, SHIM), { recursive: true, force: true });
  const journals = await readAgentHarvest(rawDirectory, TICKS);
  const nodeOf = new Map(journals.processes?.map(({ pid, command }) => [pid, command[0] ?? '']));
  const artefacts: ProfilerArtefact[] = [];
  const losses = journals.losses.filter(({ why }) => !why.startsWith('it ended without a chance to write'));
  await mkdir(join(rawDirectory, PREPROCESSED), { recursive: true });
  const seen = new Set<number>();
  const taken = new Set<string>();
  for (const name of (await readdir(join(rawDirectory, TICK_LOGS))).sort()) {
    const pid = Number(/-(\d+)-v8\.log$/.exec(name)?.[1]);
    if (Number.isNaN(pid)) continue;
    const log = join(rawDirectory, TICK_LOGS, name);
    const mark = await findMark(log);
    const tid = mark?.tid ?? firstFree(pid, taken);
    taken.add(`${pid}.${tid}`);
    const what = `ticks of ${mark === undefined ? 'a thread' : tid === 0 ? 'the main thread' : `worker thread ${tid}`} of pid ${pid}`;
    const file = `${PREPROCESSED}/${pid}.${tid}.v8log.json`;
    const node = nodeOf.get(pid);
    const failure =
      node === undefined
        ? 'which Node wrote its log is not known: it was started with an environment of its own'
        : await preprocess(node, log, join(rawDirectory, file));
    if (failure !== undefined) {
      losses.push({ what, count: 1, why: failure });
      await rm(join(rawDirectory, file), { force: true });
      continue;
    }
    seen.add(pid);
    const startNs = mark?.startNs;
    artefacts.push({ file, format: 'v8-log', pid, tid, ...(startNs === undefined ? { clock: 'none' } : { startNs }) });
  }
  const failed = new Set(losses.flatMap(({ what }) => Number(/pid (\d+)/.exec(what)?.[1] ?? 0)));
  for (const { pid, command } of journals.processes ?? []) {
    if (seen.has(pid) || failed.has(pid)) continue;
    losses.push({ what: `tick log of pid ${pid}`, count: 1, why: `${command[0]} wrote none` });
  }
  return { ...journals, artefacts, losses };
}

/** The mark that the agent left: which thread it is, and when its log began on the monotonic clock. */
async function findMark(log: string): Promise<{ readonly tid: number; readonly startNs: number } | undefined> {
  const input = createReadStream(log, { highWaterMark: 1 << 20 });
  const lines = createInterface({ input });
  try {
    for await (const line of lines) {
      if (!line.startsWith('code-creation,')) continue;
      const match = /^code-creation,\w+,\d+,(\d+),[^,]*,[^,]*, ?tprof-clock-(\d+)-(\d+)/.exec(line);
      if (match === null) continue;
      const [, afterUs, tid, monotonicNs] = match;
      return { tid: Number(tid), startNs: Number(monotonicNs) - Number(afterUs) * 1000 };
    }
    return undefined;
  } finally {
    lines.close();
    input.destroy();
  }
}

function firstFree(pid: number, taken: ReadonlySet<string>): number {
  let tid = 1;
  while (taken.has(`${pid}.${tid}`)) tid++;
  return tid;
}

/** Gives the reason where it did not work. */
async function preprocess(node: string, log: string, to: string): Promise<string | undefined> {
  const child = spawn(node, ['--prof-process', '--preprocess', log], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  let said = '';
  child.stderr.on('data', chunk => {
    if (said.length < 1000) said += chunk;
  });
  try {
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('close', resolve);
      child.once('error', reject);
    });
    const [code] = await Promise.all([ended, pipeline(child.stdout, createWriteStream(to, { mode: 0o600 }))]);
    return code === 0 ? undefined : `${node} --prof-process failed: ${said.trim().split('\n')[0] ?? ''}`;
  } catch (error) {
    return `${node} --prof-process failed: ${(error as Error).message}`;
  }
}
