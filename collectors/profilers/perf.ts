// https://man7.org/linux/man-pages/man1/perf-record.1.html
import { join } from 'node:path';
import { TprofError } from '../../src/base/errors.ts';
import { isSameProcess } from '../process-table.ts';
import { resolveCommand } from '../resolve-command.ts';
import { behindGate, openGate, reachedGate } from '../start-gate.ts';
import { perfAccess, perfEvents } from './perf-access.ts';
import { collectPerfFiles } from './perf-collect.ts';
import { runTool, startTool, type ToolHandle } from './perf-tool.ts';
import type { Profiler, ProfilerRequest } from './profiler.ts';
import { runtimeNames } from './runtime-names.ts';

const DEFAULT_HZ = 997;
/** Bytes of stack in each sample of `--call-graph dwarf`: perf's own 8 KiB cut the deep stacks of async programs. */
const STACK_BYTES = 16384;
const DATA_FILE = 'perf.data';
const ENDS_WITHIN_MS = 500;

/**
 * `perf record` beside the target, its threads and children. Frame pointers unless told otherwise. Node and Python are
 * asked for perf maps, so that their functions have names.
 */
export const perf: Profiler = {
  id: 'perf',
  title: "Linux's own sampling profiler: native code, kernel, Node and Python in one stack",
  measures: ['cpu', 'off-cpu'],
  platforms: ['linux'],
  runtimes: ['native', 'node', 'python'],
  attaches: true,
  options: ['frequency', 'call-graph', 'event', 'children'],

  async check() {
    let path: string;
    try {
      path = resolveCommand('perf', process.env, process.cwd());
    } catch {
      return {
        usable: false,
        reason: 'perf is not installed',
        hint: 'sudo apt-get install linux-perf (Debian), linux-tools-$(uname -r) (Ubuntu), perf (Fedora)',
      };
    }
    // Ubuntu's `perf` is a script that fails where the tools of the running kernel are missing.
    const version = await runTool(path, ['--version']);
    if (version.code !== 0) {
      return {
        usable: false,
        reason: `perf --version failed: ${firstLine(version.stderr)}`,
        hint: 'sudo apt-get install linux-tools-$(uname -r)',
      };
    }
    const access = perfAccess();
    if (!access.allowed) return { usable: false, reason: access.reason, hint: access.hint };
    const events = perfEvents();
    const note = [access.note, events.hardware ? undefined : 'no hardware counters here: cpu-clock is used'].filter(
      n => n !== undefined,
    );
    return {
      usable: true,
      version: version.stdout.trim().replace(/^perf version /, ''),
      path,
      ...(note.length > 0 ? { note: note.join('; ') } : {}),
    };
  },

  async prepare(request) {
    const path = resolveCommand('perf', process.env, process.cwd());
    const { options, losses } = recordOptions(request);
    await probe(path, options, request.rawDirectory);
    const output = ['-o', join(request.rawDirectory, DATA_FILE)];
    const startedMs = Date.now();
    const control = await takesOrders(path);
    const attaching = request.pids.length > 0;
    // As its child, the target would get a SIGTERM from perf right behind each Ctrl-C. So perf stands beside it, and the
    // target waits until perf says that its events are on; a perf that cannot say so has to be in front of it.
    const beside = attaching || control;
    const ownPids: number[] = [];
    let tool: ToolHandle | undefined;
    const attach = async (pids: readonly number[]): Promise<void> => {
      const orders = control ? ['--control', 'fd:3,4'] : [];
      const started = startTool(path, ['record', ...options, ...output, ...orders, '-p', pids.join(',')], { control });
      tool = started;
      await (control ? started.answered() : started.ready(() => started.hasEvents()));
      if (!started.ended()) return;
      throw new TprofError('run-cannot-begin', `perf refuses to attach: ${reasonOf(started.said())}`, {
        hint: perfAccess().hint,
      });
    };
    return {
      command: attaching
        ? request.command
        : beside
          ? behindGate(request.command, request.environment)
          : [path, 'record', ...options, ...output, '--', ...request.command],
      environment: attaching ? {} : runtimeNames(request.environment),
      started: async pid => {
        if (!beside) {
          ownPids.push(pid);
        } else if (attaching) {
          await attach(request.pids);
        } else {
          await reachedGate(pid);
          try {
            await attach([pid]);
          } catch (error) {
            // A Ctrl-C has ended it before it began.
            if (!isSameProcess({ pid, startTime: '' })) return;
            throw error;
          }
          openGate(pid);
        }
      },
      stop: async () => {
        // It ends with the last process that it watches, if that has ended.
        await (attaching ? tool?.stop() : tool?.finished(ENDS_WITHIN_MS));
      },
      collect: async () => {
        const harvest = await collectPerfFiles(
          request.rawDirectory,
          DATA_FILE,
          startedMs,
          request.cwd ?? process.cwd(),
        );
        const failure = tool?.failure();
        return {
          ownPids,
          artefacts: harvest.artefacts,
          losses: [
            ...losses,
            ...harvest.losses,
            ...(failure === undefined ? [] : [{ what: 'profile', count: 1, why: `perf: ${firstLine(failure)}` }]),
          ],
        };
      },
    };
  },
};

