/**
 * Text for XML and HTML, in content and in attributes. Characters that XML 1.0 does not allow at all (control
 * characters, lone surrogates, U+FFFE and U+FFFF) become U+FFFD: one of them would make the whole picture unreadable.
 */
export function xmlText(text: string): string {
  return allowed(text).replace(/[&<>"']/g, character => ENTITIES[character]!);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function allowed(text: string): string {
  return text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/g, '\ufffd');
}

/** JSON that may stand in an element of XML or HTML as it is: what these would read as markup is escaped by JSON. */
export function jsonForMarkup(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\x7f-\x9f\u2028\u2029\ufffe\uffff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
