import { Command } from 'commander';
import { attachCommand } from './commands/attach.ts';
import { breakdownCommand } from './commands/breakdown.ts';
import { convertCommand } from './commands/convert.ts';
import { criticalPathCommand } from './commands/critical-path.ts';
import { diffCommand } from './commands/diff.ts';
import { doctorCommand } from './commands/doctor.ts';
import { e2eCommand } from './commands/e2e.ts';
import { flameCommand } from './commands/flame.ts';
import { formatsCommand } from './commands/formats.ts';
import { listCommand } from './commands/list.ts';
import { pruneCommand } from './commands/prune.ts';
import { receiveCommand } from './commands/receive.ts';
import { recordCommand } from './commands/record.ts';
import { reportCommand } from './commands/report.ts';
import { viewCommand } from './commands/view.ts';
import type { CliContext } from './context.ts';
import { TPROF_VERSION } from './version.ts';

/** Makes one command; each file in `commands/` exports one such function, and this list has one line for it. */
export type CommandFactory = (context: CliContext) => Command;

const COMMANDS: readonly CommandFactory[] = [
  attachCommand,
  breakdownCommand,
  convertCommand,
  criticalPathCommand,
  diffCommand,
  doctorCommand,
  e2eCommand,
  flameCommand,
  formatsCommand,
  listCommand,
  pruneCommand,
  receiveCommand,
  recordCommand,
  reportCommand,
  viewCommand,
];

/** The whole command line. commander prints help and usage errors itself and throws instead of exiting. */
export function createProgram(context: CliContext): Command {
  const program = new Command('tprof')
    .description('Profile a distributed workflow system, join the profile with its spans, and say where the time went.')
    .version(TPROF_VERSION, '-V, --version')
    .enablePositionalOptions()
    .showHelpAfterError('(tprof --help lists the commands)');
  for (const make of COMMANDS) program.addCommand(make(context));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: text => context.stdout.write(text),
      writeErr: text => context.stderr.write(text),
    });
  }
  return program;
}