/** Since Linux 5.8; some distributions keep an older perf than their kernel. */
async function takesOrders(path: string): Promise<boolean> {
  const { stdout, stderr } = await runTool(path, ['record', '-h']);
  return `${stdout}${stderr}`.includes('--control');
}

/** Arguments of `perf record` that do not depend on what is recorded; and what cannot be had here. */
export function recordOptions(request: Pick<ProfilerRequest, 'event' | 'frequencyHz' | 'callGraph'>): {
  readonly options: readonly string[];
  readonly losses: readonly { what: string; count: number; why: string }[];
} {
  const events = perfEvents();
  const { userOnly } = perfAccess();
  const losses: { what: string; count: number; why: string }[] = [];
  const options = ['-q', '-k', 'CLOCK_MONOTONIC'];
  const frequency = String(request.frequencyHz ?? DEFAULT_HZ);
  const words = (request.event ?? events.default).split(',').map(word => word.trim());
  const sampled = words.filter(word => word !== 'off-cpu');
  if (sampled.length === 0) sampled.push(events.default);
  const named = sampled.map(word => (userOnly && !word.includes(':') ? `${word}:u` : word));
  if (!words.includes('off-cpu')) {
    options.push('-F', frequency, ...named.flatMap(word => ['-e', word]));
  } else {
    // -F would hold for the switches as well, of which every one counts: the others get theirs by name.
    options.push(...named.flatMap(word => ['-e', withFrequency(word, frequency)]));
    // The tracepoint has the stack of who leaves; that someone comes back is seen by the switch records alone.
    if (events.schedSwitch) options.push('-e', 'sched:sched_switch');
    else {
      const why = 'the sched:sched_switch tracepoint is not readable; waits show the stack of the sample before';
      losses.push({ what: 'stacks of waits', count: 1, why });
    }
    options.push('--switch-events');
  }
  options.push('--call-graph', request.callGraph === 'dwarf' ? `dwarf,${STACK_BYTES}` : 'fp');
  return { options, losses };
}

/** `cpu-clock:u` → `cpu-clock/freq=997/u`. Tracepoints (`group:name`) and events with terms of their own stay. */
function withFrequency(word: string, frequency: string): string {
  const match = /^([\w-]+)(?::([ukhGHpPDIeS]+))?$/.exec(word);
  return match === null ? word : `${match[1]}/freq=${frequency}/${match[2] ?? ''}`;
}

/** Records `true` with the same options: what perf refuses is known before the target is started. */
async function probe(path: string, options: readonly string[], rawDirectory: string): Promise<void> {
  const file = join(rawDirectory, 'probe.data');
  const { code, stderr } = await runTool(path, ['record', ...options, '-o', file, '--', 'true'], file);
  if (code === 0) return;
  const access = perfAccess();
  throw new TprofError('run-cannot-begin', `perf refuses to record: ${reasonOf(stderr)}`, {
    hint:
      access.allowed && !access.userOnly
        ? 'perf list shows the events of this machine; tprof doctor, what works here'
        : access.hint,
  });
}

/** The sentence of perf's message that says why; it is followed by paragraphs of advice. */
function reasonOf(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && line !== 'Error:' && !line.startsWith('\\___'));
  return lines[0]?.replace(/[.:]$/, '') ?? 'it does not say why';
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
