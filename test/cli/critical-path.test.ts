import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inFolder, runInProcess } from './run-tprof.ts';

const SPAN = (id: number, parent: number, name: string, start: number, end: number, trace = 1): object => ({
  traceId: trace.toString(16).padStart(32, '0'),
  spanId: id.toString(16).padStart(16, '0'),
  parentSpanId: parent === 0 ? '' : parent.toString(16).padStart(16, '0'),
  name,
  kind: 1,
  startTimeUnixNano: `17952276655000000${String(start).padStart(2, '0')}`,
  endTimeUnixNano: `17952276655000000${String(end).padStart(2, '0')}`,
});

function otlpJson(...spans: object[]): string {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
  return `${JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 's' }, spans }] }] })}\n`;
}

const TRACE = otlpJson(
  SPAN(1, 0, 'order', 0, 90),
  SPAN(2, 1, 'charge', 10, 50),
  SPAN(3, 1, 'pack', 50, 80),
  SPAN(4, 0, 'ping', 5, 9, 2),
);

test('critical-path --json is the whole result of the interface', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'trace.jsonl'), TRACE);
    const { code, stdout, stderr } = await runInProcess(['critical-path', 'trace.jsonl', '--json'], cwd);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.equal(result.schema, 'tprof.critical-path/1');
    assert.equal(result.epochNs, '1795227665500000000');
    assert.deepEqual(result.inputs, ['trace.jsonl']);
    assert.deepEqual(result.traces[0], {
      traceId: '00000000000000000000000000000001',
      rootSpanId: '0000000000000001',
      service: 'shop',
      name: 'order',
      startNs: 0,
      totalNs: 90,
      segments: [
        {
          spanId: '0000000000000001',
          service: 'shop',
          name: 'order',
          startNs: 0,
          durationNs: 10,
          kind: 'span',
          dragNs: 10,
        },
        {
          spanId: '0000000000000002',
          service: 'shop',
          name: 'charge',
          startNs: 10,
          durationNs: 40,
          kind: 'span',
          dragNs: 40,
        },
        {
          spanId: '0000000000000003',
          service: 'shop',
          name: 'pack',
          startNs: 50,
          durationNs: 30,
          kind: 'span',
          dragNs: 30,
        },
        {
          spanId: '0000000000000001',
          service: 'shop',
          name: 'order',
          startNs: 80,
          durationNs: 10,
          kind: 'span',
          dragNs: 10,
        },
      ],
    });
    assert.deepEqual(
      result.operations.map((o: { name: string; totalNs: number }) => [o.name, o.totalNs]),
      [
        ['charge', 40],
        ['pack', 30],
        ['order', 20],
        ['ping', 4],
      ],
    );
    assert.deepEqual(
      result.latencies.map((o: { name: string; p50Ns: number; selfNs: number }) => [o.name, o.p50Ns, o.selfNs]),
      [
        ['order', 90, 20],
        ['charge', 40, 40],
        ['pack', 30, 30],
        ['ping', 4, 4],
      ],
    );
  });
});

test('critical-path for people: operations, longest paths, the longest one in order; --trace shows another', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'trace.jsonl'), TRACE);
    const { stdout } = await runInProcess(['critical-path', 'trace.jsonl'], cwd);
    assert.match(stdout, /2 paths \(one a root\) in 2 traces, 94 ns in all/);
    assert.match(stdout, /shop +charge +1 +40 ns +42\.6 %/);
    assert.match(stdout, /\+10 ns +shop +charge +40 ns +44\.4 %/);
    const other = await runInProcess(['critical-path', 'trace.jsonl', '--trace', `${'0'.repeat(31)}2`], cwd);
    assert.match(other.stdout, /1 path \(one a root\) in 1 trace, 4 ns in all/);
    assert.doesNotMatch(other.stdout, /charge/);
  });
});

test('what is not a trace is one sentence and exit 3', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'profile.folded'), 'main;work 10\nmain;rest 5\n');
    await writeFile(join(cwd, 'empty'), '');
    await writeFile(join(cwd, 'trace.jsonl'), TRACE);
    const fails = async (args: string[], sentence: RegExp): Promise<void> => {
      const { code, stdout, stderr } = await runInProcess(['critical-path', ...args], cwd);
      assert.equal(code, 3, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, sentence);
    };
    await fails(['profile.folded'], /profile\.folded: expected a trace, found a profile \(collapsed\)/);
    await fails(['empty'], /empty: .*found an empty file/);
    await fails(['.'], /\.: expected a capture, found a folder/);
    await fails(['gone.json'], /gone\.json: there is no such file/);
    await fails(['trace.jsonl', '--trace', 'abc'], /expected a trace abc, found none/);
    const wrong = await runInProcess(['critical-path', 'trace.jsonl', '--top', '0'], cwd);
    assert.equal(wrong.code, 2);
  });
});

test('flame and convert take a trace, by critical-path time or by self time', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'trace.jsonl'), TRACE);
    const folded = async (...args: string[]): Promise<string[]> => {
      const { code, stdout, stderr } = await runInProcess(
        ['convert', 'trace.jsonl', '-', '--to', 'collapsed', ...args],
        cwd,
      );
      assert.equal(code, 0, stderr);
      return stdout
        .trim()
        .split('\n')
        .map(line => line.replace(/^.*?;(?=order|ping)/, ''))
        .sort();
    };
    assert.deepEqual(await folded(), ['order 20', 'order;charge 40', 'order;pack 30', 'ping 4']);
    assert.deepEqual(await folded('--event', 'self-time'), ['order 20', 'order;charge 40', 'order;pack 30', 'ping 4']);
    const { code, stderr } = await runInProcess(['flame', 'trace.jsonl', '-o', 'trace.svg'], cwd);
    assert.equal(code, 0, stderr);
    assert.match(await readFile(join(cwd, 'trace.svg'), 'utf8'), /width: critical-path 94 ns/);
    await writeFile(
      join(cwd, 'logs.jsonl'),
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"17"}]}]}]}\n',
    );
    const logs = await runInProcess(['convert', 'logs.jsonl', 'x.folded'], cwd);
    assert.equal(logs.code, 3);
    assert.match(logs.stderr, /expected a profile or spans, found only log records/);
  });
});

test('of Jaeger JSON: a span that only follows from its parent does not hold it up', async () => {
  await inFolder(async cwd => {
    const span = (spanID: string, start: number, duration: number, references: object[]): object => ({
      traceID: 'abc',
      spanID,
      operationName: spanID,
      references,
      startTime: start,
      duration,
      processID: 'p1',
    });
    const to = (refType: string): object[] => [{ refType, traceID: 'abc', spanID: 'a' }];
    const spans = [span('a', 1, 30, []), span('b', 10, 10, to('FOLLOWS_FROM')), span('c', 25, 2, to('CHILD_OF'))];
    const document = { data: [{ traceID: 'abc', spans, processes: { p1: { serviceName: 's' } } }] };
    await writeFile(join(cwd, 'jaeger.json'), JSON.stringify(document));
    const { code, stdout, stderr } = await runInProcess(['critical-path', 'jaeger.json', '--json'], cwd);
    assert.equal(code, 0, stderr);
    const { traces } = JSON.parse(stdout) as { traces: { segments: { name: string; durationNs: number }[] }[] };
    assert.deepEqual(
      traces.map(trace => trace.segments.map(s => `${s.name} ${s.durationNs}`)),
      [['a 24000', 'c 2000', 'a 4000'], ['b 10000']],
    );
  });
});
