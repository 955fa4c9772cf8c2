import { TprofError } from '../../src/base/errors.ts';
import { resolveCommand } from '../resolve-command.ts';
import { runTool } from './perf-tool.ts';
import type { ProfilerStatus } from './profiler.ts';

/** Looks for a tool in PATH and asks it for its version: what `check` of most profilers begins with. */
export async function toolVersion(name: string, args: readonly string[], install: string): Promise<ProfilerStatus> {
  let path: string;
  try {
    path = resolveCommand(name, process.env, process.cwd());
  } catch (error) {
    const reason =
      error instanceof TprofError && error.code === 'run-not-executable'
        ? `${name} is there and may not be executed`
        : `${name} is not installed`;
    return { usable: false, reason, hint: install };
  }
  const { code, stdout, stderr } = await runTool(path, args);
  // Version managers leave commands that only say that the tool is not there.
  const version = /\d+\.\d+[\w.+-]*/.exec(`${stdout}\n${stderr}`)?.[0];
  if (code !== 0 || version === undefined) {
    const said = (stderr || stdout).trim().split('\n')[0] ?? '';
    return { usable: false, reason: `${name} ${args.join(' ')} failed: ${said}`, hint: install };
  }
  return { usable: true, version, path };
}
