import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Which rooms a room may import, and which node: modules. The same table stands in ARCHITECTURE.md. */
const ROOMS: Record<string, { rooms: readonly string[]; node: 'all' | readonly string[] }> = {
  'src/base': { rooms: [], node: ['zlib'] },
  'src/model': { rooms: ['src/base'], node: [] },
  'src/formats': { rooms: ['src/base', 'src/model', 'src/symbols'], node: ['zlib'] },
  'src/symbols': { rooms: ['src/base', 'src/model'], node: ['zlib'] },
  'src/redaction': { rooms: ['src/base', 'src/model'], node: [] },
  analyzers: { rooms: ['src/base', 'src/model'], node: [] },
  flame: { rooms: ['src/base', 'src/model', 'analyzers'], node: [] },
  'src/report': { rooms: ['src/base', 'src/model', 'analyzers', 'flame'], node: [] },
  collectors: { rooms: ['src/base', 'src/model', 'src/formats', 'src/symbols'], node: 'all' },
  'src/cli': {
    rooms: [
      'src/base',
      'src/model',
      'src/formats',
      'src/symbols',
      'src/redaction',
      'analyzers',
      'flame',
      'src/report',
      'collectors',
      'examples',
    ],
    node: 'all',
  },
  examples: { rooms: ['examples'], node: 'all' },
};

function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS).find(room => file.startsWith(`${room}/`));
}

const FILES = globSync('{src,collectors,analyzers,flame,examples}/**/*.ts', { cwd: ROOT })
  .filter(file => !file.includes('node_modules'))
  .sort();
const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s+'([^']+)'/g;

test('rooms import only the rooms that ARCHITECTURE.md allows', () => {
  const broken: string[] = [];
  for (const file of FILES) {
    const room = roomOf(file);
    if (room === undefined) continue;
    const rule = ROOMS[room]!;
    for (const match of readFileSync(join(ROOT, file), 'utf8').matchAll(IMPORT)) {
      const target = match[1] ?? match[2] ?? match[3]!;
      if (target.startsWith('node:')) {
        const allowed = rule.node === 'all' || rule.node.includes(target.slice('node:'.length));
        if (!allowed) broken.push(`${file}: ${target}`);
      } else if (target.startsWith('.')) {
        const other = relative(ROOT, resolve(ROOT, dirname(file), target));
        const otherRoom = roomOf(other);
        const known = existsSync(join(ROOT, other));
        if (!known) broken.push(`${file}: ${target} is not there`);
        else if (otherRoom !== undefined && otherRoom !== room && !rule.rooms.includes(otherRoom)) {
          broken.push(`${file}: ${other}`);
        }
      }
    }
  }
  assert.deepEqual(broken, []);
});

/** Plug-ins: id = file name = word on the command line = test file (= fixture folder, for formats). */
const PLUGINS = [
  { folder: 'src/formats', list: 'src/formats/list.ts', tests: 'test/formats', fixtures: 'test/fixtures' },
  {
    folder: 'collectors/profilers',
    list: 'collectors/profilers/list.ts',
    tests: 'test/profilers',
    fixtures: undefined,
  },
  {
    folder: 'collectors/probes',
    list: 'collectors/probes/list.ts',
    tests: 'test/collectors/probes',
    fixtures: 'test/fixtures/probes',
  },
];

for (const { folder, list, tests, fixtures } of PLUGINS) {
  test(`each plug-in of ${folder} is one file, one list line, one test${fixtures === undefined ? '' : ', one fixture'}`, () => {
    const missing: string[] = [];
    const listed = readFileSync(join(ROOT, list), 'utf8');
    for (const file of globSync(`${folder}/*.ts`, { cwd: ROOT })) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const id = /^ {2}id: '([^']+)'/m.exec(text)?.[1];
      if (id === undefined) continue;
      const name = file.slice(folder.length + 1, -'.ts'.length);
      if (id !== name) missing.push(`${file}: its id is '${id}'`);
      if (!listed.includes(`'./${name}.ts'`)) missing.push(`${list}: no line for ${id}`);
      if (!existsSync(join(ROOT, tests, `${name}.test.ts`))) missing.push(`${tests}/${name}.test.ts`);
      if (fixtures !== undefined && !existsSync(join(ROOT, fixtures, name))) missing.push(`${fixtures}/${name}/`);
    }
    assert.deepEqual(missing, []);
  });
}

test('library code does not exit, print or keep commands of its own', () => {
  const broken: string[] = [];
  for (const file of FILES) {
    if (file.startsWith('src/cli/') || file.startsWith('examples/') || file.includes('/preload/')) continue;
    const text = readFileSync(join(ROOT, file), 'utf8');
    if (/process\.exit\(|console\.(log|error|warn)/.test(text)) broken.push(file);
  }
  assert.deepEqual(broken, []);
});
