import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cargoFlamegraph, cargoFlamegraphWords } from '../../collectors/profilers/cargo-flamegraph.ts';
import { TprofError } from '../../src/base/errors.ts';

const words = (line: string): string => cargoFlamegraphWords(line.split(' ')).join(' ');

test('cargo-flamegraph: takes the place of the cargo command that was typed', () => {
  assert.equal(words('cargo run --release --bin server -- --port 80'), '--release --bin server -- --port 80');
  assert.equal(words('/usr/bin/cargo +nightly run -p core --example demo'), '-p core --example demo');
  assert.equal(words('cargo run -q --quiet --bin a -- -q'), '--bin a -- -q');
  assert.equal(words('cargo bench --bench sums'), '--bench sums');
  assert.equal(words('cargo test --test end_to_end -- name'), '--test end_to_end -- name');
  assert.equal(words('cargo test --lib -p core -- name'), '--unit-test -p core -- name');
  assert.equal(words('cargo flamegraph --bin server'), '--bin server');
});

test('cargo-flamegraph: what is no target of cargo is refused, with what to type', () => {
  for (const line of ['./server --port 80', 'cargo build', 'cargo', 'cargo bench -- --bench']) {
    assert.throws(
      () => words(line),
      (error: unknown) => error instanceof TprofError && error.code === 'usage' && /--profiler/.test(error.hint ?? ''),
      line,
    );
  }
});

test('cargo-flamegraph: check names the version, or the command that mends what is missing', async () => {
  const status = await cargoFlamegraph.check();
  if (status.usable) assert.match(status.version, /^\d+\.\d+\.\d+$/);
  else assert.match(status.hint, /^(cargo install flamegraph|sudo|run on)/);
});
