// The newcomer's command for real, and what it leaves opened by its readers: speedscope's own viewer in a browser
// loads the profile and names our functions, its JSON schema accepts the file, the flame graph renders as a picture.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { Browser } from 'playwright-core';
import { launchChromium } from './chromium.ts';

const TPROF = 'bin/tprof.js';
const folder = mkdtempSync(join(tmpdir(), 'tprof-browser-'));
const capture = join(folder, 'capture');

/** Runs in the page: how wide the image is, and how many colours it has. */
const COLOURS_OF_IMAGE = `(async () => {
  const image = document.querySelector('img');
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return [image.naturalWidth, seen.size];
})()`;

async function openInBrowser(browser: Browser): Promise<void> {
  const view = spawn(process.execPath, [TPROF, 'view', capture, '--no-open'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      view.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()));
      view.once('exit', code => reject(new Error(`tprof view ended with ${code}`)));
    });
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', error => problems.push(error.message));
    page.on('requestfailed', request => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
    page.on('request', request => {
      if (!/^(http:\/\/127\.0\.0\.1:|data:|blob:)/.test(request.url())) problems.push(`asked for ${request.url()}`);
    });
    await page.goto(url);
    const report = await page.frameLocator('iframe[name=page]').locator('h1').textContent();
    assert.equal(report, 'e2e-linear');

    await page.click('text=speedscope');
    const speedscope = page.frameLocator('iframe[name=page]');
    await speedscope.getByText('Sandwich').click();
    const rows = await speedscope.locator('table tr').allTextContents();
    assert.ok(rows.length > 10, `speedscope lists ${rows.length} functions`);
    assert.ok(
      rows.some(row => row.includes('(garbage collector)') || row.includes('processTicksAndRejections')),
      rows.slice(0, 5).join(' | '),
    );
    console.log(`speedscope lists ${rows.length} functions of the profile`);

    const picture = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    await picture.setContent(
      `<img src="data:image/svg+xml;base64,${readFileSync(join(capture, 'flame.svg')).toString('base64')}">`,
    );
    const [width = 0, colours = 0] = (await picture.evaluate(COLOURS_OF_IMAGE)) as number[];
    assert.ok(width >= 600 && colours > 8, `${width} px wide, ${colours} colours`);
    console.log(`flame.svg in an <img>: ${width} px wide, ${colours} colours`);
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    view.kill('SIGINT');
  }
}

try {
  const recorded = spawnSync(
    process.execPath,
    [TPROF, 'record', '-o', capture, '--', 'e2e', 'linear', '--tasks', '5'],
    { encoding: 'utf8' },
  );
  assert.equal(recorded.status, 0, recorded.stderr);

  const require = createRequire(import.meta.url);
  const schema = JSON.parse(
    readFileSync(require.resolve('speedscope/dist/release/file-format-schema.json'), 'utf8'),
  ) as object;
  const profile = JSON.parse(readFileSync(join(capture, 'profile.speedscope.json'), 'utf8')) as { profiles: unknown[] };
  const ajv = new Ajv({ strict: false });
  assert.ok(ajv.validate(schema, profile), ajv.errorsText());
  assert.ok(profile.profiles.length >= 3, 'a profile of each process');
  console.log(`speedscope's schema accepts ${profile.profiles.length} profiles`);

  const browser = await launchChromium('nothing was opened in a browser');
  if (browser !== undefined) await openInBrowser(browser);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
