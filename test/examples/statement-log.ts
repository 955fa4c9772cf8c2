/** One statement as PostgreSQL's own log tells it. */
export interface LoggedStatement {
  readonly application: string;
  /** When the server began it, to the millisecond. */
  readonly unixMs: number;
  /** Name of the prepared statement, or the text of one that was not prepared. */
  readonly name: string;
  readonly parameters: readonly string[];
}

/** Reads a log made with `log_statement=all` and `log_line_prefix=%m [%p] %a `. */
export function parseStatementLog(text: string): LoggedStatement[] {
  const statements: { application: string; unixMs: number; name: string; parameters: string[] }[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\S+ \S+) UTC \[\d+\] (\S+) (LOG|DETAIL): {2}(.*)$/.exec(line);
    if (match === null) continue;
    const [, time, application, kind, rest] = match as unknown as [string, string, string, string, string];
    const executed = /^(?:execute ([\w-]+): |statement: )(.*)$/.exec(rest);
    if (kind === 'LOG' && executed !== null) {
      const unixMs = Date.parse(`${time.replace(' ', 'T')}Z`);
      statements.push({ application, unixMs, name: executed[1] ?? executed[2]!, parameters: [] });
    } else if (kind === 'DETAIL' && rest.startsWith('Parameters: ')) {
      statements
        .at(-1)!
        .parameters.push(...[...rest.matchAll(/\$\d+ = (?:'((?:[^']|'')*)'|NULL)/g)].map(m => m[1] ?? ''));
    }
  }
  return statements;
}

/** The documented operations of one step, in their order, and which parameter of the statement names the step. */
export const OPERATIONS: readonly (readonly [string, number])[] = [
  ['fetch-correlation-id', 0],
  ['enqueue-sort-key', 0],
  ['enqueue-most-recent', 0],
  ['enqueue-transition', 0],
  ['send-step', 1],
  ['claim-step', 2],
  ['start-sort-key', 0],
  ['start-most-recent', 0],
  ['start-transition', 0],
  ['submit-sort-key', 0],
  ['submit-most-recent', 0],
  ['submit-transition', 0],
  ['send-result', 1],
  ['fetch-step-state', 0],
  ['complete-sort-key', 0],
  ['complete-most-recent', 0],
  ['complete-transition', 0],
  ['delete-result-message', 2],
];

/** The step that a statement names in its parameters; '' where it is none of the documented operations of a step. */
export function stepOf({ name, parameters }: LoggedStatement): string {
  const parameter = OPERATIONS.find(([operation]) => operation === name)?.[1];
  if (parameter === undefined) return '';
  const text = parameters[parameter] ?? '';
  return /"step_uuid": ?"([0-9a-f-]{36})"/.exec(text)?.[1] ?? text;
}

/** Operation → step uuid → how often the server ran it. */
export function ownersOf(statements: readonly LoggedStatement[]): Map<string, Map<string, number>> {
  const owners = new Map<string, Map<string, number>>(OPERATIONS.map(([operation]) => [operation, new Map()]));
  for (const statement of statements) {
    const counts = owners.get(statement.name);
    const step = stepOf(statement);
    if (counts !== undefined) counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return owners;
}
