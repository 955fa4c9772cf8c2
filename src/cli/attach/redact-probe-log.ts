import type { Redactor } from '../../redaction/redactor.ts';

/** Labels by which metrics name a machine or a person; attributes of OpenTelemetry are known to the redactor itself. */
const HOST_LABEL =
  /^(instance|host|hostname|node|nodename|machine|server|pod|container|addr|address|ip|peer|client|remote|upstream|backend|exported_instance)$/i;
const USER_LABEL = /^(user|username|usename|login|owner|email|account|customer|tenant)$/i;

/** A log of a probe without its secrets: statements without literals, labels by what their names say of them. */
export function redactProbeLog(text: string, redactor: Redactor): string {
  return text
    .split('\n')
    .map(line => {
      if (line === '') return line;
      let record: unknown;
      try {
        record = JSON.parse(line);
      } catch {
        return redactor.text(line);
      }
      return JSON.stringify(redactRecord(record as Record<string, unknown>, redactor));
    })
    .join('\n');
}

function redactRecord(record: Record<string, unknown>, redactor: Redactor): unknown {
  const { labels, target, values, ...rest } = record;
  return {
    ...(redactor.document(withoutLiterals(rest, redactor)) as object),
    ...(isObject(labels) ? { labels: redactLabels(labels, redactor) } : {}),
    ...(isObject(target) ? { target: redactLabels(target, redactor) } : {}),
    // Numbers by number: nothing to take out, and most of the file.
    ...(values === undefined ? {} : { values }),
  };
}

/** The statements of a server, which is where a log holds SQL. */
function withoutLiterals(record: Record<string, unknown>, redactor: Redactor): Record<string, unknown> {
  if (record.document !== 'statements' || !isObject(record.value)) return record;
  const { statements, ...rest } = record.value;
  if (!Array.isArray(statements)) return record;
  const value = {
    ...rest,
    statements: statements.map((statement: unknown) =>
      isObject(statement) && typeof statement.query === 'string'
        ? { ...statement, query: redactor.sql(statement.query) }
        : statement,
    ),
  };
  return { ...record, value };
}

function redactLabels(labels: Record<string, unknown>, redactor: Redactor): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => {
      if (typeof value !== 'string') return [key, value];
      const meaning = HOST_LABEL.test(key) ? 'host.name' : USER_LABEL.test(key) ? 'user.name' : key;
      return [key, redactor.attribute(meaning, value)];
    }),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
