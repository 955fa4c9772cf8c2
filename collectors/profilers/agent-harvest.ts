import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { processName } from '../process-name.ts';
import type { ProfilerArtefact, ProfilerHarvest } from './profiler.ts';

/** Lines of the agent's journals (collectors/preload/journal.cjs). */
type JournalLine =
  | {
      readonly event: 'start';
      readonly pid: number;
      readonly tid: number;
      readonly parentPid: number;
      readonly startTime: string;
      readonly argv: readonly string[];
      readonly isMainThread: boolean;
      readonly node: string;
      readonly monotonicNs: string;
      readonly unixMs: number;
    }
  | { readonly event: 'profile'; readonly file: string; readonly samples: number; readonly endUs: number }
  | { readonly event: 'failed'; readonly why: string; readonly samples: number }
  | { readonly event: 'worker'; readonly tid: number }
  | { readonly event: 'end'; readonly why: string };

type Start = Extract<JournalLine, { event: 'start' }>;

/** What the agent of one thread wrote down. */
interface Journal {
  readonly start: Start;
  readonly profiles: readonly Extract<JournalLine, { event: 'profile' }>[];
  readonly failures: readonly Extract<JournalLine, { event: 'failed' }>[];
  readonly workers: readonly number[];
  readonly ended: boolean;
}

/** How one of the agent's instruments calls what it leaves. */
export interface AgentProduct {
  /** Of the journals' names. */
  readonly prefix: string;
  /** `CPU profile` */
  readonly profile: string;
  /** `CPU samples`: a part of one that could not be written. */
  readonly samples: string;
  /** Id of the format; undefined where the agent writes none itself. */
  readonly format: string | undefined;
}

export const CPU_PROFILES: AgentProduct = {
  prefix: 'CPU',
  profile: 'CPU profile',
  samples: 'CPU samples',
  format: 'cpuprofile',
};
export const HEAP_PROFILES: AgentProduct = {
  prefix: 'Heap',
  profile: 'heap profile',
  samples: 'heap samples',
  format: 'heapprofile',
};

/**
 * Reads the journals in `directory`: which profiles there are, which threads began and never wrote one, and which
 * processes took part (the journals name them even if they lived for a few milliseconds only).
 */
export async function readAgentHarvest(directory: string, product: AgentProduct): Promise<ProfilerHarvest> {
  const journals: Journal[] = [];
  for (const name of (await readdir(directory)).sort()) {
    if (!name.startsWith(`${product.prefix}.`) || !name.endsWith('.jsonl')) continue;
    const journal = parseJournal(await readFile(join(directory, name), 'utf8'));
    if (journal !== undefined) journals.push(journal);
  }
  const artefacts: ProfilerArtefact[] = [];
  const losses: { what: string; count: number; why: string }[] = [];
  const started = new Set(journals.map(({ start }) => `${start.pid}.${start.tid}`));
  for (const { start, profiles, failures, workers, ended } of journals) {
    const who = describe(start);
    let kept = 0;
    // One that is written anew, over the one before, is named again.
    for (const file of new Set(profiles.map(profile => profile.file))) {
      if (((await stat(join(directory, file)).catch(() => undefined))?.size ?? 0) === 0) continue;
      artefacts.push({ file, format: product.format, pid: start.pid, tid: start.tid });
      kept++;
    }
    for (const { why, samples } of failures) {
      const what = samples === 0 ? product.profile : product.samples;
      losses.push({ what: `${what} of ${who}`, count: Math.max(1, samples), why: reasonOf(why) });
    }
    if (!ended && failures.length === 0) {
      const before = kept === 0 ? 'nothing of it was saved' : `its first ${kept} profiles were saved`;
      losses.push({
        what: `${product.profile} of ${who}`,
        count: 1,
        why: `it ended without a chance to write (kill -9, abort, crash, or a worker stuck in native code); ${before}`,
      });
    }
    for (const tid of workers) {
      if (started.has(`${start.pid}.${tid}`)) continue;
      losses.push({
        what: `${product.profile} of worker thread ${tid} of ${describe({ ...start, isMainThread: true })}`,
        count: 1,
        why: 'the worker ended before it began, or was started with an environment without NODE_OPTIONS',
      });
    }
  }
  const runtimes = new Map(
    journals.map(({ start }) => [
      `${start.node} ${start.argv[0]}`,
      { id: 'node', version: start.node, path: start.argv[0] ?? '' },
    ]),
  );
  return {
    artefacts,
    losses,
    tools: [...runtimes.values()],
    nodeProfile: product.profile,
    processes: journals.filter(j => j.start.isMainThread).map(j => processOf(j.start)),
  };
}

/** Undefined where not even the first line is whole. A cut last line (kill -9, full disk) is left away. */
function parseJournal(text: string): Journal | undefined {
  const lines: JournalLine[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      lines.push(JSON.parse(line) as JournalLine);
    } catch {
      // Cut.
    }
  }
  const start = lines.find(line => line.event === 'start');
  if (start === undefined) return undefined;
  return {
    start,
    profiles: lines.filter(line => line.event === 'profile'),
    failures: lines.filter(line => line.event === 'failed'),
    workers: lines.filter(line => line.event === 'worker').map(({ tid }) => tid),
    ended: lines.some(line => line.event === 'end'),
  };
}

function processOf(start: Start): NonNullable<ProfilerHarvest['processes']>[number] {
  return { pid: start.pid, parentPid: start.parentPid, command: start.argv, startTime: start.startTime };
}

function describe({ pid, tid, argv, isMainThread }: Start): string {
  const name = processName(argv, undefined, 'node');
  return isMainThread ? `${name} (pid ${pid})` : `worker thread ${tid} of ${name} (pid ${pid})`;
}

function reasonOf(why: string): string {
  if (why === 'ENOSPC' || why === 'EDQUOT') return 'the disk is full';
  if (why.includes('without a V8::Inspector')) return 'Node gives it no inspector (the parent of node --test has none)';
  return `it could not be taken or written: ${why}`;
}
