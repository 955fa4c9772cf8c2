// Flame graphs in a browser, by keyboard alone where a person could: walking, zooming, searching, going back; as an
// image; light, dark and printed; a million boxes, and 20,000 calls deep. Skips where there is no Chromium.
// FLAME_SHOTS=folder keeps pictures of what it saw.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { compareProfiles } from '../../flame/compare-profiles.ts';
import { renderFlameHtml } from '../../flame/html.ts';
import { renderFlameSvg } from '../../flame/svg.ts';
import { NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { drawnProfile } from '../flame/drawn-profile.ts';
import { launchChromium } from './chromium.ts';

const folder = mkdtempSync(join(tmpdir(), 'tprof-flame-'));
const problems: string[] = [];

const PROFILE = drawnProfile(
  `
  web 1    | main;serve;parse_json                | 300 3
  web 1    | main;serve;query;read!kernel         | 200 2
  worker 2 | main;run;poll!waiting                | 350 5
  worker 2 | main;run;fib;fib;fib;leaf            | 100 1
  web 1    | main;serve;parse_json;parse_json     | 50 1
  `,
  ['cpu nanoseconds', 'samples count'],
);

async function open(browser: Browser, file: string, scheme: 'light' | 'dark' = 'light'): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 720 }, colorScheme: scheme });
  page.on('pageerror', error => problems.push(`${file}: ${error.message}`));
  page.on('console', message => problems.push(`${file}: ${message.text()}`));
  page.on('request', request => {
    if (!/^(file|data):/.test(request.url())) problems.push(`${file} asked for ${request.url()}`);
  });
  await page.goto(pathToFileURL(join(folder, file)).href);
  await page.waitForSelector('[data-node="0"]', { state: 'attached' });
  return page;
}

const focused = (page: Page): Promise<string> =>
  page.evaluate('document.activeElement?.getAttribute("aria-label") ?? ""');
const hash = (page: Page): Promise<string> => page.evaluate('location.hash');
const found = (page: Page): Promise<string> => page.evaluate('document.getElementById("flame-found").textContent');
const labels = (page: Page): Promise<string[]> =>
  page.evaluate(
    '[...document.querySelectorAll("[data-node]")].map(box => box.getAttribute("aria-label").split(",")[0])',
  );

async function shot(page: Page, name: string): Promise<Buffer> {
  const picture = await page.screenshot();
  if (process.env.FLAME_SHOTS !== undefined) {
    mkdirSync(process.env.FLAME_SHOTS, { recursive: true });
    writeFileSync(join(process.env.FLAME_SHOTS, `${name}.png`), picture);
  }
  return picture;
}

