import { readFileSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NodeTarget, nodeTarget } from './node-target.ts';
import { type NodeTool, QUIET } from './node-tool.ts';
import type { ProfilerRequest, ProfilerRun } from './profiler.ts';

/** How one tool that starts Node programs itself is run around one. */
export interface Wrapping {
  readonly id: string;
  readonly tool: NodeTool;
  /** Words of the tool, up to the `--` behind which the target stands. */
  readonly toolArguments: (work: string) => readonly string[];
  /** For the target's Node, in front of its own words. */
  readonly nodeFlags?: readonly string[];
  /** Set for the target and what it starts, and not for the tool. */
  readonly targetEnvironment?: Readonly<Record<string, string>>;
  /** In front of what the tool has in NODE_OPTIONS. */
  readonly nodeOptions?: string;
  /** Where tick logs are kept that the tool deletes. */
  readonly keep?: string;
  /** The tool talks on standard output, where the target's own words go. */
  readonly talksOnStdout: boolean;
}

export interface WrappedRun extends Pick<ProfilerRun, 'command' | 'environment'> {
  readonly target: NodeTarget;
  /** The folder that the tool runs in. */
  readonly work: string;
  /** What the agent in the tool wrote down; undefined where it did not get to start the target. */
  note(): WrapperNote | undefined;
  targetPid(): number | undefined;
  targetExit(): Exit | undefined;
  /** Takes the tool's folder and the notes away. */
  forget(): Promise<void>;
}

type Exit = NonNullable<ReturnType<NonNullable<ProfilerRun['targetExit']>>>;

export interface WrapperNote {
  readonly toolPid: number;
  readonly pid: number;
  readonly code?: number | null;
  readonly signal?: NodeJS.Signals | null;
}

/** What the tool, but not the target, is to see: it takes standard error for a terminal otherwise, and draws spinners. */
const FOR_THE_TOOL: Readonly<Record<string, string>> = { ...QUIET, NODE_OPTIONS: '', CI: '1' };

/**
 * The command that runs the tool, in a folder of its own, around a Node target; an agent inside the tool starts the target
 * where it would have run, and writes down how it ended. Throws `usage` for a target that is not Node.
 */
export async function wrapNode(request: ProfilerRequest, wrapping: Wrapping): Promise<WrappedRun> {
  const { rawDirectory, environment, cwd = process.cwd() } = request;
  const target = nodeTarget(wrapping.id, request.command, environment, cwd);
  const work = join(rawDirectory, '.work');
  const notes = join(rawDirectory, '.target.json');
  await mkdir(work, { recursive: true });
  if (wrapping.keep !== undefined) await mkdir(wrapping.keep, { recursive: true });
  const agent = fileURLToPath(new URL('../preload/wrapper-agent.cjs', import.meta.url));
  const restored = Object.fromEntries(Object.keys(FOR_THE_TOOL).map(name => [name, environment[name] ?? null]));
  const { NODE_OPTIONS: _, ...others } = restored;
  let remembered: Exit | undefined;
  const note = (): WrapperNote | undefined => {
    try {
      return JSON.parse(readFileSync(notes, 'utf8')) as WrapperNote;
    } catch {
      return undefined;
    }
  };
  return {
    target,
    work,
    command: [
      process.execPath,
      '--require',
      agent,
      wrapping.tool.script,
      ...wrapping.toolArguments(work),
      '--',
      'node',
      ...(wrapping.nodeFlags ?? []),
      ...target.args,
    ],
    environment: {
      ...FOR_THE_TOOL,
      TPROF_WRAPPER: JSON.stringify({
        node: target.node,
        cwd,
        work,
        keep: wrapping.keep,
        notes,
        talksOnStdout: wrapping.talksOnStdout,
        nodeOptions: wrapping.nodeOptions,
        usersNodeOptions: environment.NODE_OPTIONS,
        environment: { ...others, ...wrapping.targetEnvironment },
      }),
    },
    note,
    targetPid() {
      const written = note();
      return written?.code === undefined ? written?.pid : undefined;
    },
    targetExit: () => remembered ?? exitOf(note(), rawDirectory),
    async forget() {
      remembered = exitOf(note(), rawDirectory);
      for (const name of await readdir(rawDirectory)) {
        if (name.startsWith('.signal.')) await rm(join(rawDirectory, name), { force: true });
      }
      await rm(work, { recursive: true, force: true });
      await rm(join(rawDirectory, 'children'), { recursive: true, force: true });
      await rm(notes, { force: true });
    },
  };
}

function exitOf(note: WrapperNote | undefined, rawDirectory: string): Exit | undefined {
  if (note?.code === undefined) return undefined;
  const { pid, code, signal = null } = note;
  // The tool's own listener made an exit with 0 of a signal that would have ended the program.
  const taken = code === 0 ? signalOf(rawDirectory, pid) : undefined;
  return taken === undefined ? { code, signal } : { code: null, signal: taken };
}

function signalOf(rawDirectory: string, pid: number): NodeJS.Signals | undefined {
  try {
    const text = readFileSync(join(rawDirectory, `.signal.${pid}`), 'utf8');
    return text === 'SIGINT' || text === 'SIGTERM' ? text : undefined;
  } catch {
    return undefined;
  }
}
