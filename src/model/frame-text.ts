/** A frame as its source printed it: the decoration with the name in the place of its first `%`. */
export function decoratedName(name: string, decoration: string): string {
  if (decoration === '') return name;
  const at = decoration.indexOf('%');
  return at === -1 ? decoration : decoration.slice(0, at) + name + decoration.slice(at + 1);
}

/** The decoration that gives `text` back for `name`; '' where there is nothing to add, or `text` cannot be told so. */
export function decorationOf(text: string, name: string): string {
  if (text === name) return '';
  const at = text.indexOf(name);
  const prefix = at === -1 ? text : text.slice(0, at);
  if (prefix.includes('%')) return '';
  return at === -1 ? text : `${prefix}%${text.slice(at + name.length)}`;
}
