/**
 * What the first bytes of a JSON document show: the path of each key (`profiles[].type`), with its value where that
 * is a word, a number or a string. Detection by keys is not fooled by white space or order, and needs no whole document.
 */
export interface JsonHead {
  readonly root: 'object' | 'array' | undefined;
  /** Path → scalar as text; '' for containers and for what is cut off. */
  readonly paths: ReadonlyMap<string, string>;
}

const DEEPEST = 6;

export function readJsonHead(head: Uint8Array): JsonHead {
  const text = new TextDecoder().decode(head).replace(/^\ufeff/, '');
  const first = /^\s*([{[])/.exec(text);
  if (first === null) return { root: undefined, paths: new Map() };
  const paths = new Map<string, string>();
  const stack: { prefix: string; array: boolean }[] = [];
  let key = '';
  for (const match of text.matchAll(/"((?:[^"\\]|\\.)*)("\s*:|"|$)|[{}[\]]|[^\s,:{}[\]"]+/gs)) {
    const token = match[0];
    const top = stack.at(-1);
    const path = top === undefined ? '' : top.array ? `${top.prefix}[]` : join(top.prefix, key);
    if (token === '{' || token === '[') {
      if (!paths.has(path) && top !== undefined) paths.set(path, '');
      stack.push({ prefix: path, array: token === '[' });
    } else if (token === '}' || token === ']') stack.pop();
    else if (match[2]?.endsWith(':') === true) {
      key = match[1]!;
      if (top !== undefined && stack.length <= DEEPEST) {
        const keyPath = join(top.prefix, key);
        if (!paths.has(keyPath)) paths.set(keyPath, '');
      }
    } else if (top !== undefined && stack.length <= DEEPEST && (paths.get(path) ?? '') === '') {
      paths.set(path, match[1] ?? token);
    }
  }
  return { root: first[1] === '{' ? 'object' : 'array', paths };
}

function join(prefix: string, key: string): string {
  return prefix === '' ? key : `${prefix}.${key}`;
}
