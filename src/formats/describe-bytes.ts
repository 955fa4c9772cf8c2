/** Says in words what the first bytes of an unknown input look like, for messages: never more than a line. */
export function describeBytes(head: Uint8Array): string {
  if (head.length === 0) return 'an empty file';
  for (const [name, ...magic] of MAGIC) if (magic.every((byte, i) => head[i] === byte)) return name;
  const text = new TextDecoder().decode(head);
  const control = [...text.slice(0, 512)].filter(c => (c < ' ' && !'\t\r\n'.includes(c)) || c === '\ufffd').length;
  if (control > 8) return `binary data that begins with ${hex(head.subarray(0, 8))}`;
  const first = text.replace(/^\ufeff/, '').trimStart();
  if (first === '') return 'nothing but white space';
  if (first.startsWith('{') || first.startsWith('[')) {
    const keys = [...first.matchAll(/"([^"\\]{1,40})"\s*:/g)].slice(0, 5).map(match => match[1]);
    return keys.length === 0
      ? 'JSON without keys at its beginning'
      : `JSON with the keys ${[...new Set(keys)].join(', ')}`;
  }
  const line = first.split('\n', 1)[0]!.trimEnd();
  return `text that begins with “${line.length > 60 ? `${line.slice(0, 60)}…` : line}”`;
}

const MAGIC: readonly [string, ...number[]][] = [
  ['an ELF program or library', 0x7f, 0x45, 0x4c, 0x46],
  ['a zip archive', 0x50, 0x4b, 0x03, 0x04],
  ['a PNG picture', 0x89, 0x50, 0x4e, 0x47],
  ['a PDF', 0x25, 0x50, 0x44, 0x46],
  ['an SQLite database', 0x53, 0x51, 0x4c, 0x69, 0x74, 0x65],
  ['a Parquet file', 0x50, 0x41, 0x52, 0x31],
  ['an xz archive', 0xfd, 0x37, 0x7a, 0x58, 0x5a],
  ['a bzip2 archive', 0x42, 0x5a, 0x68],
];

function hex(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(' ');
}
