// https://github.com/flamegraph-rs/flamegraph
import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TprofError } from '../../src/base/errors.ts';
import { resolveCommand } from '../resolve-command.ts';
import { exitNote } from './exit-note.ts';
import { noteOwnPid, readOwnPids } from './own-process.ts';
import { perf, recordOptions } from './perf.ts';
import { collectPerfFiles } from './perf-collect.ts';
import { startTool, type ToolHandle } from './perf-tool.ts';
import type { ProfilerRequest, ProfilerRun, ProfilerStatus } from './profiler.ts';
import { runtimeNames } from './runtime-names.ts';
import { toolVersion } from './tool-version.ts';

const DATA_FILE = 'perf.data';
const PICTURE = 'flamegraph.svg';
/** How long its `perf script` may take: by hand, people have waited 40 minutes for it. We read perf.data ourselves. */
const SCRIPT_SECONDS = 60;

/** flamegraph-rs draws what perf records: both have to be there. */
export async function checkFlamegraph(id: string, args: readonly string[]): Promise<ProfilerStatus> {
  const found = await toolVersion(id, args, 'cargo install flamegraph');
  if (!found.usable) return found;
  const recorder = await perf.check();
  if (!recorder.usable) return { ...recorder, reason: `it records with perf: ${recorder.reason}` };
  return recorder.note === undefined ? found : { ...found, note: recorder.note };
}

/**
 * flamegraph or cargo-flamegraph around its target. The `perf` that it calls (it is named by PERF) is a script of ours:
 * it records with tprof's options to where tprof looks for it, notes how the target ended, which flamegraph swallows, and
 * bounds the text step. `words` are those of the tool, up to where its options may stand; `rest` what follows them.
 */
export async function flamegraphRun(
  request: ProfilerRequest,
  words: readonly [string, ...string[]],
  rest: readonly string[],
): Promise<ProfilerRun> {
  const recorder = resolveCommand('perf', process.env, process.cwd());
  const { options, losses } = recordOptions(request);
  const note = exitNote(request.rawDirectory);
  const script = join(request.rawDirectory, '.perf.sh');
  const pids = join(request.rawDirectory, '.pids');
  const record = [recorder, 'record', ...options, '-o', join(request.rawDirectory, DATA_FILE)];
  const text = scriptText({ record, notes: note.prefix, recorder, data: join(request.rawDirectory, DATA_FILE), pids });
  writeFileSync(script, text);
  chmodSync(script, 0o755);
  const attaching = request.pids.length > 0;
  // `--cmd record`: what follows is ours. Inlined calls are what makes `perf script` slow.
  const own = ['--cmd', 'record', '--no-inline', '--ignore-status', '-o', join(request.rawDirectory, PICTURE)];
  const startedMs = Date.now();
  const ownPids: number[] = [];
  let tool: ToolHandle | undefined;
  let exit: ReturnType<typeof note.exit>;
  const targetExit = (): typeof exit => {
    exit ??= attaching ? undefined : note.exit();
    return exit;
  };
  return {
    command: attaching ? request.command : [...words, ...own, ...rest],
    environment: attaching ? {} : { ...runtimeNames(request.environment), PERF: script },
    async started(pid) {
      if (!attaching) {
        ownPids.push(pid);
        return;
      }
      const [path, ...args] = words;
      tool = startTool(path, [...args, ...own, '--pid', request.pids.join(',')], {
        environment: { ...process.env, PERF: script },
      });
      const started = tool;
      await started.ready(
        () => (statSync(join(request.rawDirectory, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0) > 0,
      );
      if (!started.ended()) return;
      throw new TprofError(
        'run-cannot-begin',
        `${words[0]} refuses to attach: ${started.said().trim().split('\n')[0]}`,
        {
          hint: `tprof record --profiler perf --pid ${request.pids.join(',')}`,
        },
      );
    },
    async stop() {
      await tool?.stop(SCRIPT_SECONDS * 1000);
    },
    targetPid: attaching ? () => undefined : note.targetPid,
    targetExit,
    async collect() {
      targetExit();
      const own = [...ownPids, ...readOwnPids(pids)];
      note.forget();
      for (const file of [script, pids]) rmSync(file, { force: true });
      const harvest = await collectPerfFiles(request.rawDirectory, DATA_FILE, startedMs, request.cwd ?? process.cwd());
      const picture = existsSync(join(request.rawDirectory, PICTURE));
      const why = `${words[0].split('/').at(-1)} did not draw it: there were no samples, its perf script took over ${SCRIPT_SECONDS} s, or it was stopped; tprof draws its own`;
      return {
        ...harvest,
        artefacts: [...harvest.artefacts, ...(picture ? [{ file: PICTURE, format: undefined, pid: 0, tid: 0 }] : [])],
        losses: [...losses, ...harvest.losses, ...(picture ? [] : [{ what: PICTURE, count: 1, why }])],
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

/** Called as `record -o FILE (-p PIDS | TARGET…)` and as `script … -i FILE`. */
function scriptText({ record, notes, recorder, data, pids }: ScriptParts): string {
  const line = (words: readonly string[]): string => words.map(quote).join(' ');
  const own = noteOwnPid(pids);
  return `#!/bin/sh
unset PERF
echo $$ >>${quote(pids)}
case $1 in
record)
  shift 3
  case $1 in
  -p) exec ${line(record)} "$@" ;;
  *) exec ${line([...notes, ...own, ...record])} -- "$@" ;;
  esac
  ;;
script)
  limit=
  if command -v timeout >/dev/null; then limit='timeout -s INT ${SCRIPT_SECONDS}'; fi
  exec $limit ${line([...own, recorder, 'script', '--force', '--no-inline', '-i', data])}
  ;;
*) exec ${line([recorder])} "$@" ;;
esac
`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
