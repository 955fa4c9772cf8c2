import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { TPROF_VERSION } from './version.ts';

/** Makes one command; each file in `commands/` exports one such function, and the list below has one line for it. */
export type CommandFactory = (context: CliContext) => Command;

/** Commands by name. Each is loaded when it is called: starting costs what the one command needs. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandFactory>>> = {
  'async-tasks': async () => (await import('./commands/async-tasks.ts')).asyncTasksCommand,
  attach: async () => (await import('./commands/attach.ts')).attachCommand,
  breakdown: async () => (await import('./commands/breakdown.ts')).breakdownCommand,
  convert: async () => (await import('./commands/convert.ts')).convertCommand,
  'critical-path': async () => (await import('./commands/critical-path.ts')).criticalPathCommand,
  diff: async () => (await import('./commands/diff.ts')).diffCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  e2e: async () => (await import('./commands/e2e.ts')).e2eCommand,
  flame: async () => (await import('./commands/flame.ts')).flameCommand,
  formats: async () => (await import('./commands/formats.ts')).formatsCommand,
  list: async () => (await import('./commands/list.ts')).listCommand,
  prune: async () => (await import('./commands/prune.ts')).pruneCommand,
  receive: async () => (await import('./commands/receive.ts')).receiveCommand,
  record: async () => (await import('./commands/record.ts')).recordCommand,
  report: async () => (await import('./commands/report.ts')).reportCommand,
  tickets: async () => (await import('./commands/tickets.ts')).ticketsCommand,
  view: async () => (await import('./commands/view.ts')).viewCommand,
};

/**
 * The command line for these words: with the command that they begin with, or with all of them where they ask for help
 * or name none. commander prints help and usage errors itself and throws instead of exiting.
 */
export async function createProgram(context: CliContext, words: readonly string[]): Promise<Command> {
  const program = new Command('tprof')
    .description('Profile a distributed workflow system, join the profile with its spans, and say where the time went.')
    .version(TPROF_VERSION, '-V, --version')
    .enablePositionalOptions()
    .showHelpAfterError('(tprof --help lists the commands)');
  const asked = Object.hasOwn(COMMANDS, words[0] ?? '') ? COMMANDS[words[0] ?? ''] : undefined;
  // The version needs none of them.
  const needed =
    asked !== undefined ? [asked] : words[0] === '--version' || words[0] === '-V' ? [] : Object.values(COMMANDS);
  for (const load of needed) program.addCommand((await load())(context));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: text => context.stdout.write(text),
      writeErr: text => context.stderr.write(text),
    });
  }
  return program;
}
