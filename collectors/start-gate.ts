import { readProcessStat } from './process-table.ts';

/** Stops itself, and becomes the target when it is let go on. */
const SCRIPT = 'kill -STOP $$; exec "$@"';
const NAME = 'tprof-gate';
const PREFIX: readonly string[] = ['/bin/sh', '-c', SCRIPT, NAME];
const POLL_MS = 2;

/**
 * Words in front of a command that has to wait until a tool beside it is ready. The target keeps the pid, and with it
 * terminal, group and exit: nothing stands between it and tprof.
 */
export function behindGate(command: readonly string[]): readonly string[] {
  return [...PREFIX, ...command];
}

/** The command without the gate in front of it, where there is one. */
export function withoutGate(command: readonly string[]): readonly string[] {
  return command[3] === NAME && command[2] === SCRIPT ? command.slice(PREFIX.length) : command;
}

/** Resolves when the process waits at the gate, or is none any more. */
export async function reachedGate(pid: number): Promise<void> {
  for (;;) {
    const state = readProcessStat(pid)?.state;
    if (state === undefined || state === 'T' || state === 'Z') return;
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}

/** Lets the process that waits at the gate become the target. */
export function openGate(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // A Ctrl-C has ended it.
  }
}
