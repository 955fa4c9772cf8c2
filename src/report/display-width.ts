/** Columns that a text takes in a terminal: wide East Asian characters and emoji take two, combining marks none. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character.codePointAt(0)!);
  return width;
}

/** Exactly `width` columns: padded, or cut in the middle with `…` so that both ends of a name stay readable. */
export function fitWidth(text: string, width: number, align: 'left' | 'right'): string {
  const have = displayWidth(text);
  if (have <= width) return align === 'left' ? text + ' '.repeat(width - have) : ' '.repeat(width - have) + text;
  const head = Math.ceil((width - 1) / 2);
  const start = take([...text], head);
  const end = take([...text].reverse(), width - 1 - displayWidth(start));
  const cut = `${start}…${[...end].reverse().join('')}`;
  return cut + ' '.repeat(Math.max(0, width - displayWidth(cut)));
}

/** Lines of at most `width` columns, broken at spaces; a longer word keeps its own line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line === '') line = word;
    else if (displayWidth(line) + 1 + displayWidth(word) <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  return lines;
}

function take(characters: readonly string[], width: number): string {
  let result = '';
  let have = 0;
  for (const character of characters) {
    have += characterWidth(character.codePointAt(0)!);
    if (have > width) break;
    result += character;
  }
  return result;
}

function characterWidth(code: number): number {
  if ((code >= 0x300 && code <= 0x36f) || code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff);
  return wide ? 2 : 1;
}
