import { TprofError } from '../../src/base/errors.ts';
import { resolveCommand } from '../resolve-command.ts';
import { cargoFlamegraphRun } from './cargo-flamegraph-run.ts';
import { checkFlamegraph } from './flamegraph.ts';
import type { Profiler } from './profiler.ts';

/** Words of cargo before which a target is chosen, which cargo-flamegraph chooses by the same options. */
const BUILDS = ['run', 'test', 'bench', 'flamegraph'];

/**
 * `cargo flamegraph` in place of `cargo run`, `cargo test` or `cargo bench`: it builds, finds the program and runs it
 * under perf. What cargo itself does is not in the profile.
 */
export const cargoFlamegraph: Profiler = {
  id: 'cargo-flamegraph',
  title: 'cargo flamegraph: builds a cargo target, and records it as flamegraph does',
  measures: ['cpu', 'off-cpu'],
  platforms: ['linux'],
  runtimes: ['native'],
  attaches: false,
  options: ['frequency', 'call-graph', 'event', 'children'],

  check: () => checkFlamegraph('cargo-flamegraph', ['flamegraph', '--version']),

  async prepare(request) {
    const path = resolveCommand('cargo-flamegraph', process.env, process.cwd());
    return cargoFlamegraphRun(request, [path, 'flamegraph'], cargoFlamegraphWords(request.command));
  },
};

/** `cargo run --release --bin x -- a` → `--release --bin x -- a`. Throws `usage` for what is no cargo command. */
export function cargoFlamegraphWords(command: readonly string[]): string[] {
  const [program = '', ...words] = command;
  const at = words.findIndex(word => !word.startsWith('+'));
  const verb = words[at] ?? '';
  if (program.split('/').at(-1) !== 'cargo' || !BUILDS.includes(verb)) {
    throw new TprofError('usage', `cargo-flamegraph runs a cargo target, and was given: ${command.join(' ')}`, {
      hint: 'tprof record --profiler cargo-flamegraph -- cargo run --bin NAME; for a program that is built: --profiler flamegraph',
    });
  }
  // It has no option for the silence of a build.
  const all = words.slice(at + 1);
  const target = all.indexOf('--');
  const rest = all.filter((word, i) => (target !== -1 && i > target) || (word !== '--quiet' && word !== '-q'));
  const end = rest.indexOf('--');
  const chosen = rest.slice(0, end === -1 ? rest.length : end);
  const names = (option: string): boolean => chosen.some(word => word === option || word.startsWith(`${option}=`));
  if (verb === 'test' && !names('--test') && !names('--unit-test')) {
    // `cargo test` without a name runs every test program, one after the other; flamegraph runs one.
    return ['--unit-test', ...rest.filter(word => word !== '--lib')];
  }
  if (verb === 'bench' && !names('--bench') && !names('--unit-bench')) {
    throw new TprofError('usage', 'cargo-flamegraph runs one benchmark, and none is named', {
      hint: 'tprof record --profiler cargo-flamegraph -- cargo bench --bench NAME',
    });
  }
  return rest;
}
