import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { ViewPage } from './view-server.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

/** speedscope's own static viewer, as its package ships it, below `/speedscope/`. */
export function speedscopePages(): Map<string, ViewPage> {
  const release = join(dirname(createRequire(import.meta.url).resolve('speedscope/package.json')), 'dist', 'release');
  const pages = new Map<string, ViewPage>();
  for (const file of readdirSync(release)) {
    const type = TYPES[extname(file)];
    if (type === undefined) continue;
    const page: ViewPage = {
      type,
      body: async function* () {
        yield await readFile(join(release, file));
      },
    };
    pages.set(`/speedscope/${file}`, page);
    if (file === 'index.html') pages.set('/speedscope/', page);
  }
  return pages;
}

/** The link that opens speedscope with a profile of the same server. */
export function speedscopeLink(profilePath: string, title: string): string {
  return `/speedscope/#profileURL=${encodeURIComponent(profilePath)}&title=${encodeURIComponent(title)}`;
}
