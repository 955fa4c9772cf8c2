// https://node-postgres.com/apis/client
import type { Client as PgClient, QueryResultRow } from 'pg';
import { connectionFailure } from './failure-words.ts';
import { ProbeFailure } from './probe.ts';
import { describeTarget, parseTargetUrl } from './target-url.ts';

const CONNECT_MS = 3000;
const STATEMENT_MS = 2000;
/** Our own connections: left out of what is counted. */
export const PROBE_APPLICATION = 'tprof-probe';

/** One connection that is opened when it is needed, and again after it was lost. */
export class PostgresConnection {
  readonly target: Readonly<Record<string, string | number>>;
  readonly #url: string;
  #client: PgClient | undefined;
  /** Counts connections: what was learnt of a server before does not hold for the next one. */
  generation = 0;

  /** Throws `TprofError` (`usage`). */
  constructor(url: string, flag: string) {
    const parsed = parseTargetUrl(url, flag, ['postgres', 'postgresql'], 'postgresql://user@host:5432/database');
    const socket = /^postgres(?:ql)?:\/\/(?:[^@/]*@)?%2F/i.test(url);
    const database = decodeURIComponent(parsed.pathname.slice(1));
    this.target = {
      ...describeTarget(parsed, 5432),
      ...(socket ? { 'server.address': 'localhost', 'network.transport': 'unix' } : {}),
      ...(database === '' ? {} : { 'db.namespace': database }),
    };
    this.#url = url;
  }

  /** Runs one statement. Throws `ProbeFailure`; the next call connects anew. */
  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    try {
      this.#client ??= await this.#connect();
      return (await this.#client.query<Row>(text, [...values])).rows;
    } catch (error) {
      const failure = connectionFailure(error);
      // A statement that the server refuses leaves the connection as it was.
      if (!isRefusal(error)) await this.close();
      throw failure;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  async #connect(): Promise<PgClient> {
    const { Client } = await loadPg();
    const client = new Client({
      connectionString: this.#url,
      application_name: PROBE_APPLICATION,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: STATEMENT_MS + 500,
      statement_timeout: STATEMENT_MS,
      // When connecting, not by SET: a pooler would hand what was set on to the workload's own sessions.
      options: '-c lock_timeout=200 -c jit=off -c default_transaction_read_only=on',
    });
    // A connection that breaks fails the next statement; the event says nothing more.
    client.on('error', () => {});
    client.once('end', () => {
      if (this.#client === client) this.#client = undefined;
    });
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.generation++;
    return client;
  }
}

/** The driver is an optional dependency. */
export async function loadPg(): Promise<Pick<typeof import('pg'), 'Client'>> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new ProbeFailure('the package pg is not installed', { hint: 'npm install pg', cause });
  }
}

function isRefusal(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return severity === 'ERROR' && typeof code === 'string' && !/^(57P|08)/.test(code);
}
