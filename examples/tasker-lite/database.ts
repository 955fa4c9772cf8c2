import pg from 'pg';
import { nowMs } from './clock.ts';
import { type Slowness, slowStatement } from './slowness.ts';
import { type Statement, type Statements, statementsFor } from './statements.ts';
import type { Attributes, SpanRecord, SpanRef, Tracing, WorkIds } from './tracing.ts';

/** On whose behalf something runs: the span above, and the ids that go on its own. */
export interface Scope {
  readonly parent: SpanRef | undefined;
  readonly ids: WorkIds;
}

/** What a span tells beyond its statement. */
export interface SpanExtras {
  readonly ref?: SpanRef;
  readonly attributes?: Attributes;
  readonly links?: SpanRecord['links'];
  readonly events?: SpanRecord['events'];
}

/** A statement that has run, before anybody told about it: some can be told only once their answer is known. */
export interface Ran<Row> {
  readonly rows: readonly Row[];
  readonly rowCount: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** The pool of one process, and the statements that it runs. */
export class Database {
  readonly statements: Statements;
  readonly schema: string;
  readonly #pool: pg.Pool;
  readonly #url: string;
  readonly #name: string;
  readonly #tracing: Tracing;
  readonly #slowness: Slowness;

  constructor(options: {
    url: string;
    schema: string;
    name: string;
    connections: number;
    tracing: Tracing;
    slowness?: Slowness;
  }) {
    this.#url = options.url;
    this.#name = options.name;
    this.schema = options.schema;
    this.#tracing = options.tracing;
    this.#slowness = options.slowness ?? {};
    this.#pool = new pg.Pool({
      connectionString: options.url,
      application_name: options.name,
      max: options.connections,
      idleTimeoutMillis: 0,
    });
    // A connection that breaks fails the statement that it runs, or the next one; the event says nothing more.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', client => client.on('error', () => {}));
    this.statements = statementsFor(options.schema, databaseName(options.url));
  }

  /** Opens `count` connections ahead, so that no step pays for them. */
  async warm(count: number): Promise<void> {
    const clients = await Promise.all(Array.from({ length: count }, () => this.#pool.connect()));
    for (const client of clients) client.release();
  }

  /** Runs `work` on one connection. */
  async session<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    try {
      return await work(new Session(client, this.#tracing, this.#slowness));
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      // A connection whose transaction broke off is not given to the next.
      client.release(failure !== undefined);
    }
  }

  /** Calls `onMessage` for each notification of the queues, on a connection of its own. `onLost`: it broke. */
  async listen(
    queues: readonly string[],
    onMessage: (queue: string, payload: { msg_id: number; step_uuid: string }) => void,
    onLost: (error: Error) => void,
  ): Promise<() => Promise<void>> {
    const client = new pg.Client({ connectionString: this.#url, application_name: `${this.#name}-listen` });
    client.on('error', onLost);
    await client.connect();
    const prefix = `${this.schema}:`;
    client.on('notification', ({ channel, payload }) => {
      if (payload !== undefined) onMessage(channel.slice(prefix.length), JSON.parse(payload));
    });
    for (const queue of queues) await client.query(`LISTEN ${client.escapeIdentifier(prefix + queue)}`);
    return () => client.end();
  }

  /** Runs SQL of our own making that no step pays for: the schema, its removal. */
  async script(sql: string): Promise<void> {
    await this.#pool.query(sql);
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

/** One connection while it is ours. */
export class Session {
  readonly #client: pg.PoolClient;
  readonly #tracing: Tracing;
  readonly #slowness: Slowness;

  constructor(client: pg.PoolClient, tracing: Tracing, slowness: Slowness) {
    this.#client = client;
    this.#tracing = tracing;
    this.#slowness = slowness;
  }

  /** Runs a statement and tells its span. */
  async run<Row>(
    statement: Statement,
    values: readonly unknown[],
    scope: Scope,
    extras: SpanExtras = {},
  ): Promise<Ran<Row>> {
    const startMs = nowMs();
    try {
      const ran = await this.quiet<Row>(statement, values);
      this.tell(statement, ran, scope, extras);
      return ran;
    } catch (error) {
      if (this.#tracing.enabled) {
        const failed = { rows: [], rowCount: 0, startMs, endMs: nowMs() };
        this.#record(statement, failed, scope, { ...extras, error });
      }
      throw error;
    }
  }

  /** Runs a statement without telling anybody. */
  async quiet<Row>(statement: Statement, values: readonly unknown[]): Promise<Ran<Row>> {
    const { name, text } = statement;
    const startMs = nowMs();
    // A statement that is to be slow is so in the server, with whatever its transaction holds.
    const wait = slowStatement(this.#slowness, statement.id);
    if (wait !== undefined) await this.#client.query(wait);
    const result = await (name === undefined
      ? this.#client.query(text)
      : this.#client.query({ name, text, values: values as unknown[] }));
    return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0, startMs, endMs: nowMs() };
  }

  tell(statement: Statement, ran: Ran<unknown>, scope: Scope, extras: SpanExtras = {}): void {
    if (this.#tracing.enabled) this.#record(statement, ran, scope, extras);
  }

  #record(
    statement: Statement,
    ran: Ran<unknown>,
    scope: Scope,
    { ref, attributes, links, events, error }: SpanExtras & { error?: unknown },
  ): void {
    const destination = attributes?.['messaging.destination.name'];
    this.#tracing.record({
      ref: ref ?? this.#tracing.ref(scope.parent),
      parent: scope.parent,
      what: statement.id,
      name:
        destination === undefined
          ? statement.summary
          : `${String(statement.attributes['messaging.operation.name'])} ${String(destination)}`,
      kind: statement.kind,
      startMs: ran.startMs,
      endMs: ran.endMs,
      ids: scope.ids,
      fixed: statement.attributes,
      attributes,
      links,
      events,
      error,
      sql: { text: statement.text, affected: ran.rowCount, returned: ran.rows.length },
    });
  }
}

function databaseName(url: string): string {
  const match = /\/([^/?]*)(?:\?|$)/.exec(url.replace(/^\w+:\/\//, ''));
  return match === null || match[1] === '' ? 'postgres' : decodeURIComponent(match[1]!);
}