async function keyboard(browser: Browser, file: string): Promise<void> {
  const page = await open(browser, file);
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await press('Home');
  assert.match(await focused(page), /^all, total 1\.00 µs/);
  await press('ArrowUp');
  assert.match(await focused(page), /^main,/);
  await press('ArrowUp');
  assert.match(await focused(page), /^serve, .*total 550 ns \(55\.0 %\)/);
  await press('ArrowRight');
  assert.match(await focused(page), /^run,/);
  await press('ArrowLeft', 'ArrowUp');
  assert.match(await focused(page), /^parse_json,/);
  await press('ArrowDown');
  const outline = 'getComputedStyle(document.activeElement.querySelector("rect")).strokeWidth';
  assert.equal(await page.evaluate(outline), '3px', 'the box with the focus is outlined');
  await shot(page, `${file}-focus`);

  await press('Enter');
  assert.match(await hash(page), /zoom=\d+/);
  assert.deepEqual((await labels(page)).includes('run'), false, 'zoomed: what is beside is gone');
  await press('ArrowUp', 'Enter');
  const deeper = await hash(page);
  await page.goBack();
  assert.notEqual(await hash(page), deeper);
  assert.ok((await labels(page)).includes('query'), 'back: the zoom before');
  await page.goForward();
  assert.equal(await hash(page), deeper);
  assert.ok(!(await labels(page)).includes('query'), 'forward: the zoom after');
  await press('Escape');
  assert.equal((await hash(page)).replace('#', ''), '');
  assert.ok((await labels(page)).includes('poll'));

  await press('/');
  await page.keyboard.type('parse_');
  assert.match(await found(page), /^matched 35\.0 %/, 'a match inside a match counts once');
  await press('Enter');
  assert.match(await hash(page), /search=parse_/);
  assert.match(await focused(page), /^parse_json/, 'the first match has the focus');
  await press('n');
  assert.match(await focused(page), /^parse_json, .*total 50 ns/, 'the next match');
  await shot(page, `${file}-search`);
  await page.goBack();
  assert.equal(await found(page), '');
  await press('Escape', '/');
  await page.keyboard.type('parse_(');
  assert.match(await found(page), /^not a regular expression: /);
  assert.equal(await page.evaluate('document.getElementById("flame-search").getAttribute("aria-invalid")'), 'true');
  const message = await page.locator('#flame-found').boundingBox();
  const bar = await page.locator('.bar').boundingBox();
  assert.ok(message !== null && bar !== null && message.y + message.height <= bar.y + bar.height, 'the message shows');
  const host = 'document.querySelector("foreignObject")?.getBoundingClientRect().bottom ?? 1e9';
  assert.ok(message.y + message.height <= (await page.evaluate<number>(host)), 'and is not cut off');
  await shot(page, `${file}-bad-search`);
  await press('Escape');
  assert.equal(await found(page), '');

  await press('Home', 'v');
  assert.ok((await labels(page)).includes('parse_json'));
  assert.match(await hash(page), /reversed=true/);
  await press('v', 'r', 'r');
  assert.equal((await labels(page)).filter(label => label === 'fib').length, 1, 'recursion is one box');
  await press('Escape');
  await page.reload();
  await page.waitForSelector('[data-node="0"]', { state: 'attached' });
  assert.equal((await labels(page)).filter(label => label === 'fib').length, 1, 'the address keeps the view');

  await press('f');
  const table = await page.evaluate<string>('document.querySelector("table").textContent');
  assert.match(table, /parse_json/);
  await shot(page, `${file}-functions`);
  await page.click('table button:has-text("query")');
  assert.ok((await labels(page)).includes('read') && (await labels(page)).includes('serve'), 'callers and callees');
  await shot(page, `${file}-sandwich`);
  await press('Escape');
  await page.mouse.move(600, 600);
  for (const role of ['tree', 'treeitem', 'status', 'search']) {
    assert.ok((await page.locator(`[role=${role}]`).count()) > 0, `role ${role}`);
  }
  const tabStops = await page.locator('[data-node][tabindex="0"]').count();
  assert.equal(tabStops, 1, 'one box is in the order of Tab');
  await page.close();
}

async function pointer(browser: Browser): Promise<void> {
  const page = await open(browser, 'small.html');
  const box = page.locator('[aria-label^="query"] rect');
  await box.hover();
  const card = await page.evaluate<string>('document.querySelector(".card").textContent');
  assert.match(card, /query.*total 200 ns \(20\.0 %\)self 0 ns/);
  await box.click();
  assert.match(await page.evaluate<string>('document.querySelector(".card")?.textContent ?? ""'), /^$|query/);
  assert.match(await hash(page), /zoom=/);
  await page.selectOption('select[aria-label="Process or thread"]', { label: 'worker 2 (pid 2)' });
  assert.ok(!(await labels(page)).includes('serve'), 'one process alone');
  await page.selectOption('select[aria-label="Weight"]', { label: 'samples' });
  assert.match(
    await page.evaluate<string>('document.querySelector("[data-node]").getAttribute("aria-label")'),
    /total 6 /,
  );
  await page.selectOption('select[aria-label="Process or thread"]', { label: 'all threads' });
  await page.selectOption('select[aria-label="Order of boxes"]', { label: 'time order' });
  assert.equal((await labels(page)).filter(label => label === 'serve').length, 2, 'in time: two stretches of serve');
  await page.selectOption('select[aria-label="Side by side"]', { label: 'by process' });
  assert.ok((await labels(page)).includes('web 1 (pid 1)'));
  await shot(page, 'small.html-by-process');
  await page.close();
}

