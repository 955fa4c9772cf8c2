// Builds dist/ with plain tsc, and copies the few files that are not TypeScript. Run by `npm run build` and `npm pack`.
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
const tsc = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
if (tsc.status !== 0) process.exit(1);
const others = globSync('{src,collectors,analyzers,flame,examples}/**/*.{json,sql,mjs,cjs,css,js,py,rb,html}', {
  cwd: root,
});
for (const file of others) cpSync(`${root}${file}`, `${root}dist/${file}`);
