import { spawn } from 'node:child_process';
import type { ProcessId } from './process-table.ts';

/**
 * Runs in a session of its own, so that no signal for the terminal's programs reaches it, and reads a pipe whose other
 * end tprof holds. `done` ends it; the end of the pipe without it means that tprof was killed: then the workload is
 * asked to end, and three seconds later made to. Whose processes are the workload's is known by the mark in their
 * environment, by pid and start time of those that tprof saw, and by being a child of one of them: never by name,
 * group or pid alone.
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT
known=' '
while read -r pid start; do
  if [ "$pid" = done ]; then exit 0; fi
  known="$known$pid:$start "
done
collect() {
  found=' '
  for file in $(grep -lsF "$1" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    found="$found\${pid%/environ} "
  done
  grown=1
  while [ $grown = 1 ]; do
    grown=0
    for folder in /proc/[0-9]*; do
      pid=\${folder#/proc/}
      case "$found" in *" $pid "*) continue;; esac
      line=''
      { read -r line < $folder/stat; } 2>/dev/null
      fields=\${line##*) }
      set -- $fields
      if [ $# -lt 20 ] || [ "$1" = Z ]; then continue; fi
      parent=$2
      shift 19
      case "$known" in *" $pid:$1 "*) found="$found$pid "; grown=1; continue;; esac
      case "$found" in *" $parent "*) found="$found$pid "; grown=1;; esac
    done
  done
}
mark=$1
collect "$mark"
if [ "$found" = ' ' ]; then exit 0; fi
kill -TERM $found 2>/dev/null
kill -CONT $found 2>/dev/null
round=0
while [ $round -lt 11 ]; do
  sleep 0.25
  collect "$mark"
  if [ "$found" = ' ' ]; then exit 0; fi
  round=$((round + 1))
done
while [ $round -lt 21 ]; do
  kill -KILL $found 2>/dev/null
  sleep 0.1
  collect "$mark"
  if [ "$found" = ' ' ]; then exit 0; fi
  round=$((round + 1))
done
`;

export interface Watchdog {
  /** A process of the workload that may lose its mark and its parent later. */
  knows(id: ProcessId): void;
  /** The workload has ended in good order: nothing is left to do. */
  dismiss(): void;
}

/** Starts the watchdog over all processes whose environment holds `mark` (`NAME=value`). Needs /proc; else does nothing. */
export function startWatchdog(mark: string): Watchdog {
  if (process.platform !== 'linux') return { knows() {}, dismiss() {} };
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'tprof-watchdog', mark], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    cwd: '/',
  });
  // A missing /bin/sh, or a watchdog that someone ended: recording goes on without it.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  return {
    knows: ({ pid, startTime }) => child.stdin.write(`${pid} ${startTime}\n`),
    dismiss: () => child.stdin.end('done\n'),
  };
}
