// https://github.com/mstange/samply
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TprofError } from '../../src/base/errors.ts';
import { resolveCommand } from '../resolve-command.ts';
import { exitNote } from './exit-note.ts';
import { perfAccess, perfEvents } from './perf-access.ts';
import { startTool, type ToolHandle } from './perf-tool.ts';
import type { Profiler, ProfilerArtefact, ProfilerHarvest, ProfilerRequest, ProfilerRun } from './profiler.ts';
import { runtimeNames } from './runtime-names.ts';
import { toolVersion } from './tool-version.ts';

const DEFAULT_HZ = 997;
/** Resolving the symbols of a large program, after the recording. */
const WRITES_WITHIN_MS = 120_000;

/**
 * samply around the target, or one beside each running process. Its profile has addresses; the names come from the
 * `.syms.json` that it writes beside it. It exits with 0 whatever its target did, so a shell in between notes that.
 */
export const samply: Profiler = {
  id: 'samply',
  title: 'samply: native code with its own unwinding, for the Firefox Profiler',
  measures: ['cpu'],
  platforms: ['linux', 'darwin'],
  runtimes: ['native', 'node', 'python'],
  attaches: true,
  options: ['frequency', 'children'],

  async check() {
    const found = await toolVersion('samply', ['--version'], 'cargo install --locked samply');
    if (!found.usable || process.platform !== 'linux') return found;
    const access = perfAccess();
    if (!access.allowed) return { usable: false, reason: access.reason, hint: access.hint };
    // It refuses by this setting even for root, unless the processor's own counters answer first.
    if (access.level > 1 && !(access.privileged && perfEvents().hardware)) {
      return {
        usable: false,
        reason: `kernel.perf_event_paranoid is ${access.level}, and samply wants 1 or less`,
        hint: 'sudo sysctl kernel.perf_event_paranoid=1',
      };
    }
    return found;
  },

  async prepare(request) {
    const path = resolveCommand('samply', process.env, process.cwd());
    return request.pids.length > 0 ? attachRun(path, request) : wrapperRun(path, request);
  },
};

function recordWords(path: string, { frequencyHz }: ProfilerRequest, output: string): string[] {
  const rate = String(frequencyHz ?? DEFAULT_HZ);
  return [path, 'record', '--save-only', '--unstable-presymbolicate', '--rate', rate, '--output', output];
}

function wrapperRun(path: string, request: ProfilerRequest): ProfilerRun {
  const file = 'profile.json';
  const note = exitNote(request.rawDirectory, request.environment);
  const words = recordWords(path, request, join(request.rawDirectory, file));
  const ownPids: number[] = [];
  return {
    command: [...words, '--', ...note.prefix, ...request.command],
    environment: runtimeNames(request.environment),
    async started(pid) {
      ownPids.push(pid);
    },
    targetPid: note.targetPid,
    targetExit: note.exit,
    async collect() {
      const shell = note.shellPid();
      note.forget();
      return {
        ...harvest(request.rawDirectory, [{ file, pid: 0 }]),
        ownPids: shell === undefined ? ownPids : [...ownPids, shell],
      };
    },
  };
}

/** samply attaches to one process; several of them get one each. */
function attachRun(path: string, request: ProfilerRequest): ProfilerRun {
  const tools: { readonly pid: number; readonly file: string; readonly tool: ToolHandle }[] = [];
  return {
    command: request.command,
    environment: {},
    async started() {
      for (const pid of request.pids) {
        const file = `profile.${pid}.json`;
        const [, ...words] = recordWords(path, request, join(request.rawDirectory, file));
        tools.push({ pid, file, tool: startTool(path, [...words, '--pid', String(pid)]) });
      }
      await Promise.all(tools.map(({ tool }) => tool.ready(() => process.platform !== 'linux' || tool.hasEvents())));
      if (tools.length > 0 && tools.every(({ tool }) => tool.ended())) {
        throw new TprofError('run-cannot-begin', `samply refuses to attach: ${sentence(tools[0]?.tool.said() ?? '')}`, {
          hint: `tprof record --profiler perf --pid ${request.pids.join(',')}`,
        });
      }
    },
    async stop() {
      await Promise.all(tools.map(({ tool }) => tool.stop(WRITES_WITHIN_MS)));
    },
    async collect() {
      const found = harvest(
        request.rawDirectory,
        tools.map(({ file, pid }) => ({ file, pid })),
      );
      const failures = tools.flatMap(({ pid, tool }) => {
        const failure = tool.failure();
        return failure === undefined
          ? []
          : [{ what: `profile of pid ${pid}`, count: 1, why: `samply: ${sentence(failure)}` }];
      });
      return { ...found, losses: [...failures, ...found.losses] };
    },
  };
}

function harvest(
  rawDirectory: string,
  files: readonly { readonly file: string; readonly pid: number }[],
): ProfilerHarvest {
  const artefacts: ProfilerArtefact[] = [];
  const losses: ProfilerHarvest['losses'][number][] = [];
  // Its times are those of CLOCK_MONOTONIC, while its start is a moment some time before the first of them.
  const clock = process.platform === 'linux' ? ({ clock: 'monotonic' } as const) : {};
  for (const { file, pid } of files) {
    if (!existsSync(join(rawDirectory, file))) {
      const what = pid === 0 ? 'profile' : `profile of pid ${pid}`;
      losses.push({ what, count: 1, why: 'samply left no recording: it was killed, or its target never ran' });
      continue;
    }
    artefacts.push({ file, format: 'firefox', pid, tid: 0, ...clock });
    const symbols = readdirSync(rawDirectory).find(name => name === file.replace(/\.json$/, '.syms.json'));
    if (symbols !== undefined) artefacts.push({ file: symbols, format: undefined, pid, tid: 0 });
  }
  return { artefacts, losses };
}

/** samply breaks its sentences into short lines. */
function sentence(text: string): string {
  return (
    text
      .trim()
      .split(/\n\s*\n/)[0]
      ?.replace(/\s+/g, ' ') || 'it does not say why'
  );
}
