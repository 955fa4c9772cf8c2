import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../golden/flame/', import.meta.url));

/** Compares with `test/golden/flame/NAME`; `TPROF_BLESS=1` writes it anew. */
export function assertGolden(name: string, actual: string): void {
  if (process.env.TPROF_BLESS === '1') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(FOLDER + name, actual);
    return;
  }
  let expected: string;
  try {
    expected = readFileSync(FOLDER + name, 'utf8');
  } catch {
    assert.fail(`test/golden/flame/${name} is not there; TPROF_BLESS=1 npm test writes it`);
  }
  assert.equal(
    actual,
    expected,
    `differs from test/golden/flame/${name}; if the change is meant, TPROF_BLESS=1 npm test writes it anew`,
  );
}
