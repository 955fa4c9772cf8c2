import type { Command } from 'commander';
import { Option } from 'commander';
import type { CaptureFolder } from '../../../collectors/capture-folder.ts';
import {
  CONSOLE_PORT,
  type ConsoleAddress,
  parseConsoleAddress,
  TokioConsole,
} from '../../../collectors/receivers/tokio-console.ts';
import { CaptureFile, type CaptureManifest, type CaptureProcess } from '../../model/capture.ts';

export interface ConsoleOptions {
  readonly tokioConsole?: readonly ConsoleAddress[];
}

/** Adds the flag that listens to programs with a console-subscriber. */
export function withConsoleOptions(command: Command): Command {
  return command.addOption(
    new Option(
      '--tokio-console <addresses>',
      `tasks of a tokio program: its console-subscriber, HOST:PORT or :PORT (${CONSOLE_PORT} by default); comma-separated`,
    ).argParser((text: string, before: readonly ConsoleAddress[] | undefined) => [
      ...(before ?? []),
      ...text.split(',').map(parseConsoleAddress),
    ]),
  );
}

/** The consoles of a recording. */
export interface RecordConsoles {
  stop(): Promise<{
    readonly asyncTasks: NonNullable<CaptureManifest['asyncTasks']>;
    readonly losses: CaptureManifest['losses'];
    readonly processes: readonly CaptureProcess[];
  }>;
}

/** Listens at once: a program that has not begun to listen is asked again until it does. */
export async function startConsoles(folder: CaptureFolder, options: ConsoleOptions): Promise<RecordConsoles> {
  const consoles: TokioConsole[] = [];
  try {
    for (const address of distinct(options.tokioConsole ?? [])) {
      consoles.push(await TokioConsole.start(address, await folder.raw('tokio-console')));
    }
  } catch (error) {
    for (const console of consoles) await console.stop();
    throw error;
  }
  return {
    async stop() {
      const harvests = await Promise.all(consoles.map(console => console.stop()));
      return {
        asyncTasks: harvests.map(({ file, address, pid, counts }) => ({
          file: `${CaptureFile.raw}/tokio-console/${file}`,
          format: 'tokio-console',
          address,
          pid,
          ...counts,
        })),
        losses: harvests.flatMap(({ losses }) => losses),
        processes: harvests.flatMap(({ processes }) =>
          processes.map(({ pid, parentPid, command, name, startTime }) => ({
            pid,
            parentPid,
            command,
            name,
            startTime,
          })),
        ),
      };
    },
  };
}

/**
 * Where the one console of the target was asked for by address, the target is told to listen there, as
 * console-subscriber reads it; several programs of one run need addresses of their own.
 */
export function consoleEnvironment(
  options: ConsoleOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const [only, ...others] = distinct(options.tokioConsole ?? []);
  if (only === undefined || others.length > 0 || (environment.TOKIO_CONSOLE_BIND ?? '') !== '') return {};
  if (!/^(127\.|localhost$|::1$)/.test(only.host)) return {};
  const host = only.host === 'localhost' ? '127.0.0.1' : only.host;
  return { TOKIO_CONSOLE_BIND: `${host.includes(':') ? `[${host}]` : host}:${only.port}` };
}

function distinct(addresses: readonly ConsoleAddress[]): ConsoleAddress[] {
  return [...new Map(addresses.map(address => [`${address.host} ${address.port}`, address])).values()];
}
