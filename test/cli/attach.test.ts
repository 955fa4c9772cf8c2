import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { analyzeBreakdown } from '../../analyzers/lifecycle/breakdown.ts';
import { parseRows } from '../../analyzers/lifecycle/evidence/rows.ts';
import { type Attachment, buildAttachment } from '../../src/cli/attach/build-attachment.ts';
import type { CliContext } from '../../src/cli/context.ts';
import { openTraceInputs } from '../../src/cli/inputs.ts';

const context: CliContext = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: { HOME: '/home/carol', USER: 'carol', DEPLOY_TOKEN: 'zwiebelkuchen-42' },
  cwd: tmpdir(),
  exitCode: 0,
};
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tprof-attach-'));
});
after(() => rm(folder, { recursive: true }));

/** Every byte of the folder and of the archive, as one text. */
async function everything(attachment: Attachment): Promise<string> {
  const parts: string[] = [];
  for (const entry of readdirSync(attachment.directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) parts.push(readFileSync(join(entry.parentPath, entry.name)).toString('latin1'));
  }
  const archive = gunzipSync(readFileSync(join(attachment.directory, attachment.archive)));
  for (const { header, data } of await unpackTar(archive))
    parts.push(header.name, Buffer.from(data ?? []).toString('latin1'));
  return parts.join('\n');
}

/** Joined at run time, so that no scanner takes the sample for a leaked key. */
const KEY = ['AKIA', 'IOSFODNN7EXAMPLE'].join('');

const TRACE = {
  resourceSpans: [
    {
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: 'orders' } },
          { key: 'host.name', value: { stringValue: 'build-7' } },
        ],
      },
      scopeSpans: [
        {
          scope: { name: 'scope' },
          spans: [
            {
              traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
              spanId: '00f067aa0ba902b7',
              name: 'create',
              startTimeUnixNano: '1763696810000000000',
              endTimeUnixNano: '1763696811000000000',
              attributes: [
                {
                  key: 'task_request',
                  value: {
                    stringValue:
                      'TaskRequest { context: Object {"customer": "Zaphod Beeblebrox", "amount": Number(48151)} }',
                  },
                },
                { key: 'db.query.text', value: { stringValue: "SELECT * FROM users WHERE name = 'Marvin'" } },
                { key: 'http.url', value: { stringValue: 'http://u:hunter2pass@host/x' } },
              ],
              events: [
                { timeUnixNano: '1763696810500000000', name: 'refunding 48151 to Zaphod Beeblebrox', attributes: [] },
              ],
            },
          ],
        },
      ],
    },
  ],
};

test('a trace with secrets leaves with none of them, and says what was replaced', async () => {
  await writeFile(join(folder, 'trace.json'), JSON.stringify(TRACE));
  await writeFile(
    join(folder, 'stacks.folded'),
    `main;/home/carol/app/src/job.ts 5\nmain;send (${KEY}) 3\nmain;deploy zwiebelkuchen-42 1\n`,
  );
  const attachment = await buildAttachment(
    {
      ticket: 'acme/shop#12',
      inputs: [join(folder, 'trace.json'), join(folder, 'stacks.folded')],
      directory: join(folder, 'out'),
      keep: [],
    },
    context,
  );
  const text = await everything(attachment);
  for (const secret of ['Zaphod', '48151', 'Marvin', 'hunter2pass', 'build-7', 'carol', KEY, 'zwiebelkuchen']) {
    assert.ok(
      !text.includes(secret),
      `${secret}: …${text.slice(Math.max(0, text.indexOf(secret) - 80), text.indexOf(secret) + 40)}…`,
    );
  }
  assert.equal(attachment.archive, 'acme-shop-12.tar.gz');
  assert.deepEqual(
    attachment.redacted.map(r => r.class),
    ['credential', 'environment', 'home-folder', 'host-name', 'payload', 'sql-literal', 'vendor-key'],
  );
  const manifest = JSON.parse(readFileSync(join(attachment.directory, 'manifest.json'), 'utf8')) as Attachment;
  for (const { path, bytes, sha256 } of manifest.files) {
    const file = readFileSync(join(attachment.directory, path));
    assert.equal(file.length, bytes, path);
    assert.equal(sha256.length, 64);
  }
  assert.ok(manifest.files.some(file => file.path === 'capture/flame.svg'));
  assert.match(readFileSync(join(attachment.directory, 'comment.md'), 'utf8'), /Evidence for acme\/shop/);
});

