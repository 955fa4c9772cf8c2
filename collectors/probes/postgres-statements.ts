// https://www.postgresql.org/docs/current/pgstatstatements.html
import type { PostgresConnection } from './postgres-connection.ts';
import { OWN_MARK, statementCounters, statementTexts } from './postgres-sql.ts';

interface Counters {
  readonly id: string;
  readonly calls: number;
  readonly total_ms: number;
  readonly rows: number;
  readonly blocks_hit: number;
  readonly blocks_read: number;
  readonly temp_blocks: number;
}

/** What one statement has cost between the first and the last look. */
export interface StatementDelta {
  readonly query: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly rows: number;
  readonly blocksHit: number;
  readonly blocksRead: number;
  readonly tempBlocks: number;
}

/** Statements whose texts are kept; what the others took is kept as one sum. */
const MOST_TEXTS = 100;
/** A text is for recognising the statement; some are a megabyte of parameters. */
const LONGEST_TEXT = 2000;

/** What statements cost during the recording: counters at its beginning and now, and texts of those that count. */
export class PostgresStatements {
  readonly #schema: string;
  #first: ReadonlyMap<string, Counters> | undefined;
  #last: ReadonlyMap<string, Counters> = new Map();
  readonly #texts = new Map<string, string>();

  constructor(schema: string) {
    this.#schema = schema;
  }

  /** Texts are fetched with each look: after the last one, the server may be gone. */
  async look(connection: PostgresConnection): Promise<void> {
    const rows = await connection.query<Counters>(statementCounters(this.#schema));
    this.#last = new Map(rows.map(row => [row.id, row]));
    if (this.#first === undefined) {
      this.#first = this.#last;
      return;
    }
    const unknown = this.#heaviest()
      .map(({ id }) => id)
      .filter(id => !this.#texts.has(id));
    if (unknown.length === 0) return;
    for (const { id, query } of await connection.query<{ id: string; query: string }>(statementTexts(this.#schema), [
      unknown,
    ]))
      this.#texts.set(id, query);
  }

  /** Heaviest first; `others` is the sum of those without a text. */
  result(): { readonly statements: readonly StatementDelta[]; readonly others: { count: number; totalMs: number } } {
    const heaviest = this.#heaviest();
    const statements = heaviest.flatMap(({ id, ...delta }) => {
      const query = this.#texts.get(id);
      // Our own, and those of which nobody may read the text.
      if (query === undefined || query.startsWith(OWN_MARK)) return [];
      return [{ query: query.replace(/\s+/g, ' ').trim().slice(0, LONGEST_TEXT), ...delta }];
    });
    const rest = this.#deltas().slice(MOST_TEXTS);
    return { statements, others: { count: rest.length, totalMs: rest.reduce((sum, delta) => sum + delta.totalMs, 0) } };
  }

  #heaviest(): (Omit<StatementDelta, 'query'> & { readonly id: string })[] {
    return this.#deltas().slice(0, MOST_TEXTS);
  }

  #deltas(): (Omit<StatementDelta, 'query'> & { readonly id: string })[] {
    const deltas = [];
    for (const [id, now] of this.#last) {
      // Counters that fell were reset during the recording: what they have counted since is known.
      const before = this.#first?.get(id);
      const base = before === undefined || before.calls > now.calls ? undefined : before;
      const calls = now.calls - (base?.calls ?? 0);
      if (calls <= 0) continue;
      deltas.push({
        id,
        calls,
        totalMs: now.total_ms - (base?.total_ms ?? 0),
        rows: now.rows - (base?.rows ?? 0),
        blocksHit: now.blocks_hit - (base?.blocks_hit ?? 0),
        blocksRead: now.blocks_read - (base?.blocks_read ?? 0),
        tempBlocks: now.temp_blocks - (base?.temp_blocks ?? 0),
      });
    }
    return deltas.sort((a, b) => b.totalMs - a.totalMs || (a.id < b.id ? -1 : 1));
  }
}
