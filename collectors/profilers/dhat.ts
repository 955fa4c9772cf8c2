// https://valgrind.org/docs/manual/dh-manual.html, https://docs.rs/dhat
import { closeSync, copyFileSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { resolveCommand } from '../resolve-command.ts';
import type { Profiler, ProfilerArtefact, ProfilerHarvest, ProfilerRequest, ProfilerRun } from './profiler.ts';
import { toolVersion } from './tool-version.ts';

/** Valgrind's own 12 cut the stacks of async programs below what called them. */
const STACK_DEPTH = 48;
/** What programs with the dhat crate write where they run, unless they were told another name. */
const CRATE_FILES = ['dhat-heap.json', 'dhat-ad-hoc.json'];

/**
 * Valgrind's DHAT around the target and everything that it starts. A program that has the dhat crate in it writes such a
 * profile by itself: that one is run as it is, and its file is copied into the capture.
 */
export const dhat: Profiler = {
  id: 'dhat',
  title: "Valgrind's DHAT, or the dhat crate in a Rust program: allocations, their lives, their reads and writes",
  measures: ['heap'],
  platforms: ['linux'],
  runtimes: ['native'],
  attaches: false,
  options: ['children'],
  distorts: 'under Valgrind a program runs 20 to 50 times slower, one thread at a time',

  check: () =>
    toolVersion(
      'valgrind',
      ['--version'],
      'sudo apt-get install valgrind (Debian, Ubuntu), sudo dnf install valgrind (Fedora)',
    ),

  async prepare(request) {
    return hasDhatCrate(request) ? crateRun(request) : valgrindRun(request);
  },
};

function valgrindRun({ command, rawDirectory }: ProfilerRequest): ProfilerRun {
  const path = resolveCommand('valgrind', process.env, process.cwd());
  return {
    command: [
      path,
      '--tool=dhat',
      '--trace-children=yes',
      `--num-callers=${STACK_DEPTH}`,
      `--dhat-out-file=${escapePercent(rawDirectory)}/dhat.%p.json`,
      // Else its words stand among those of the target.
      `--log-file=${escapePercent(rawDirectory)}/valgrind.%p.log`,
      ...command,
    ],
    environment: {},
    async collect() {
      const artefacts: ProfilerArtefact[] = [];
      const processes: NonNullable<ProfilerHarvest['processes']>[number][] = [];
      const pids: number[] = [];
      for (const name of readdirSync(rawDirectory).sort()) {
        const pid = Number(/^(?:dhat|valgrind)\.(\d+)\./.exec(name)?.[1]);
        if (Number.isNaN(pid) || statSync(join(rawDirectory, name)).size === 0) continue;
        const isProfile = name.endsWith('.json');
        artefacts.push({ file: name, format: isProfile ? 'dhat' : undefined, pid, tid: 0 });
        if (isProfile) pids.push(pid);
        else processes.push(processOf(pid, readFileSync(join(rawDirectory, name), 'utf8')));
      }
      const why =
        'Valgrind wrote no profile of it: it was killed (SIGKILL), or may not be watched (set-user-ID, another architecture)';
      // The process table shows Valgrind's own words in the place of the program's.
      const ownPids = processes.map(({ pid }) => pid);
      return { artefacts, losses: [], processes, ownPids, profiled: { pids, why } };
    },
  };
}

/** From the header of Valgrind's log. */
function processOf(pid: number, log: string): NonNullable<ProfilerHarvest['processes']>[number] {
  const command = /^==\d+== Command: (.*)$/m.exec(log)?.[1]?.trim() ?? '';
  const parentPid = Number(/^==\d+== Parent PID: (\d+)$/m.exec(log)?.[1] ?? 0);
  return { pid, parentPid, command: command === '' ? [] : command.split(' '), startTime: '' };
}

/** `%` begins a pattern in Valgrind's file names. */
function escapePercent(path: string): string {
  return path.replaceAll('%', '%%');
}

function crateRun({ command, cwd: folder = process.cwd(), rawDirectory }: ProfilerRequest): ProfilerRun {
  const startedMs = Date.now();
  let pid = 0;
  return {
    command,
    environment: {},
    async started(started) {
      pid = started;
    },
    async collect() {
      const artefacts: ProfilerArtefact[] = [];
      for (const file of CRATE_FILES) {
        const stat = statSync(join(folder, file), { throwIfNoEntry: false });
        // File systems keep times in steps of up to two seconds.
        if (stat === undefined || stat.mtimeMs < startedMs - 2000) continue;
        copyFileSync(join(folder, file), join(rawDirectory, file));
        artefacts.push({ file, format: 'dhat', pid: pidIn(join(rawDirectory, file)) ?? pid, tid: 0 });
      }
      const why = `the program has the dhat crate in it, and left none of ${CRATE_FILES.join(', ')} in its working folder: its Profiler was not dropped (process::exit, a signal), or was given another file_name`;
      const losses: ProfilerHarvest['losses'] = artefacts.length > 0 ? [] : [{ what: 'heap profile', count: 1, why }];
      return { artefacts, losses };
    },
  };
}

/** The crate names its file in the program's own data. Scripts and what they start are not looked into. */
function hasDhatCrate({ command, cwd = process.cwd(), environment }: ProfilerRequest): boolean {
  const marks = CRATE_FILES.map(file => Buffer.from(file));
  let fd: number | undefined;
  try {
    fd = openSync(resolveCommand(command[0] ?? '', environment, cwd), 'r');
    const bytes = Buffer.alloc(1 << 20);
    // A name may lie across two pieces: the end of one is kept before the next.
    const overlap = Math.max(...marks.map(mark => mark.length));
    let kept = 0;
    for (;;) {
      const length = readSync(fd, bytes, kept, bytes.length - kept, null);
      if (length === 0) return false;
      const piece = bytes.subarray(0, kept + length);
      if (marks.some(mark => piece.includes(mark))) return true;
      kept = Math.min(overlap, piece.length);
      piece.copy(bytes, 0, piece.length - kept);
    }
  } catch {
    // What cannot be read cannot be run either, which is said when it is.
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** `"pid": 123` of the header; files are small at the front. */
function pidIn(path: string): number | undefined {
  const pid = Number(/"pid"\s*:\s*(\d+)/.exec(readFileSync(path, 'utf8').slice(0, 4096))?.[1]);
  return Number.isNaN(pid) ? undefined : pid;
}
