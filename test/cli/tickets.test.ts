import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TicketsResult } from '../../analyzers/tickets.ts';
import { otlpOfTrace } from '../analyzers/lifecycle/otlp-of-trace.ts';
import { SimulatedTasker } from '../analyzers/lifecycle/simulated-tasker.ts';
import { inFolder, runInProcess } from './run-tprof.ts';

const FOLDED = 'main;serve;hot 600\nmain;serve;tracing::span::enter 120\nmain;rest 20\n';

/** A trace of a workflow with `count` chains of three steps. */
function workflowTrace(count: number): string {
  const tasks = Array.from({ length: count }, () => [[], [0], [1]]);
  const { trace } = new SimulatedTasker({ seed: 7, tasks, everyNs: 1e9, backend: 'pgmq', logs: true }).run();
  return otlpOfTrace(trace).traces;
}

test('a workflow trace: drafts with a replay, as Markdown, as JSON, and one file each', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'trace.jsonl'), workflowTrace(4));
    const markdown = await runInProcess(['tickets', 'trace.jsonl'], cwd);
    assert.equal(markdown.code, 0, markdown.stderr);
    assert.match(markdown.stdout, /^# Optimisation targets in trace\.jsonl\n/);
    assert.match(markdown.stdout, /\| half as long \| /);
    assert.match(markdown.stdout, /- \[ \] Shown by several runs before and after/);
    assert.match(markdown.stdout, /tprof diff --before BEFORE-1 .*\n {2}--expect '/);
    const json = await runInProcess(['tickets', 'trace.jsonl', '--json', '--top', '1'], cwd);
    const result = JSON.parse(json.stdout) as TicketsResult;
    assert.equal(result.schema, 'tprof.tickets/1');
    assert.ok(result.tickets.length > 1, 'JSON is never cut to a top');
    const folder = await runInProcess(['tickets', 'trace.jsonl', '-o', 'drafts'], cwd);
    assert.equal(folder.code, 0, folder.stderr);
    const files = readdirSync(join(cwd, 'drafts')).sort();
    assert.deepEqual(
      folder.stdout
        .trim()
        .split('\n')
        .map(line => line.replace('drafts/', ''))
        .sort(),
      files,
    );
    assert.ok(files.includes('README.md') && files.some(name => /^01-[a-z0-9-]+\.md$/.test(name)));
    assert.match(await readFile(join(cwd, 'drafts', files[0]!), 'utf8'), /## Acceptance criteria/);
    assert.equal((await runInProcess(['tickets', 'trace.jsonl', '-o', 'drafts'], cwd)).code, 0, 'ours is replaced');
    const capped = await runInProcess(['tickets', 'trace.jsonl', '--top', '1'], cwd);
    assert.match(capped.stdout, /draft it with --top \d+/);
  });
});

test('what --what-if answers is what the draft says', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'trace.jsonl'), workflowTrace(4));
    const { tickets } = JSON.parse(
      (await runInProcess(['tickets', 'trace.jsonl', '--json'], cwd)).stdout,
    ) as TicketsResult;
    let checked = 0;
    for (const { impact } of tickets) {
      if (impact.method !== 'replay' || impact.whatIf === null) continue;
      const asked = await runInProcess(['breakdown', 'trace.jsonl', '--what-if', impact.whatIf, '--json'], cwd);
      const [answer] = (JSON.parse(asked.stdout) as { whatIf: { p50Ns: unknown; relativeDelta: number }[] }).whatIf;
      assert.deepEqual(answer!.p50Ns, impact.halved.p50Ns);
      assert.ok(Math.abs(answer!.relativeDelta - impact.halved.relativeDelta) < 1e-12);
      checked++;
    }
    assert.ok(checked > 0);
  });
});

test('a profile alone: targets of processor time', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'a.folded'), FOLDED);
    const { stdout } = await runInProcess(['tickets', 'a.folded'], cwd);
    assert.match(stdout, /# Cheaper hot/);
    assert.match(stdout, /# Less logging and tracing/);
    assert.match(stdout, /Samples say where processors were busy, not what waited for them/);
  });
});

test('what is no evidence is refused, a folder of somebody else is left alone', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'a.folded'), FOLDED);
    await writeFile(join(cwd, 'logs.json'), JSON.stringify({ resourceLogs: [] }));
    const none = await runInProcess(['tickets', 'logs.json'], cwd);
    assert.equal(none.code, 3);
    assert.match(none.stderr, /expected spans, workflow steps or a profile, found none/);
    await mkdir(join(cwd, 'docs'));
    await writeFile(join(cwd, 'docs', 'README.md'), '# Mine\n');
    const foreign = await runInProcess(['tickets', 'a.folded', '-o', 'docs'], cwd);
    assert.equal(foreign.code, 2);
    assert.equal(await readFile(join(cwd, 'docs', 'README.md'), 'utf8'), '# Mine\n');
    const onFile = await runInProcess(['tickets', 'a.folded', '-o', 'a.folded'], cwd);
    assert.equal(onFile.code, 2);
    const one = await runInProcess(['tickets', 'a.folded', '-o', 'all.html'], cwd);
    assert.equal(one.code, 0);
    assert.ok(existsSync(join(cwd, 'all.html')));
    assert.equal((await runInProcess(['tickets'], cwd)).code, 2);
  });
});
