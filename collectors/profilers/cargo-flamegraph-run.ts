import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveCommand } from '../resolve-command.ts';
import { exitNote } from './exit-note.ts';
import { FLAMEGRAPH_PICTURE, FLAMEGRAPH_SECONDS } from './flamegraph.ts';
import { noteOwnPid, readOwnPids } from './own-process.ts';
import { recordOptions } from './perf.ts';
import { collectPerfFiles } from './perf-collect.ts';
import type { ProfilerRequest, ProfilerRun } from './profiler.ts';
import { runtimeNames } from './runtime-names.ts';

const DATA_FILE = 'perf.data';

/**
 * cargo-flamegraph around its target, which it builds and finds. The `perf` that it calls (it is named by PERF) is a
 * script of ours: it records with tprof's options to where tprof looks for it, notes how the target ended, which
 * cargo-flamegraph swallows, and bounds the text step. perf is in front of the target here, and sends it a SIGTERM
 * after a Ctrl-C. `words` are the tool's own, `rest` what follows its options.
 */
export async function cargoFlamegraphRun(
  request: ProfilerRequest,
  words: readonly string[],
  rest: readonly string[],
): Promise<ProfilerRun> {
  const recorder = resolveCommand('perf', process.env, process.cwd());
  const { options, losses } = recordOptions(request);
  const note = exitNote(request.rawDirectory, request.environment);
  const script = join(request.rawDirectory, '.perf.sh');
  const pids = join(request.rawDirectory, '.pids');
  const data = join(request.rawDirectory, DATA_FILE);
  const record = [recorder, 'record', ...options, '-o', data];
  writeFileSync(script, scriptText({ record, notes: note.prefix, recorder, data, pids }));
  chmodSync(script, 0o755);
  // `--cmd record`: what follows is ours. Looking up inlined calls is what makes `perf script` slow.
  const own = [
    '--cmd',
    'record',
    '--no-inline',
    '--ignore-status',
    '-o',
    join(request.rawDirectory, FLAMEGRAPH_PICTURE),
  ];
  const startedMs = Date.now();
  const ownPids: number[] = [];
  return {
    command: [...words, ...own, ...rest],
    environment: { ...runtimeNames(request.environment), PERF: script },
    async started(pid) {
      ownPids.push(pid);
    },
    targetPid: note.targetPid,
    targetExit: note.exit,
    async collect() {
      const shell = note.shellPid();
      const own = [...ownPids, ...readOwnPids(pids), ...(shell === undefined ? [] : [shell])];
      note.forget();
      for (const file of [script, pids]) rmSync(file, { force: true });
      const folder = request.cwd ?? process.cwd();
      const harvest = await collectPerfFiles(request.rawDirectory, DATA_FILE, startedMs, folder);
      const isDrawn = existsSync(join(request.rawDirectory, FLAMEGRAPH_PICTURE));
      const picture = { file: FLAMEGRAPH_PICTURE, format: undefined, pid: 0, tid: 0 };
      const why = `cargo-flamegraph did not draw it: there were no samples, its perf script took over ${FLAMEGRAPH_SECONDS} s, or it was stopped; tprof draws its own`;
      return {
        ...harvest,
        artefacts: [...harvest.artefacts, ...(isDrawn ? [picture] : [])],
        losses: [...losses, ...harvest.losses, ...(isDrawn ? [] : [{ what: FLAMEGRAPH_PICTURE, count: 1, why }])],
        ownPids: own,
      };
    },
  };
}

interface ScriptParts {
  readonly record: readonly string[];
  readonly notes: readonly string[];
  readonly recorder: string;
  readonly data: string;
  /** Takes the pids of what is run for the tool, and is no part of the target. */
  readonly pids: string;
}

/** Called as `record -o FILE TARGET…` and as `script … -i FILE`. */
function scriptText({ record, notes, recorder, data, pids }: ScriptParts): string {
  const line = (words: readonly string[]): string => words.map(quote).join(' ');
  const own = noteOwnPid(pids);
  return `#!/bin/sh
unset PERF
echo $$ >>${quote(pids)}
case $1 in
record)
  shift 3
  exec ${line([...notes, ...own, ...record])} -- "$@"
  ;;
script)
  limit=
  if command -v timeout >/dev/null; then limit='timeout -s INT ${FLAMEGRAPH_SECONDS}'; fi
  exec $limit ${line([...own, recorder, 'script', '--force', '--no-inline', '-i', data])}
  ;;
*) exec ${line([recorder])} "$@" ;;
esac
`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
