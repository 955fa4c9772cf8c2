import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { fileSource, pipeSource } from '../../collectors/file-source.ts';
import { TprofError } from '../../src/base/errors.ts';
import { readAll, readLines } from '../../src/base/source.ts';

const TEXT = Array.from({ length: 20_000 }, (_, i) => `line ${i}`).join('\n');
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tprof-source-'));
});
after(() => rm(folder, { recursive: true }));

for (const [name, pack] of [
  ['plain.txt', Buffer.from],
  ['packed.gz', gzipSync],
  ['packed.zst', zstdCompressSync],
  ['packed-without-a-telling-name', gzipSync],
] as const) {
  test(`${name}: streamed, from the head, and by range`, async () => {
    const path = join(folder, name);
    await writeFile(path, pack(TEXT as never) as Uint8Array);
    const source = await fileSource(path);
    assert.equal(Buffer.from(source.head).toString(), TEXT.slice(0, 4096));
    assert.equal(Buffer.from(await readAll(source)).toString(), TEXT);
    assert.equal(Buffer.from(await source.range(5000, 20)).toString(), TEXT.slice(5000, 5020));
    assert.equal(source.damage?.(), undefined);
  });
}

test('a concatenation of gzip members is one stream', async () => {
  const path = join(folder, 'members.gz');
  await writeFile(path, Buffer.concat([gzipSync('one '), gzipSync('two')]));
  assert.equal(Buffer.from(await readAll(await fileSource(path))).toString(), 'one two');
});

test('several zstd frames are one stream', async () => {
  const path = join(folder, 'frames.zst');
  const skippable = Buffer.from('502a4d180300000061626344', 'hex').subarray(0, 11);
  await writeFile(
    path,
    Buffer.concat([zstdCompressSync('one '), skippable, zstdCompressSync(TEXT), zstdCompressSync('two')]),
  );
  assert.equal(Buffer.from(await readAll(await fileSource(path))).toString(), `one ${TEXT}two`);
});

test('zstd frames are found wherever the chunks are cut', async () => {
  const packed = Buffer.concat([
    zstdCompressSync('one '),
    zstdCompressSync(TEXT.slice(0, 999)),
    zstdCompressSync('two'),
  ]);
  for (const step of [1, 2, 3, 7, 64]) {
    const chunks = Array.from({ length: Math.ceil(packed.length / step) }, (_, i) =>
      packed.subarray(i * step, (i + 1) * step),
    );
    const source = await pipeSource('-', Readable.from(chunks));
    assert.equal(Buffer.from(await readAll(source)).toString(), `one ${TEXT.slice(0, 999)}two`);
  }
});

for (const [kind, pack] of [
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const)
  test(`a cut ${kind} file gives what came before, and says that it was cut`, async () => {
    const path = join(folder, `cut.${kind}`);
    const packed = pack(Array.from({ length: 400_000 }, (_, i) => `line ${i}`).join('\n'));
    await writeFile(path, packed.subarray(0, packed.length / 2));
    const source = await fileSource(path);
    const got = Buffer.from(await readAll(source)).toString();
    assert.ok(got.length > 1000 && got.startsWith(TEXT.slice(0, 1000)));
    assert.match(source.damage?.() ?? '', /cut or damaged/);
  });

test('a pipe is streamed once, packed or not', async () => {
  for (const data of [Buffer.from(TEXT), gzipSync(TEXT)]) {
    const source = await pipeSource('-', Readable.from([data.subarray(0, 100), data.subarray(100)]));
    assert.equal(Buffer.from(source.head).toString(), TEXT.slice(0, 4096));
    let lines = 0;
    for await (const line of readLines(source)) assert.equal(line, `line ${lines++}`);
    assert.equal(lines, 20_000);
  }
});

test('what is not there, and a folder, are one sentence', async () => {
  await assert.rejects(fileSource(join(folder, 'absent')), (error: TprofError) => {
    assert.ok(error instanceof TprofError);
    assert.equal(error.code, 'input-missing');
    return true;
  });
  await assert.rejects(fileSource(folder), { code: 'input-invalid' });
});
