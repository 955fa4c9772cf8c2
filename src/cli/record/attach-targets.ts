import { processName } from '../../../collectors/process-name.ts';
import {
  readCommandLine,
  readExecutable,
  readProcessStat,
  readProcessTable,
} from '../../../collectors/process-table.ts';
import type { Runtime } from '../../../collectors/profilers/profiler.ts';
import { TprofError } from '../../base/errors.ts';

/**
 * The processes of `--pid` and `--name`, all of which must run; with `children`, what they have started, too. `pattern`
 * may hold `*` and `?`, and matches whole names.
 */
export function findProcesses(pids: readonly number[], pattern: string | undefined, children = false): number[] {
  const named = namedProcesses(pids, pattern);
  return children ? withDescendants(named) : named;
}

function withDescendants(pids: readonly number[]): number[] {
  const table = readProcessTable().filter(({ state }) => state !== 'Z');
  const found = new Set(pids);
  // A child may have a smaller pid than its parent: as many rounds as there are generations.
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { pid, parentPid } of table) if (found.has(parentPid) && pid !== process.pid) found.add(pid);
  }
  return [...found];
}

function namedProcesses(pids: readonly number[], pattern: string | undefined): number[] {
  for (const pid of pids) {
    if (process.platform === 'linux' ? readProcessStat(pid) === undefined : !answers(pid)) {
      throw new TprofError('input-missing', `there is no process ${pid}`, { hint: 'list what runs: ps -ef' });
    }
  }
  if (pattern === undefined) return [...new Set(pids)];
  const matches = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  const found = readProcessTable()
    .filter(stat => {
      if (stat.pid === process.pid || stat.state === 'Z') return false;
      const command = readCommandLine(stat.pid);
      const program = (command[0] ?? '').split('/').at(-1) ?? '';
      return [stat.comm, program, processName(command, undefined, stat.comm)].some(name => matches.test(name));
    })
    .map(stat => stat.pid);
  if (found.length === 0) {
    throw new TprofError('input-missing', `no running process is named ${pattern}`, {
      hint: "list names: ps -eo pid,comm,args; a pattern matches whole names: --name 'tasker-*'",
    });
  }
  return [...new Set([...pids, ...found])];
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** By the program file that it runs. */
export function runtimeOfProcess(pid: number): Runtime {
  const program = (readExecutable(pid) ?? readCommandLine(pid)[0] ?? '').split('/').at(-1) ?? '';
  if (/^node/.test(program)) return 'node';
  return /^(python|pypy)/.test(program) ? 'python' : 'native';
}
