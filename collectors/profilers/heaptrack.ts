// https://github.com/KDE/heaptrack
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  createWriteStream,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { TprofError } from '../../src/base/errors.ts';
import { resolveCommand } from '../resolve-command.ts';
import type { Profiler, ProfilerHarvest } from './profiler.ts';
import { toolVersion } from './tool-version.ts';

const FILE = 'heaptrack.zst';
const INSTALL = 'sudo apt-get install heaptrack (Debian, Ubuntu), sudo dnf install heaptrack (Fedora)';
/** What is still in the pipe when the target has ended has to be resolved: symbols of a large program take time. */
const DRAIN_MS = 120_000;

/**
 * heaptrack's recorder in the target, and its interpreter beside it. Its own start script is left out: it writes to the
 * target's standard output, dies of Ctrl-C, and opens a window at the end where its viewer is installed.
 */
export const heaptrack: Profiler = {
  id: 'heaptrack',
  title: 'heaptrack: every allocation of a native program with its stack',
  measures: ['heap'],
  platforms: ['linux'],
  runtimes: ['native'],
  attaches: false,
  options: [],
  distorts: 'heaptrack takes a stack at every allocation, which costs time in what allocates most',

  async check() {
    const found = await toolVersion('heaptrack', ['--version'], INSTALL);
    if (!found.usable) return found;
    const { recorder, interpreter } = partsOf(found.path);
    const missing = [recorder, interpreter].find(file => statSync(file, { throwIfNoEntry: false }) === undefined);
    if (missing === undefined) return found;
    return { usable: false, reason: `heaptrack is there, and ${missing} is not`, hint: INSTALL };
  },

  async prepare(request) {
    const { recorder, interpreter } = partsOf(resolveCommand('heaptrack', process.env, process.cwd()));
    const env = resolveCommand('env', process.env, process.cwd());
    // In the capture, which is taken away again where the recording cannot begin.
    const pipe = join(request.rawDirectory, '.pipe');
    try {
      execFileSync('mkfifo', ['-m', '600', pipe]);
    } catch (error) {
      throw new TprofError(
        'run-cannot-begin',
        `no pipe can be made in ${request.rawDirectory}: ${(error as Error).message}`,
        {
          hint: 'tprof record -o /some/local/folder …',
        },
      );
    }
    const output = join(request.rawDirectory, FILE);
    let reader: Reader | undefined;
    const preload = request.environment.LD_PRELOAD;
    let pid = 0;
    return {
      // Not through the environment of the run: the recorder is for the target alone, not for a tool in front of it.
      command: [
        env,
        `LD_PRELOAD=${preload === undefined || preload === '' ? recorder : `${recorder}:${preload}`}`,
        `DUMP_HEAPTRACK_OUTPUT=${pipe}`,
        ...request.command,
      ],
      environment: {},
      // The recorder waits for a reader when it opens the pipe.
      async started(started) {
        pid = started;
        reader = interpret(interpreter, pipe, output);
      },
      async collect(): Promise<ProfilerHarvest> {
        const failure = await reader?.drained(pipe);
        rmSync(pipe, { force: true });
        const losses: ProfilerHarvest['losses'][number][] = [];
        if (failure !== undefined) losses.push({ what: 'end of the heap profile', count: 1, why: failure });
        if (reader?.hasRecording() === true) {
          const profiled = { pids: [pid], why: CHILDREN };
          return { artefacts: [{ file: FILE, format: 'heaptrack', pid, tid: 0 }], losses, profiled };
        }
        rmSync(output, { force: true });
        const why =
          'heaptrack saw no allocation: the program was killed, leaves by _exit (shells do), is statically linked or set-user-ID';
        return { artefacts: [], losses: [...losses, { what: 'heap profile', count: 1, why }] };
      },
    };
  },
};

const CHILDREN = 'heaptrack follows the program that is started, not what that starts; --profiler dhat does';

/** The script names its parts relative to its own folder, which distributions change. */
function partsOf(script: string): { readonly recorder: string; readonly interpreter: string } {
  const path = realpathSync(script);
  const text = readFileSync(path, 'latin1');
  const folder = (name: string, usual: string): string =>
    resolve(dirname(path), new RegExp(`^${name}="([^"]+)"`, 'm').exec(text)?.[1] ?? usual);
  return {
    recorder: join(folder('LIB_REL_PATH', '../lib/heaptrack'), 'libheaptrack_preload.so'),
    interpreter: join(folder('LIBEXEC_REL_PATH', '../lib/heaptrack/libexec'), 'heaptrack_interpret'),
  };
}

interface Reader {
  /** Waits until everything is resolved and written. Gives the reason where it is not whole. */
  drained(pipe: string): Promise<string | undefined>;
  /** Whether there is a recording at all: the interpreter has words of its own even about nothing. */
  hasRecording(): boolean;
}

/** Resolves addresses while the target runs, as heaptrack's script does, and packs the result. */
function interpret(interpreter: string, pipe: string, output: string): Reader {
  // A group of its own: Ctrl-C is for the target. The shell waits for the target to open the pipe.
  const child: ChildProcess = spawn('/bin/sh', ['-c', 'exec "$0" <"$1"', interpreter, pipe], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  let first: number | undefined;
  let failure: string | undefined;
  child.stdout?.on('data', (piece: Buffer) => {
    first ??= piece[0];
  });
  const ended = new Promise<void>(done => {
    child.once('error', error => {
      failure = error.message;
      done();
    });
    child.once('close', (code, signal) => {
      if (code !== 0) failure ??= `heaptrack_interpret ended with ${signal ?? code}`;
      done();
    });
  });
  const written = pipeline(
    child.stdout as NodeJS.ReadableStream,
    createZstdCompress(),
    createWriteStream(output),
  ).catch((error: Error) => {
    failure ??= error.message;
  });
  return {
    hasRecording: () => first === 'v'.charCodeAt(0),
    async drained(path) {
      // Again and again: the reader may be about to open it.
      const ending = setInterval(() => endOf(path), 50);
      endOf(path);
      const timer = setTimeout(() => {
        failure ??= 'a process that the target left behind kept the recording open';
        child.kill('SIGKILL');
      }, DRAIN_MS);
      await Promise.all([ended, written]);
      clearTimeout(timer);
      clearInterval(ending);
      return failure;
    },
  };
}

/** Opens and closes the pipe for writing: a target that never did leaves its reader waiting for it. */
function endOf(pipe: string): void {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch {
    // Nobody reads any more.
  }
}
