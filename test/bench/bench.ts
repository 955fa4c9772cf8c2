// npm run bench [-- NAME…]: every figure that the README quotes. Names are the files of this folder that end in
// `.bench.ts`; each exports `bench()`, which prints its own rows. Never part of the tests: figures are not assertions.
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineLine } from './machine.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const available = globSync('*.bench.ts', { cwd: folder })
  .map(file => basename(file, '.bench.ts'))
  .sort();
const asked = process.argv.slice(2).filter(word => !word.startsWith('-'));
const unknown = asked.filter(name => !available.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(', ')}; there are: ${available.join(', ')}\n`);
  process.exitCode = 2;
} else {
  process.stdout.write(`${machineLine()}\n`);
  for (const name of asked.length > 0 ? asked : available) {
    process.stdout.write(`\n== ${name}\n`);
    const { bench } = (await import(`./${name}.bench.ts`)) as { bench: () => Promise<void> };
    await bench();
  }
}
