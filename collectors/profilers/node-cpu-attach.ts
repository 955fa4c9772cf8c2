import { readlinkSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TprofError } from '../../src/base/errors.ts';
import { isSameProcess, readExecutable, readProcessStat } from '../process-table.ts';
import { evaluateIn, INSPECTOR_PORT } from './inspector-client.ts';

/** How long worker threads may take to write their profiles. */
const WORKERS_WITHIN_MS = 1500;

/** A program that had its inspector open keeps it; else it is closed at once, and the port is free for the next one. */
const CLOSE = `require('node:inspector').close(),`;

export interface Attachment {
  readonly pid: number;
  /** Has the process write its profiles. Gives the reason where it could not. */
  detach(): Promise<string | undefined>;
}

/** What is taken, as preload/attached-profile.cjs is told, and the beginning of the journals' names. */
export type AttachedInstrument =
  | { readonly prefix: 'CPU'; readonly settings: { readonly intervalUs: number } }
  | { readonly prefix: 'Heap'; readonly settings: { readonly intervalBytes: number; readonly collected: boolean } };

/** Begins to profile a running Node process, its worker threads included. Throws `run-cannot-begin`. */
export async function attachToNode(
  pid: number,
  directory: string,
  { prefix, settings }: AttachedInstrument,
): Promise<Attachment> {
  requireReachable(pid, prefix === 'CPU' ? 'node-cpu' : 'node-heap');
  const script = fileURLToPath(new URL('../preload/attached-profile.cjs', import.meta.url));
  const startTime = readProcessStat(pid)?.startTime ?? '';
  const call = async (words: string): Promise<void> => {
    let opened = false;
    try {
      await evaluateIn(pid, openedHere => {
        opened = openedHere;
        return `(require(${JSON.stringify(script)}).${words}, ${openedHere ? CLOSE : ''} 'done')`;
      });
    } catch (error) {
      if (opened) await evaluateIn(pid, () => `(${CLOSE} 'done')`).catch(() => {});
      throw error;
    }
  };
  try {
    await call(`start(${JSON.stringify({ directory, ...settings, recorderPid: process.pid })})`);
  } catch (error) {
    throw new TprofError('run-cannot-begin', `pid ${pid} cannot be profiled: ${(error as Error).message}`, {
      hint: `who listens on the inspector's port: ss -ltnp 'sport = :${INSPECTOR_PORT}'; perf needs no port: --profiler perf`,
      cause: error,
    });
  }
  return {
    pid,
    async detach() {
      if (!isSameProcess({ pid, startTime })) return undefined;
      try {
        await call('stop()');
        await written(directory, `${prefix}.${pid}.`);
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

/** Worker threads write a moment after the main one, if they get to it. */
async function written(directory: string, start: string): Promise<void> {
  const until = Date.now() + WORKERS_WITHIN_MS;
  while (Date.now() < until) {
    const names = (await readdir(directory)).filter(name => name.startsWith(start) && name.endsWith('.jsonl'));
    const texts = await Promise.all(names.map(name => readFile(join(directory, name), 'utf8')));
    if (texts.every(text => /"event":"(end|failed)"/.test(text))) return;
    await pause(25);
  }
}

/** A Node process in our own network namespace: the inspector listens on its loopback, which then is ours, too. */
function requireReachable(pid: number, id: string): void {
  const executable = readExecutable(pid);
  if (process.platform !== 'linux') return;
  if (executable === undefined) {
    throw new TprofError('run-cannot-begin', `pid ${pid} belongs to another user, or has ended`, {
      hint: `run tprof as its user: ps -o user,args -p ${pid}`,
    });
  }
  if (!/^node/.test(basename(executable))) {
    throw new TprofError('run-cannot-begin', `pid ${pid} runs ${basename(executable)}, and ${id} profiles Node alone`, {
      hint: `tprof record --profiler perf --pid ${pid}`,
    });
  }
  if (readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net')) {
    throw new TprofError(
      'run-cannot-begin',
      `pid ${pid} runs in another network namespace (a container), whose inspector cannot be reached`,
      {
        hint: `run tprof inside of it, or: tprof record --profiler perf --pid ${pid}`,
      },
    );
  }
}
