import { readFileSync } from 'node:fs';

/** The package's version: package.json lies beside `src/` in a checkout and above `dist/` when installed. */
export const TPROF_VERSION: string = readVersion();

function readVersion(): string {
  for (const relative of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(relative, import.meta.url), 'utf8');
      const { name, version } = JSON.parse(text) as { name: string; version: string };
      if (name === 'tprof') return version;
    } catch {
      // Not at this depth: the other layout.
    }
  }
  return 'unknown';
}
