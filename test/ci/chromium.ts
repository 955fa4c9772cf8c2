import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where Debian, Ubuntu and Google put one; the first that is there is used. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'] as const;

/** As root and without a display, and asking nobody for anything by itself. */
const ARGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser for a check; undefined where the machine has none, which is said on standard output. */
export async function launchChromium(what: string): Promise<Browser | undefined> {
  const executablePath = PLACES.find(place => existsSync(place));
  if (executablePath === undefined) {
    console.log(`skipped: no ${PLACES[0]} here, so ${what} (apt-get install chromium)`);
    return undefined;
  }
  return chromium.launch({ executablePath, args: [...ARGS] });
}
