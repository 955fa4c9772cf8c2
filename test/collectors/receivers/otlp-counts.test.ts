import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startOtlpReceiver } from '../../../collectors/receivers/otlp.ts';
import { COUNTS_PATH } from '../../../collectors/receivers/otlp-http.ts';

test('a workload beside the receiver can ask how much has arrived', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tprof-counts-'));
  const receiver = await startOtlpReceiver({ listen: '127.0.0.1:0', directory });
  try {
    const counts = async (): Promise<number> =>
      ((await (await fetch(`${receiver.endpoint}${COUNTS_PATH}`)).json()) as { spans: number }).spans;
    assert.equal(await counts(), 0);
    const span = {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      name: 'x',
      startTimeUnixNano: '1',
      endTimeUnixNano: '2',
    };
    const sent = await fetch(`${receiver.endpoint}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
    });
    assert.equal(sent.status, 200);
    assert.equal(await counts(), 1);
    assert.equal((await fetch(`${receiver.endpoint}/v1/traces`)).status, 405, 'the paths of OTLP take POST alone');
  } finally {
    await receiver.stop();
    await rm(directory, { recursive: true });
  }
});
