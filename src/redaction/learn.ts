import { AttributeType, type Trace } from '../model/trace.ts';
import type { Redactor } from './redactor.ts';

/** Attributes whose values name parts of the workflow: never a secret, and what figures are joined by. */
const STRUCTURE =
  /^(namespace|task_?name|step_?name|step_names|queue(_name)?|template(_name)?|handler(_(name|class))?|named_(task|step)|version|task_version|service\.name|target|code\..+|event_name|from_state|to_state|provider|callable|(.+[._])?(uuid|id))$/i;

/** Shows the redactor every payload of a trace, and the names that payloads repeat without being secret. */
export function learnFromTrace(trace: Trace, redactor: Redactor): void {
  const { key, type, value, length } = trace.attributes;
  const kind = trace.strings.map(text =>
    redactor.isPayload(text) ? 'payload' : STRUCTURE.test(text) ? 'structure' : '',
  );
  const seen = new Set<number>();
  for (let a = 0; a < length; a++) {
    const what = kind[key[a]!];
    if (what === '' || (type[a] !== AttributeType.string && type[a] !== AttributeType.json) || seen.has(value[a]!))
      continue;
    seen.add(value[a]!);
    const text = trace.strings[value[a]!]!;
    if (what === 'payload') redactor.learn(text);
    else redactor.spare(text);
  }
}

/** The same for tables: a column of JSON is a payload, a name is structure. */
export function learnFromRows(document: Readonly<Record<string, unknown>>, redactor: Redactor): void {
  for (const table of Object.values(document)) {
    if (!Array.isArray(table)) continue;
    for (const row of table as unknown[]) {
      if (typeof row !== 'object' || row === null) continue;
      for (const [key, value] of Object.entries(row)) {
        if (typeof value === 'object' && value !== null) redactor.learn(JSON.stringify(value));
        else if (typeof value !== 'string') continue;
        else if (/(^|_)(name|namespace|version|state|status|uuid|id)$/.test(key)) redactor.spare(value);
        else if (value.startsWith('{') || value.startsWith('[')) redactor.learn(value);
      }
    }
  }
}
