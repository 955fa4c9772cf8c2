/** Untrusted values, narrowed: what is not of the kind asked for is the neutral value of that kind. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A finite number, or `otherwise`. Decimal text counts as a number: several tools write ids and times as strings. */
export function asNumber(value: unknown, otherwise: number): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : otherwise;
}

/** A whole number of a table index or a line: not negative, at most 2^32 - 1; otherwise `otherwise`. */
export function asIndex(value: unknown, otherwise: number): number {
  const number = asNumber(value, otherwise);
  return Number.isInteger(number) && number >= 0 && number <= 0xffffffff ? number : otherwise;
}
