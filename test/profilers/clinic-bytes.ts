/** Protobuf as clinic's recorders write it: a field's key, then its bytes. */
export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (field << 3) | 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

export function whole(field: number, value: number): Buffer {
  const bytes = [field << 3];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

export function message(field: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([whole(field, 0).subarray(0, 1), whole(0, body.length).subarray(1), body]).fill(
    (field << 3) | 2,
    0,
    1,
  );
}

export function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value));
}

/** With the length in front, in two bytes. */
export function framed(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([length, body]);
}
