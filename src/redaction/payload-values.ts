/** Words of telemetry and programs: as a value they tell nothing of anybody, and taking them out would harm every text. */
const COMMON = new Set(
  (
    'true false null none some undefined object array number string bool boolean value values key keys name names type types id ids ' +
    'uuid data item items list map set error errors result results state status pending enqueued in_progress complete completed success ' +
    'failed failure ready processing task tasks step steps queue worker handler event message messages version default standard ' +
    'normal test example sample context config request response payload metadata output input inputs timestamp created updated'
  ).split(' '),
);

/**
 * The scalar values inside a payload, whatever wrote it: JSON, Rust's `Debug` (`"amount": Number(500)`), or plain words
 * after a colon. Short numbers and common words are left away: they stand everywhere.
 */
export function payloadValues(payload: string): string[] {
  const values = new Set<string>();
  const add = (text: string): void => {
    const value = text.trim();
    if (value.length > 200) return;
    if (/^-?\d+(\.\d+)?$/.test(value)) {
      if (value.replace(/\D/g, '').length >= 3) values.add(value);
    } else if (value.length >= 3 && !COMMON.has(value.toLowerCase()) && /[A-Za-z\d\u0080-\uffff]/.test(value))
      values.add(value);
  };
  // Values, not keys: a quoted text with no colon behind it, a number behind a colon or a bracket.
  for (const [, quoted = '', colon] of payload.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?/g)) {
    if (colon === undefined) add(unescaped(quoted));
  }
  for (const match of payload.matchAll(/[:[,(]\s*(-?\d+(?:\.\d+)?)(?=\s*[,)\]}]|\s*$)/g)) add(match[1]!);
  return [...values];
}

/** One pattern for all values, longest first, as whole words; without values it matches nothing. */
export function anyOf(values: ReadonlySet<string>): RegExp {
  if (values.size === 0) return /(?!)/g;
  const escaped = [...values]
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .map(v => v.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?<![\\w.-])(?:${escaped.join('|')})(?![\\w-]|\\.\\d)`, 'g');
}

function unescaped(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
