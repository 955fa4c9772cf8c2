import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memorySource } from '../../../src/base/source.ts';
import { redactProbeLog } from '../../../src/cli/attach/redact-probe-log.ts';
import { readProbeLog } from '../../../src/formats/probe-log.ts';
import { Redactor } from '../../../src/redaction/redactor.ts';

const FIXTURE = join(import.meta.dirname, '../../fixtures/probes/postgres/orders.jsonl');

test('hosts, statements with literals, and labels that name machines or people go; figures and joins stay', async () => {
  const labels = { instance: 'db-7.internal:9100', user: 'zaphod', queue: 'orders', note: 'mail to zaphod@heart.gold' };
  const text =
    readFileSync(FIXTURE, 'utf8') +
    `${JSON.stringify({ series: 99, name: 'm', kind: 'gauge', unit: 'count', labels })}\n` +
    '{"atNs":6000000000,"values":{"99":5}}\n' +
    '{"atNs":7000000000,"missed":"asking http://u:hunter2pass@build-7/metrics failed"}\n' +
    '{"atNs":8000000000,"values":{"99"';
  const redactor = new Redactor({ identities: { hostNames: ['build-7'] } });
  const redacted = redactProbeLog(text, redactor);
  for (const secret of ['db.example', 'Zaphod Beeblebrox', 'db-7.internal', 'zaphod', 'hunter2pass', 'build-7']) {
    assert.ok(!redacted.includes(secret), secret);
  }
  const before = (await readProbeLog(memorySource('a', text))).source;
  const after = (await readProbeLog(memorySource('b', redacted))).source;
  assert.deepEqual(after.timesNs, before.timesNs);
  assert.deepEqual(
    after.series.map(({ name, values }) => [name, values]),
    before.series.map(({ name, values }) => [name, values]),
  );
  const metric = after.series.at(-1)?.labels;
  assert.equal(metric?.queue, 'orders');
  assert.match(metric?.instance ?? '', /^\[redacted-host-name-\d+\]$/);
  const [first, second] = (after.documents.at(-1)!.value as { statements: { query: string }[] }).statements;
  assert.equal(first?.query, 'SELECT * FROM orders WHERE id = $1');
  assert.match(second?.query ?? '', /^SET app\.tenant = .*redacted/);
});
