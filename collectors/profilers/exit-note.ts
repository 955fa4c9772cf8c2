import { readFileSync, rmSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { withOddVariables } from '../odd-variables.ts';
import { readProcessTable } from '../process-table.ts';

/**
 * Runs the words behind $1 as its own foreground child and writes down how that ended. A shell says `Killed` or
 * `Segmentation fault` to standard error where a signal ended the child, which is how 137 by a signal is told from a
 * program's own `exit(137)`; the subshell keeps that apart from the child's own words. Signals are caught, so that the
 * shell outlives its child, which starts with their defaults.
 */
const SCRIPT = `
note=$1
shift
trap : INT TERM HUP QUIT
echo $$ >"$note.pid"
exec 3>&2 2>"$note.words"
(exec 2>&3 3>&-; exec "$@")
code=$?
echo $code >"$note"
exit $code
`;

/** How a target ended, where the tool that starts it exits with 0 whatever happened. */
export interface ExitNote {
  /** Words that go in front of the target's own. */
  readonly prefix: readonly string[];
  /** Undefined where the target did not end, or was never started. Known also after `forget`. */
  exit(): { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  /** The target while it runs. */
  targetPid(): number | undefined;
  /** The shell in between, which is no part of what is recorded. */
  shellPid(): number | undefined;
  /** Removes what it wrote. */
  forget(): void;
}

/** Keeps its notes in `directory`, which is absolute; `environment` is that of the target. */
export function exitNote(directory: string, environment: Readonly<Record<string, string | undefined>>): ExitNote {
  const note = join(directory, '.exit');
  const shellPid = (): number | undefined => {
    const pid = Number.parseInt(read(`${note}.pid`), 10);
    return Number.isNaN(pid) ? undefined : pid;
  };
  let known: ReturnType<ExitNote['exit']>;
  const exit = (): typeof known => {
    known ??= readExit(note);
    return known;
  };
  return {
    prefix: ['/bin/sh', '-c', SCRIPT, 'tprof-target', note, ...withOddVariables(environment)],
    shellPid,
    exit,
    targetPid() {
      const shell = shellPid();
      return shell === undefined ? undefined : readProcessTable().find(({ parentPid }) => parentPid === shell)?.pid;
    },
    forget() {
      exit();
      for (const end of ['', '.pid', '.words']) rmSync(`${note}${end}`, { force: true });
    },
  };
}

function readExit(note: string): ReturnType<ExitNote['exit']> {
  const code = Number.parseInt(read(note), 10);
  if (Number.isNaN(code)) return undefined;
  const signal = signalOf(code - 128);
  // It keeps silent about the two that people send from the keyboard or by closing a pipe.
  const silent = signal === 'SIGINT' || signal === 'SIGPIPE';
  const killed = signal !== undefined && (silent || (sizeOf(`${note}.words`) ?? 0) > 0);
  return killed ? { code: null, signal } : { code, signal: null };
}

/** Of a shell's exit status less 128. */
export function signalOf(number: number): NodeJS.Signals | undefined {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] as NodeJS.Signals | undefined;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}
