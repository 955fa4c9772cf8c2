import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { ProtobufWriter } from '../../src/formats/protobuf-writer.ts';
import { ConsoleDecoder } from '../../src/formats/tokio-console-decoder.ts';
import { ConsoleFrame, readConsoleFrames } from '../../src/formats/tokio-console-frames.ts';
import { rewriteConsoleDetails, rewriteConsoleUpdate } from '../../src/formats/tokio-console-rewrite.ts';
import { consoleUpdate } from './console-updates.ts';
import { fixture } from './contract.ts';

async function messagesOf(bytes: Uint8Array, kind: number): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  for await (const frame of readConsoleFrames(memorySource('x', bytes))) {
    if (frame?.kind === kind) messages.push(frame.body.slice(8));
  }
  return messages;
}

test('rewriting what console-subscriber wrote changes nothing but texts', async () => {
  const recorded = fixture('tokio-console', 'watched.console');
  const updates = await messagesOf(recorded, ConsoleFrame.update);
  assert.ok(updates.length > 3);
  const decoder = new ConsoleDecoder(0);
  for (const update of updates) {
    const same = rewriteConsoleUpdate(update, text => text);
    assert.ok(same !== undefined);
    assert.equal(same.unknownFields, 0, 'a field of console-subscriber 0.5 is not in the table');
    assert.deepEqual(Buffer.from(same.bytes), Buffer.from(update));
    const other = rewriteConsoleUpdate(update, text => text.replaceAll('main.rs', 'x'));
    assert.ok(other !== undefined && !Buffer.from(other.bytes).includes('main.rs'));
    const [before, after] = [decoder.update(update), decoder.update(other.bytes)];
    assert.deepEqual(after?.taskStats, before?.taskStats);
    assert.equal(after?.tasks.length, before?.tasks.length);
  }
  const details = await messagesOf(recorded, ConsoleFrame.details);
  assert.ok(details.length > 3);
  for (const message of details) {
    const same = rewriteConsoleDetails(message);
    assert.deepEqual([same?.unknownFields, Buffer.from(same?.bytes ?? [])], [0, Buffer.from(message)]);
  }
});

test('rewriting leaves out fields that the protocol did not have, and refuses what is no update', () => {
  const w = new ProtobufWriter();
  w.text(12, 'a secret of tomorrow');
  const update = Buffer.concat([consoleUpdate({ now: 1, tasks: [{ id: 1n, name: 'token=abc' }] }), w.finish()]);
  const rewritten = rewriteConsoleUpdate(update, text => text.replace('abc', '…'));
  assert.equal(rewritten?.unknownFields, 1);
  const text = Buffer.from(rewritten?.bytes ?? []).toString('utf8');
  assert.ok(!text.includes('secret') && !text.includes('abc') && text.includes('token=…'), text);
  assert.equal(
    rewriteConsoleUpdate(update.subarray(0, update.length - 3), t => t),
    undefined,
  );
});
