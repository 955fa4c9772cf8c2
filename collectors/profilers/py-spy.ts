// https://github.com/benfred/py-spy
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TprofError } from '../../src/base/errors.ts';
import { resolveCommand } from '../resolve-command.ts';
import { exitNote } from './exit-note.ts';
import { noteOwnPid, readOwnPids } from './own-process.ts';
import { startTool, type ToolHandle } from './perf-tool.ts';
import type { Profiler, ProfilerHarvest, ProfilerRequest, ProfilerRun } from './profiler.ts';
import { toolVersion } from './tool-version.ts';

const DEFAULT_HZ = 100;
const LOG = 'py-spy.log';

/**
 * Runs py-spy ("$@") and stays until the target is done: py-spy ends at the first Ctrl-C, while its target may still be
 * cleaning up. Its words, for which it takes standard output, go into a file; the target gets its own back.
 */
const OUTER = `
note=$0
log=$1
shift
trap : INT TERM HUP QUIT
exec 3>&1 4>&2
(exec >"$log" 2>&1; exec "$@")
code=$?
while [ ! -s "$note" ] && kill -0 "$(cat "$note.pid" 2>/dev/null)" 2>/dev/null; do sleep 0.1; done
if [ -s "$note" ]; then exit "$(cat "$note")"; fi
exit $code
`;
/** py-spy kills the process that it started when it is stopped: this one, which has the target's shell as its child. */
const OWN_OUTPUT = ['/bin/sh', '-c', 'exec 1>&3 2>&4 3>&- 4>&-; "$0" "$@"; exit $?'];

/** py-spy over the target and every Python process that it starts, or one beside each running process. */
export const pySpy: Profiler = {
  id: 'py-spy',
  title: 'py-spy: Python functions of every version, from outside of the program',
  measures: ['cpu'],
  platforms: ['linux', 'darwin'],
  runtimes: ['python'],
  attaches: true,
  options: ['frequency', 'call-graph', 'children'],

  async check() {
    const found = await toolVersion('py-spy', ['--version'], 'pip install py-spy');
    if (!found.usable || process.platform !== 'linux' || process.getuid?.() === 0) return found;
    const scope = existsSync(PTRACE_SCOPE) ? readFileSync(PTRACE_SCOPE, 'utf8').trim() : '0';
    if (scope === '0') return found;
    if (Number(scope) > 1) {
      return {
        usable: false,
        reason: `kernel.yama.ptrace_scope is ${scope}: no process may look into another`,
        hint: 'sudo sysctl kernel.yama.ptrace_scope=1',
      };
    }
    return { ...found, note: 'to attach (--pid), it needs root, or: sudo sysctl kernel.yama.ptrace_scope=0' };
  },

  async prepare(request) {
    if (request.callGraph === 'fp') {
      throw new TprofError('usage', 'py-spy walks native stacks by their unwind tables alone', {
        hint: 'native functions, too: --call-graph dwarf; Python functions alone: leave it out',
      });
    }
    const path = resolveCommand('py-spy', process.env, process.cwd());
    return request.pids.length > 0 ? attachRun(path, request) : wrapperRun(path, request);
  },
};

const PTRACE_SCOPE = '/proc/sys/kernel/yama/ptrace_scope';

function recordWords(path: string, { frequencyHz, callGraph }: ProfilerRequest, output: string): string[] {
  const native = callGraph === 'dwarf' ? ['--native'] : [];
  const rate = String(Math.max(1, Math.round(frequencyHz ?? DEFAULT_HZ)));
  return [path, 'record', '--format', 'speedscope', '--rate', rate, ...native, '--output', output];
}

