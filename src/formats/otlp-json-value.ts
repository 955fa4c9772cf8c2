import type { JsonValue } from './otlp-protobuf-value.ts';

const DEEPEST_VALUE = 100;

/** OTLP's wrapped value (`{"arrayValue":{"values":[…]}}`) as plain JSON; the same that the protobuf reader makes. */
export function plainValue(value: unknown, depth: number): JsonValue {
  if (typeof value !== 'object' || value === null || depth > DEEPEST_VALUE) return null;
  for (const [key, inner] of Object.entries(value)) {
    switch (key) {
      case 'stringValue':
      case 'string_value':
      case 'bytesValue':
      case 'bytes_value':
        return String(inner);
      case 'boolValue':
      case 'bool_value':
        return inner === true || inner === 'true';
      case 'intValue':
      case 'int_value': {
        const number = Number(inner);
        return Number.isSafeInteger(number) ? number : String(inner);
      }
      case 'doubleValue':
      case 'double_value':
        return typeof inner === 'string' && !Number.isFinite(Number(inner)) ? inner : Number(inner);
      case 'arrayValue':
      case 'array_value':
        return valuesOf(inner).map(item => plainValue(item, depth + 1));
      case 'kvlistValue':
      case 'kvlist_value':
        return Object.fromEntries(
          valuesOf(inner).map((item): [string, JsonValue] => {
            const { key: name, value: held } = (item ?? {}) as { key?: unknown; value?: unknown };
            return [String(name ?? ''), plainValue(held, depth + 1)];
          }),
        );
      default:
    }
  }
  return null;
}

function valuesOf(list: unknown): readonly unknown[] {
  if (typeof list !== 'object' || list === null) return [];
  const { values } = list as { values?: unknown };
  return Array.isArray(values) ? values : [];
}