/** Runs in the page: natural width, and colours, of the image. */
const LOOK_AT_IMAGE = `(async () => {
  const image = document.querySelector('img');
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const colour = '#' + [data[i], data[i + 1], data[i + 2]].map(part => part.toString(16).padStart(2, '0')).join('');
    seen.set(colour, (seen.get(colour) ?? 0) + 1);
  }
  return [image.naturalWidth, Object.fromEntries(seen)];
})()`;

async function asImage(browser: Browser): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport: { width: 1240, height: 500 }, colorScheme: scheme });
    const data = readFileSync(join(folder, 'small.svg')).toString('base64');
    await page.setContent(
      `<meta name="color-scheme" content="light dark"><img alt="" src="data:image/svg+xml;base64,${data}">`,
    );
    const [width, seen] = (await page.evaluate(LOOK_AT_IMAGE)) as [number, Record<string, number>];
    assert.equal(width, 1200);
    const text = scheme === 'light' ? '#15181d' : '#eef1f5';
    assert.ok((seen[text] ?? 0) > 50, `${scheme}: the title is drawn in ${text}`);
    // Text is smoothed: what counts is how much is nearly black on the fills, which are all light enough.
    const ink = Object.entries(seen).filter(([colour]) => /^#([0-4].){3}$/.test(colour) && colour !== '#14171c');
    const inked = ink.reduce((sum, [, count]) => sum + count, 0);
    assert.ok(inked > 400, `${scheme}: labels are drawn (${inked} dark pixels)`);
    await shot(page, `image-${scheme}`);
    await page.close();
  }
}

async function withoutScripts(browser: Browser): Promise<void> {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1240, height: 500 } });
  for (const file of ['small.svg', 'small.html']) {
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(folder, file)).href);
    assert.ok((await page.locator('#flame-still path').count()) > 2);
    assert.match((await page.locator('#flame-text').textContent()) ?? '', /parse_json: self/);
    await page.close();
  }
  await context.close();
}

async function sandboxed(browser: Browser): Promise<void> {
  const page = await browser.newPage();
  page.on('pageerror', error => problems.push(`sandbox: ${error.message}`));
  const html = readFileSync(join(folder, 'small.html'), 'utf8').replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  await page.setContent(`<iframe sandbox="allow-scripts" width="900" height="500" srcdoc="${html}"></iframe>`);
  const frame = page.frameLocator('iframe');
  await frame.locator('[aria-label^="serve"] rect').click();
  await frame.locator('[aria-label^="run"]').waitFor({ state: 'detached' });
  await page.close();
}

async function darkAndPrinted(browser: Browser): Promise<void> {
  const page = await open(browser, 'small.svg', 'dark');
  const background = 'getComputedStyle(document.documentElement).backgroundColor';
  assert.equal(await page.evaluate(background), 'rgb(20, 23, 28)');
  await shot(page, 'small.svg-dark');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.evaluate(background), 'rgb(255, 255, 255)', 'print is light');
  await shot(page, 'small.svg-print');
  await page.close();
  const diff = await open(browser, 'diff.svg');
  const marks = await diff.evaluate<string>(
    '[...document.querySelectorAll("[data-node] text")].map(t => t.textContent).join()',
  );
  for (const mark of ['▼', '▲', '+', '×']) assert.ok(marks.includes(mark), `${mark} in ${marks}`);
  await shot(diff, 'diff.svg');
  await diff.close();
}

