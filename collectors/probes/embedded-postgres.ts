// https://www.postgresql.org/docs/current/storage-file-layout.html
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The address of the server that a command line of PostgreSQL (`postgres -D FOLDER …`) runs, once clients may come: from
 * the `postmaster.pid` in its folder. Undefined for other programs, and where that file may not be read.
 */
export function addressOfPostgres(
  command: readonly string[],
): { readonly host: string; readonly port: number } | undefined {
  if (!/(^|\/)(postgres|postmaster)$/.test(command[0] ?? '')) return undefined;
  const at = command.indexOf('-D');
  const folder = at === -1 ? undefined : command[at + 1];
  if (folder === undefined) return undefined;
  let lines: string[];
  try {
    lines = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const [, , , port, socketFolder, listenAddress, , status] = lines.map(line => line.trim());
  if (status !== 'ready') return undefined;
  const host = socketFolder === undefined || socketFolder === '' ? (listenAddress ?? '') : socketFolder.split(',')[0]!;
  return host === '' ? undefined : { host: host === '*' ? '127.0.0.1' : host, port: Number(port) };
}
