// What other people's tools make of our files, and of the same input: inferno's collapsed output byte for byte, and the
// same top ten in pprof and in the Firefox Profiler's own engine. Each check says that it is skipped where its tool is
// missing: inferno-collapse-perf and pprof on the PATH (or GOBIN), PROFILER_CLI for the Firefox Profiler's command line.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { memorySource } from '../../src/base/source.ts';
import { detectFormat } from '../../src/cli/inputs.ts';
import type { Profile } from '../../src/model/profile.ts';

const TPROF = fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tprof-oracles-'));

try {
  const texts = perfScripts();
  checkInferno(texts);
  await checkPprof([...texts, fixture('pprof/go-cpu.pb.gz'), fixture('cpuprofile/node24.cpuprofile')]);
  // One thread each, since profiler-cli looks at one at a time.
  await checkFirefox([fixture('cpuprofile/node24.cpuprofile'), fixture('pprof/go-cpu.pb.gz')]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Texts to compare on: the fixture, one recorded now, and a recorded Tasker beside the checkout. */
function perfScripts(): string[] {
  const found = [fixture('perf-script/mixed.txt')];
  const capture = new URL('../../../shared/captures/tasker/perf-linear-pgmq/perf-script.txt.gz', import.meta.url);
  if (existsSync(capture)) {
    const path = join(folder, 'tasker.txt');
    writeFileSync(path, gunzipSync(readFileSync(capture)));
    found.push(path);
  } else console.log('skipped: the recording of a Tasker is not beside the checkout');
  const data = join(folder, 'perf.data');
  const program = `const t = Date.now(); while (Date.now() - t < 700) JSON.parse(JSON.stringify([...Array(500).keys()]))`;
  const recorded = spawnSync(
    'perf',
    [
      ...['record', '-q', '-F', '999', '-e', 'cpu-clock', '-g', '-o', data, '--'],
      ...[process.execPath, '--perf-basic-prof', '--interpreted-frames-native-stack', '-e', program],
    ],
    { cwd: folder },
  );
  if (recorded.status === 0) {
    const path = join(folder, 'recorded.txt');
    writeFileSync(path, spawnSync('perf', ['script', '-i', data], { maxBuffer: 2 ** 30 }).stdout);
    found.push(path);
  } else console.log('skipped: perf cannot record here');
  return found;
}

function checkInferno(texts: readonly string[]): void {
  if (spawnSync('inferno-collapse-perf', ['--help']).status !== 0) {
    console.log('skipped: inferno-collapse-perf is not on the PATH (cargo install inferno)');
    return;
  }
  for (const text of texts) {
    for (const options of [
      [],
      ['--all'],
      ['--kernel'],
      ['--jit'],
      ['--pid'],
      ['--tid'],
      ['--addrs'],
      ['--all', '--tid', '--addrs'],
    ]) {
      const theirs = spawnSync('inferno-collapse-perf', ['-q', '-n', '1', ...options, text], { maxBuffer: 2 ** 30 });
      const ours = tprof('convert', '-q', text, '-', '--to', 'collapsed', ...options);
      assert.ok(ours.equals(theirs.stdout), `${text} ${options.join(' ')} differs from inferno's output`);
    }
    console.log(
      `inferno: ${text}: the same bytes with 8 sets of options, ${tprof('convert', '-q', text, '-', '--to', 'collapsed').length} bytes`,
    );
  }
}

async function checkPprof(inputs: readonly string[]): Promise<void> {
  const pprof = [process.env.PPROF, 'pprof', join(process.env.GOBIN ?? '', 'pprof')].find(
    path => path !== undefined && spawnSync(path, ['-h']).error === undefined,
  );
  if (pprof === undefined) {
    console.log('skipped: pprof is not on the PATH (go install github.com/google/pprof@latest)');
    return;
  }
  for (const input of inputs) {
    const out = join(folder, 'out.pb.gz');
    tprof('convert', '-q', input, out);
    const printed = spawnSync(pprof, ['-top', '-nodecount=10', '-nodefraction=0', '-unit=ns', out], {
      encoding: 'utf8',
    });
    const rows = [
      ...printed.stdout.matchAll(
        /^\s*([\d.]+)\w*\s+[\d.]+%\s+[\d.]+%\s+\S+\s+[\d.]+%\s+(.+?)(?: \((?:partial-)?inline\))?$/gm,
      ),
    ];
    assert.ok(rows.length > 0, `${input}: pprof printed ${printed.stdout}${printed.stderr}`);
    const ours = selfOf(await readProfile(input));
    for (const [, self, name] of rows) {
      // pprof shortens names for display: template arguments and parameters go.
      const own = [...ours]
        .filter(([known]) => shortened(known) === shortened(name!))
        .reduce((sum, [, v]) => sum + v, 0);
      assert.ok(Math.abs(own - Number(self)) <= 0.005 * own + 1, `${input}: ${name}: pprof ${self}, tprof ${own}`);
    }
    console.log(`pprof: ${input}: ${rows.length} functions with the same self value`);
  }
}

function shortened(name: string): string {
  if (/^\([^()]*\)$/.test(name)) return name;
  let plain = name;
  for (let before = ''; before !== plain; ) {
    before = plain;
    plain = plain.replace(/<[^<>]*>|\([^()]*\)/g, '');
  }
  return plain
    .replace(/^(::)+/, '')
    .replaceAll('"', '')
    .trim();
}

async function checkFirefox(inputs: readonly string[]): Promise<void> {
  const cli = process.env.PROFILER_CLI;
  if (cli === undefined || !existsSync(cli)) {
    console.log('skipped: PROFILER_CLI does not name profiler-cli.js (npm install @firefox-devtools/profiler-cli)');
    return;
  }
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [cli, ...args], {
      encoding: 'utf8',
      env: { ...process.env, HOME: folder },
      maxBuffer: 2 ** 28,
    });
  for (const input of inputs) {
    const out = join(folder, 'out.firefox.json');
    tprof('convert', '-q', input, out);
    run('load', out);
    const listed = await eventually(() => run('thread', 'samples', '--json', '--include-idle'));
    run('stop', '--all');
    const ours = selfOf(await readProfile(input));
    const result = JSON.parse(listed) as { topFunctionsBySelf?: { name: string; selfSamples: number }[] };
    const theirs = new Map<string, number>();
    for (const { name, selfSamples } of result.topFunctionsBySelf ?? []) {
      // `library!function` where the library is known.
      const bare = ours.has(name) ? name : name.slice(name.indexOf('!') + 1);
      theirs.set(bare, (theirs.get(bare) ?? 0) + selfSamples * 1e6);
    }
    assert.ok(theirs.size > 0, `${input}: profiler-cli gave ${listed.slice(0, 300)}`);
    for (const [name, self] of theirs) {
      const own = ours.get(name) ?? 0;
      assert.ok(Math.abs(own - self) <= 1000 + own * 1e-3, `${input}: ${name}: Firefox Profiler ${self}, tprof ${own}`);
    }
    console.log(`Firefox Profiler: ${input}: ${theirs.size} functions with the same self value`);
  }
}

/** The daemon of profiler-cli may need longer than its own patience to start. */
async function eventually(attempt: () => { stdout: string; status: number | null }): Promise<string> {
  for (let tries = 0; ; tries++) {
    const { stdout, status } = attempt();
    if ((status === 0 && stdout.trim() !== '') || tries === 20) return stdout;
    await new Promise(resolve => setTimeout(resolve, 500));
  }
}

function tprof(...args: string[]): Buffer {
  const { stdout, stderr, status } = spawnSync(process.execPath, [TPROF, ...args], { maxBuffer: 2 ** 30 });
  assert.equal(status, 0, String(stderr));
  return stdout;
}

async function readProfile(path: string): Promise<Profile> {
  const bytes = readFileSync(path);
  const source = memorySource(path, bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);
  const format = detectFormat(source);
  assert.ok(format.kind === 'profile' && format.read !== undefined);
  return format.read(source, {});
}

/** Self value of each function by its name, in the default weight. */
function selfOf({ samples, stacks, frames, strings, defaultValue }: Profile): Map<string, number> {
  const self = new Map<string, number>();
  for (let s = 0; s < samples.length; s++) {
    if (samples.stack[s]! < 0) continue;
    const name = strings[frames.name[stacks.frame[samples.stack[s]!]!]!]!;
    self.set(name, (self.get(name) ?? 0) + samples.values[defaultValue]![s]!);
  }
  return self;
}