function largeProfile(count: number): Profile {
  const builder = new ProfileBuilder('a million boxes', [{ name: 'cpu', unit: 'nanoseconds' }]);
  const thread = builder.thread({ pid: 1, tid: 1, processName: 'p', threadName: 't' });
  const frames = Array.from({ length: 8000 }, (_, i) =>
    builder.frame({ name: `some_crate::module_${i % 97}::function_${i}`, module: `lib${i % 40}.so` }),
  );
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 48271) >>> 0) % 0x7fffffff;
    return state % below;
  };
  const starts = [NO_STACK];
  for (let made = 0; made < count; ) {
    let stack = starts[Math.floor((next(1000) / 1000) ** 2 * starts.length)]!;
    for (let depth = 1 + next(30); depth > 0; depth--) {
      stack = builder.stack(stack, frames[next(frames.length)]!);
      made = Math.max(made, stack + 1);
      if (stack % 11 === 0) starts.push(stack);
    }
    builder.aggregate({ thread, stack, values: [10_101_010 * (1 + next(50))] });
  }
  return builder.finish();
}

async function large(browser: Browser): Promise<void> {
  for (const file of ['million.svg', 'deep.svg']) {
    const began = performance.now();
    const page = await open(browser, file);
    const ms = Math.round(performance.now() - began);
    const boxes = await page.locator('[data-node]').count();
    assert.ok(boxes > 1 && boxes < 30_000, `${boxes} boxes are drawn`);
    await page.keyboard.press('Home');
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    assert.match(await hash(page), /zoom=/);
    await shot(page, file);
    console.log(`${file}: open after ${ms} ms, ${boxes} boxes drawn`);
    if (file === 'deep.svg') {
      // To the far end by the address alone: the 20,000th call.
      await page.evaluate('location.hash = "zoom=19999"');
      await page.waitForSelector('[data-node="19999"]', { state: 'attached' });
      assert.match((await labels(page)).join(), /^f/);
      const rowsOnScreen = await page.locator('[data-node]').count();
      await page.evaluate('window.dispatchEvent(new Event("beforeprint"))');
      assert.ok((await page.locator('[data-node]').count()) > rowsOnScreen + 300, 'print has more than the window');
      await page.evaluate('window.dispatchEvent(new Event("afterprint"))');
      assert.equal(await page.locator('[data-node]').count(), rowsOnScreen);
    }
    await page.close();
  }
}

const browser = await launchChromium('flame graphs were not opened in a browser');
if (browser !== undefined) {
  writeFileSync(join(folder, 'small.svg'), renderFlameSvg(PROFILE, { title: 'small', command: 'e2e linear' }));
  writeFileSync(join(folder, 'small.html'), renderFlameHtml(PROFILE, { title: 'small', command: 'e2e linear' }));
  const after = drawnProfile(
    'web 1 | main;serve;parse_json | 900\nweb 1 | main;new | 100\nweb 1 | main;serve;query | 20',
  );
  writeFileSync(
    join(folder, 'diff.svg'),
    renderFlameSvg(compareProfiles(PROFILE, after, 'before → after', 'cpu'), { diff: { before: 0, after: 1 } }),
  );
  writeFileSync(join(folder, 'million.svg'), renderFlameSvg(largeProfile(1_000_000)));
  const deep = Array.from({ length: 20_000 }, (_, i) => `f${i % 9}`).join(';');
  writeFileSync(join(folder, 'deep.svg'), renderFlameSvg(drawnProfile(`t 1 | ${deep} | 10\nt 1 | f0;f1;g | 5`)));
  try {
    const checks: readonly (readonly [string, () => Promise<void>])[] = [
      ['keyboard, SVG alone', () => keyboard(browser, 'small.svg')],
      ['keyboard, page', () => keyboard(browser, 'small.html')],
      ['pointer and choices', () => pointer(browser)],
      ['as an image, light and dark', () => asImage(browser)],
      ['without scripts', () => withoutScripts(browser)],
      ['in a sandboxed frame', () => sandboxed(browser)],
      ['dark, print, comparison', () => darkAndPrinted(browser)],
      ['a million boxes, 20,000 deep', () => large(browser)],
    ];
    for (const [name, check] of checks) {
      await check();
      console.log(`ok: ${name}`);
    }
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
  }
}
rmSync(folder, { recursive: true, force: true });