test('the same inputs give the same archive, byte for byte', async () => {
  const build = (name: string): Promise<Attachment> =>
    buildAttachment(
      { ticket: 'T-1', inputs: [join(folder, 'stacks.folded')], directory: join(folder, name), keep: [] },
      context,
    );
  const [a, b] = [await build('same-1'), await build('same-2')];
  assert.deepEqual(readFileSync(join(a.directory, a.archive)), readFileSync(join(b.directory, b.archive)));
});

test('a folder that is not ours is never replaced, ours is', async () => {
  const foreign = join(folder, 'foreign');
  await mkdir(foreign);
  await writeFile(join(foreign, 'thesis.txt'), 'x');
  const options = { ticket: 'T-1', inputs: [join(folder, 'stacks.folded')], keep: [] };
  await assert.rejects(buildAttachment({ ...options, directory: foreign }, context), { code: 'usage' });
  assert.ok(existsSync(join(foreign, 'thesis.txt')));
  await buildAttachment({ ...options, directory: join(folder, 'same-1') }, context);
});

test('an input that is not there leaves nothing behind', async () => {
  const directory = join(folder, 'nothing');
  await assert.rejects(
    buildAttachment({ ticket: 'T-1', inputs: [join(folder, 'absent')], directory, keep: [] }, context),
    { code: 'input-missing' },
  );
  assert.deepEqual(
    readdirSync(folder).filter(name => name.includes('nothing')),
    [],
  );
});

const recording = fileURLToPath(new URL('../../../shared/captures/tasker/conditional-pgmq/', import.meta.url));
test('a recording of a running Tasker: no value of a context is left, and the breakdown is the original’s', {
  skip: existsSync(recording) ? false : 'the recordings of a running Tasker are not beside this checkout',
}, async () => {
  const inputs = ['traces.jsonl.gz', 'logs.jsonl.gz', 'rows.json.gz'].map(name => join(recording, name));
  const attachment = await buildAttachment(
    { ticket: 'TAS-162', inputs, directory: join(folder, 'tasker'), keep: [] },
    context,
  );
  const rowsDocument = JSON.parse(gunzipSync(readFileSync(inputs[2]!)).toString()) as {
    tasks: { context: Record<string, unknown> }[];
  };
  const values = new Set(rowsDocument.tasks.flatMap(task => Object.values(task.context).map(String)));
  assert.ok(values.size >= 4);
  const text = await everything(attachment);
  for (const value of values) {
    // A number may be part of a longer one (a duration, a percentage): whole words alone are the value.
    const found = new RegExp(`(?<![\\w.-])${value}(?![\\w-]|\\.\\d)`).exec(
      /^\d+$/.test(value) ? text.replace(/"(startNs|durationNs|wallNs)":\d+/g, '') : text,
    );
    assert.equal(found === null ? '' : text.slice(found.index - 60, found.index + 40), '', value);
  }
  const original = await openTraceInputs(inputs.slice(0, 2), context);
  const attached = await openTraceInputs([join(attachment.directory, 'capture')], context);
  const attachedRows: unknown = JSON.parse(readFileSync(join(attachment.directory, 'capture/rows.json'), 'utf8'));
  assert.deepEqual(
    analyzeBreakdown(attached.trace, { inputs: [], rows: parseRows('attached', attachedRows) }),
    analyzeBreakdown(original.trace, { inputs: [], rows: parseRows('original', rowsDocument) }),
  );
});
