/** One statement as PostgreSQL's own log tells it. */
export interface LoggedStatement {
  readonly application: string;
  /** Name of the prepared statement, or the text of one that was not prepared. */
  readonly name: string;
  readonly parameters: readonly string[];
}

/** Reads a log made with `log_statement=all` and `log_line_prefix=%m [%p] %a `. */
export function parseStatementLog(text: string): LoggedStatement[] {
  const statements: { application: string; name: string; parameters: string[] }[] = [];
  for (const line of text.split('\n')) {
    const match = /^\S+ \S+ UTC \[(\d+)\] (\S+) (LOG|DETAIL): {2}(.*)$/.exec(line);
    if (match === null) continue;
    const [, , application, kind, rest] = match as unknown as [string, string, string, string, string];
    const executed = /^(?:execute ([\w-]+): |statement: )(.*)$/.exec(rest);
    if (kind === 'LOG' && executed !== null) {
      statements.push({ application, name: executed[1] ?? executed[2]!, parameters: [] });
    } else if (kind === 'DETAIL' && rest.startsWith('Parameters: ')) {
      statements
        .at(-1)!
        .parameters.push(...[...rest.matchAll(/\$\d+ = (?:'((?:[^']|'')*)'|NULL)/g)].map(m => m[1] ?? ''));
    }
  }
  return statements;
}