function wrapperRun(path: string, request: ProfilerRequest): ProfilerRun {
  const { rawDirectory } = request;
  const file = 'profile.speedscope.json';
  const note = exitNote(rawDirectory, request.environment);
  const pids = join(rawDirectory, '.pids');
  const tool = [...recordWords(path, request, join(rawDirectory, file)), '--subprocesses', '--'];
  const noteFile = note.prefix[4] ?? '';
  const ownPids: number[] = [];
  return {
    command: [
      ...['/bin/sh', '-c', OUTER, noteFile, join(rawDirectory, LOG)],
      ...noteOwnPid(pids),
      ...tool,
      ...noteOwnPid(pids),
      ...OWN_OUTPUT,
      ...note.prefix,
      ...request.command,
    ],
    environment: {},
    async started(pid) {
      ownPids.push(pid);
    },
    targetPid: note.targetPid,
    targetExit: note.exit,
    async collect() {
      const inner = note.shellPid();
      const own = [...ownPids, ...readOwnPids(pids), ...(inner === undefined ? [] : [inner])];
      note.forget();
      rmSync(pids, { force: true });
      const said = existsSync(join(rawDirectory, LOG)) ? readFileSync(join(rawDirectory, LOG), 'utf8') : '';
      const found = harvest(rawDirectory, [{ file, pid: 0, said }]);
      return {
        ...found,
        artefacts: [...found.artefacts, { file: LOG, format: undefined, pid: 0, tid: 0 }],
        ownPids: own,
      };
    },
  };
}

/** py-spy attaches to one process; several of them get one each. */
function attachRun(path: string, request: ProfilerRequest): ProfilerRun {
  const tools: { readonly pid: number; readonly file: string; readonly tool: ToolHandle }[] = [];
  return {
    command: request.command,
    environment: {},
    async started() {
      for (const pid of request.pids) {
        const file = `profile.${pid}.speedscope.json`;
        const [, ...words] = recordWords(path, request, join(request.rawDirectory, file));
        tools.push({ pid, file, tool: startTool(path, [...words, '--pid', String(pid)]) });
      }
      await Promise.all(tools.map(({ tool }) => tool.ready(() => tool.said().includes('Sampling process'))));
      if (tools.every(({ tool }) => tool.ended())) {
        throw new TprofError('run-cannot-begin', `py-spy refuses to attach: ${reasonOf(tools[0]?.tool.said() ?? '')}`, {
          hint: 'run tprof as root, or: sudo sysctl kernel.yama.ptrace_scope=0; in a container: --cap-add SYS_PTRACE',
        });
      }
    },
    async stop() {
      await Promise.all(tools.map(({ tool }) => tool.stop()));
    },
    collect: async () =>
      harvest(
        request.rawDirectory,
        tools.map(({ pid, file, tool }) => ({ file, pid, said: tool.said() })),
      ),
  };
}

function harvest(
  rawDirectory: string,
  files: readonly { readonly file: string; readonly pid: number; readonly said: string }[],
): ProfilerHarvest {
  const artefacts: ProfilerHarvest['artefacts'][number][] = [];
  const losses: ProfilerHarvest['losses'][number][] = [];
  for (const { file, pid, said } of files) {
    const of = pid === 0 ? '' : ` of pid ${pid}`;
    if (!existsSync(join(rawDirectory, file))) {
      losses.push({ what: `Python profile${of}`, count: 1, why: `py-spy left none: ${reasonOf(said)}` });
      continue;
    }
    // It counts its samples and does not write down when they were.
    artefacts.push({ file, format: 'speedscope', pid, tid: 0, clock: 'none' });
    const [, samples = '0', errors = '0'] = /Samples: (\d+) Errors: (\d+)/.exec(said) ?? [];
    if (samples === '0') {
      const why = 'py-spy saw no Python at work: the target runs no Python, or is too short';
      losses.push({ what: `Python profile${of}`, count: 1, why });
    }
    if (errors !== '0') {
      losses.push({ what: `Python stacks${of}`, count: Number(errors), why: 'py-spy could not read them' });
    }
    const behind = [...said.matchAll(/([\d.]+)s behind in sampling/g)].at(-1)?.[1];
    if (behind !== undefined) {
      losses.push({
        what: `samples${of}`,
        count: 1,
        why: `py-spy was up to ${behind} s late: try a lower --frequency`,
      });
    }
  }
  return { artefacts, losses };
}

/** Its own words: `Error: …`, and what it found to be the reason below. */
function reasonOf(said: string): string {
  const lines = said
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('py-spy>'));
  const error = lines.find(line => line.startsWith('Error: '))?.slice('Error: '.length);
  const reason = lines.find(line => line.startsWith('Reason: '))?.slice('Reason: '.length);
  return reason ?? error ?? lines[0] ?? 'it does not say why';
}
