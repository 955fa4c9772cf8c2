import { readFileSync } from 'node:fs';

/**
 * Words in front of a tool that the target's wrapper starts: its pid goes to `file`, so that it is told from the
 * processes of the target. The tool takes the shell's place.
 */
export function noteOwnPid(file: string): readonly string[] {
  return ['/bin/sh', '-c', 'echo $$ >>"$0"; exec "$@"', file];
}

/** The pids that were noted; none where there is no such file. */
export function readOwnPids(file: string): number[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap(line => (line === '' ? [] : [Number(line)]));
  } catch {
    return [];
  }
}
