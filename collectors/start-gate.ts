import { withOddVariables } from './odd-variables.ts';
import { readProcessStat } from './process-table.ts';

/** Stops itself, and becomes the target when it is let go on. */
const SCRIPT = 'kill -STOP $$; exec "$@"';
/** Behind it, how many words stand before those of the command. */
const NAME = 'tprof-gate:';
const SHELL: readonly string[] = ['/bin/sh', '-c', SCRIPT];
const POLL_MS = 2;

/**
 * Words in front of a command that has to wait until a tool beside it is ready. The target keeps the pid, and with it
 * terminal, group and exit: nothing stands between it and tprof.
 */
export function behindGate(
  command: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const odd = withOddVariables(environment);
  return [...SHELL, `${NAME}${odd.length}`, ...odd, ...command];
}

/** The command without the gate in front of it, where there is one. */
export function withoutGate(command: readonly string[]): readonly string[] {
  const [, , script, name = ''] = command;
  if (script !== SCRIPT || !name.startsWith(NAME)) return command;
  return command.slice(SHELL.length + 1 + Number(name.slice(NAME.length)));
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
