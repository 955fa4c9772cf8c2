import { parseRows, type Rows } from '../../analyzers/lifecycle/evidence/rows.ts';
import type { ServerStatement } from '../../analyzers/server-times.ts';
import { readStatementTimes } from '../../collectors/postgres-statement-times.ts';
import { asTprofError, readPostgresTables } from '../../collectors/postgres-tables.ts';
import { PostgresConnection } from '../../collectors/probes/postgres-connection.ts';
import type { CaptureManifest } from '../model/capture.ts';
import { lastDocument } from '../model/series.ts';
import { readCaptureSeries } from './capture-series.ts';

/** What the orchestrator's own database adds to a recording. */
export interface DatabaseEvidence {
  readonly rows: Rows | undefined;
  readonly schema: string | undefined;
  readonly missingTasks: number;
  readonly statements: ServerStatements | undefined;
  /** Why there are no statements. */
  readonly statementsMissing: { readonly why: string; readonly hint: string } | undefined;
}

export interface ServerStatements {
  readonly list: readonly ServerStatement[];
  /** What was counted, in words for a reader. */
  readonly counted: string;
}

/** Rows of `tasks` and the server's times. `wantsRows`: false where tables were given as a file. Throws TprofError. */
export async function readDatabase(
  url: string,
  tasks: readonly string[],
  wantsRows: boolean,
  onRead: (done: number) => void,
): Promise<DatabaseEvidence> {
  const connection = new PostgresConnection(url, '--postgres');
  try {
    const tables = wantsRows ? await readPostgresTables(connection, tasks, onRead) : undefined;
    const times = await readStatementTimes(connection).catch(error => {
      throw asTprofError(error);
    });
    return {
      rows: tables === undefined ? undefined : parseRows('--postgres', tables.document),
      schema: tables?.schema,
      missingTasks: tables?.missingTasks ?? 0,
      ...('why' in times
        ? { statements: undefined, statementsMissing: times }
        : {
            statementsMissing: undefined,
            statements: {
              list: times.statements.map(({ query, calls, totalMs }) => ({ query, calls, totalNs: totalMs * 1e6 })),
              counted: times.since === undefined ? 'since its statistics began' : `all since ${times.since}`,
            },
          }),
    };
  } finally {
    await connection.close();
  }
}

/** The server's times that a recording's own probe has read; undefined where there was none, or no such extension. */
export async function recordedStatements(
  captures: readonly { readonly directory: string; readonly manifest: CaptureManifest }[],
): Promise<ServerStatements | undefined> {
  const list: ServerStatement[] = [];
  for (const { directory, manifest } of captures) {
    const { sources } = await readCaptureSeries(directory, manifest);
    for (const source of sources) {
      const document = lastDocument(source, 'statements')?.value as
        | { readonly statements?: readonly { query: string; calls: number; totalMs: number }[] }
        | undefined;
      for (const { query, calls, totalMs } of document?.statements ?? [])
        list.push({ query, calls, totalNs: totalMs * 1e6 });
    }
  }
  return list.length === 0 ? undefined : { list, counted: 'during the recording' };
}
