// Reports and differential flame graphs in a browser: by keyboard alone, in light and dark, at the width of a phone and
// in print; text that can be read (contrast computed), nothing asked of the network, nothing on the console. Skips where
// there is no Chromium. REPORT_SHOTS=folder keeps pictures of what it saw.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { otlpOfTrace } from '../analyzers/lifecycle/otlp-of-trace.ts';
import { SimulatedTasker } from '../analyzers/lifecycle/simulated-tasker.ts';
import { launchChromium } from './chromium.ts';
import { contrastProbe, type FaintText } from './contrast.ts';

const TPROF = join(import.meta.dirname, '../../bin/tprof.js');
/** Contrast that text must have (WCAG 2.2, AA). */
const READABLE = 4.5;
const folder = mkdtempSync(join(tmpdir(), 'tprof-report-'));
const problems: string[] = [];

function tprof(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [TPROF, ...args], { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, `tprof ${args.join(' ')}: ${stderr}`);
}

const PROGRAM = `
const words = Array.from({ length: 2000 }, (_, i) => ({ id: i, text: 'word ' + i, list: [i, i * 2] }));
function render() { return JSON.stringify(words); }
function parse(text) { return JSON.parse(text).reduce((sum, word) => sum + word.list[1], 0); }
function hash(text) { let h = 0; for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) | 0; return h; }
const until = Date.now() + 1200;
let sum = 0;
while (Date.now() < until) { const text = render(); sum += parse(text) + hash(text); }
console.log(sum);
`;

/** The pages that a user gets, made by the command line as a user makes them. */
function makePages(): string[] {
  writeFileSync(join(folder, 'work.mjs'), PROGRAM);
  tprof('record', '--no-trace', '-o', 'capture', '--', process.execPath, 'work.mjs');
  const before = 'main;serve;parse_json 500\nmain;serve;query;read 300\nmain;gone;old 150\nmain;idle_check 50\n';
  const after = 'main;serve;parse_json 800\nmain;serve;query;read 150\nmain;fresh;`new`<T> 90\nmain;idle_check 50\n';
  writeFileSync(join(folder, 'before.folded'), before);
  writeFileSync(join(folder, 'after.folded'), after);
  tprof('diff', 'before.folded', 'after.folded', '--flame', 'diff-flame.html', '-o', 'diff.html');
  tprof('diff', 'before.folded', 'after.folded', '--flame', 'diff-flame.svg', '-o', 'again.html');
  const tasks = Array.from({ length: 4 }, () => [[], [0], [0], [1, 2]]);
  const { trace } = new SimulatedTasker({ seed: 5, tasks, everyNs: 1e9, backend: 'pgmq', logs: true }).run();
  writeFileSync(join(folder, 'trace.jsonl'), otlpOfTrace(trace).traces);
  tprof('breakdown', 'trace.jsonl', '-o', 'breakdown.html');
  tprof('critical-path', 'trace.jsonl', '-o', 'critical-path.html');
  tprof('tickets', 'trace.jsonl', '-o', 'tickets.html');
  return ['capture/report.html', 'diff.html', 'breakdown.html', 'critical-path.html', 'tickets.html'];
}

async function open(browser: Browser, file: string, options: { dark?: boolean; width?: number } = {}): Promise<Page> {
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1100, height: 800 },
    colorScheme: options.dark === true ? 'dark' : 'light',
  });
  page.on('pageerror', error => problems.push(`${file}: ${error.message}`));
  page.on('console', message => problems.push(`${file}: ${message.text()}`));
  page.on('request', request => {
    if (!/^(file|data):/.test(request.url())) problems.push(`${file} asked for ${request.url()}`);
  });
  await page.goto(pathToFileURL(join(folder, file)).href);
  return page;
}

async function shot(page: Page, name: string, whole = true): Promise<void> {
  if (process.env.REPORT_SHOTS === undefined) return;
  mkdirSync(process.env.REPORT_SHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.REPORT_SHOTS, `${name.replaceAll('/', '-')}.png`), fullPage: whole });
}

async function assertReadable(page: Page, name: string): Promise<string> {
  const { looked, lowest, faint } = await page.evaluate<{ looked: number; lowest: number; faint: FaintText[] }>(
    contrastProbe(READABLE),
  );
  assert.ok(looked > 5, `${name}: ${looked} texts were found`);
  assert.deepEqual(faint.slice(0, 5), [], `${name}: ${faint.length} of ${looked} texts are below ${READABLE}:1`);
  return `${looked} texts, the faintest ${lowest}:1`;
}

async function reports(browser: Browser, files: readonly string[]): Promise<void> {
  for (const file of files) {
    for (const dark of [false, true]) {
      const page = await open(browser, file, { dark });
      const told = await assertReadable(page, `${file}, ${dark ? 'dark' : 'light'}`);
      await shot(page, `${file}-${dark ? 'dark' : 'light'}`);
      console.log(`  ${file} ${dark ? 'dark' : 'light'}: ${told}`);
      await page.close();
    }
    const phone = await open(browser, file, { width: 390 });
    const overflow = await phone.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    assert.ok(overflow <= 0, `${file}: ${overflow} px wider than a phone; tables scroll, the page does not`);
    await shot(phone, `${file}-phone`, false);
    await phone.emulateMedia({ media: 'print' });
    await assertReadable(phone, `${file}, print`);
    await phone.close();
  }
}

/** What the focus is on, whether that can be seen, and whether it is on the screen. */
const FOCUS = `(() => {
  const at = document.activeElement;
  if (at === null || at === document.body || at === document.documentElement) return null;
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const inner = at.querySelector('rect, .box');
  const stroke = inner === null ? 0 : Number.parseFloat(getComputedStyle(inner).strokeWidth);
  const shadow = style.boxShadow !== 'none';
  const outlined = style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) > 0;
  return {
    name: at.getAttribute('aria-label') ?? at.id ?? at.className ?? at.tagName,
    tag: at.tagName.toLowerCase(),
    visible: outlined || shadow || stroke >= 2,
    onScreen: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    top: box.top + scrollY,
  };
})()`;

interface Focus {
  readonly name: string;
  readonly tag: string;
  readonly visible: boolean;
  readonly onScreen: boolean;
  readonly top: number;
}

async function tabThrough(page: Page, most = 200): Promise<Focus[]> {
  const stops: Focus[] = [];
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate<Focus | null>(FOCUS);
    if (focus === null) break;
    stops.push(focus);
  }
  return stops;
}

/** Whatever scrolls sideways can be reached and scrolled without a pointer, and the focus is seen wherever it is. */
async function reportKeyboard(browser: Browser, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const page = await open(browser, file, { width: 420 });
    const scrollers = await page.evaluate<number>(
      `[...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX)).length`,
    );
    const stops = await tabThrough(page);
    assert.ok(stops.length >= scrollers, `${file}: ${scrollers} things scroll, ${stops.length} can have the focus`);
    for (const stop of stops) {
      assert.ok(stop.visible, `${file}: the focus on ${stop.tag} ${stop.name} is not seen`);
      assert.ok(stop.onScreen, `${file}: the focus on ${stop.tag} ${stop.name} is off the screen`);
    }
    const tops = stops.map(stop => stop.top);
    assert.deepEqual(
      tops,
      [...tops].sort((a, b) => a - b),
      `${file}: from top to bottom`,
    );
    if (scrollers > 0) {
      await page.evaluate('document.activeElement?.blur(); scrollTo(0, 0)');
      await page.keyboard.press('Tab');
      const left = (): Promise<number> => page.evaluate('document.activeElement.scrollLeft');
      const before = await left();
      for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
      await page.waitForFunction('document.activeElement.scrollLeft > 0');
      assert.ok((await left()) > before, `${file}: scrolled by keyboard`);
      await shot(page, `${file}-focus`, false);
    }
    console.log(`  ${file}: ${scrollers} scroll at 420 px, ${stops.length} stops of the Tab key`);
    await page.close();
  }
}

/** The comparison of two call trees: walked, searched and read by keyboard; told apart without colour. */
async function differentialFlame(browser: Browser, file: string): Promise<void> {
  for (const dark of [false, true]) {
    const page = await open(browser, file, { dark });
    await page.waitForSelector('[data-node="0"]', { state: 'attached' });
    console.log(
      `  ${file} ${dark ? 'dark' : 'light'}: ${await assertReadable(page, `${file}, ${dark ? 'dark' : 'light'}`)}`,
    );
    await shot(page, `${file}-${dark ? 'dark' : 'light'}`, false);
    await page.close();
  }
  const page = await open(browser, file);
  await page.waitForSelector('[data-node="0"]', { state: 'attached' });
  const focused = (): Promise<string> =>
    page.evaluate('document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id ?? ""');
  // Everything that can be chosen is reached by Tab, in order, and seen.
  const stops = await tabThrough(page, 40);
  assert.ok(stops.length >= 3, stops.map(stop => stop.name).join(', '));
  for (const stop of stops) assert.ok(stop.visible, `${file}: the focus on ${stop.tag} ${stop.name} is not seen`);
  // In an SVG what comes last lies on top, as the controls must: there the picture has the first stop.
  const controls = stops.filter(stop => stop.tag !== 'g');
  assert.equal(
    stops.findIndex(stop => stop.tag === 'g'),
    file.endsWith('.svg') ? 0 : stops.length - 1,
  );
  const jumps = controls.filter((stop, i) => i > 0 && stop.top < controls[i - 1]!.top - 15);
  assert.deepEqual(jumps, [], 'controls from top to bottom');
  await page.evaluate('document.activeElement?.blur()');
  // Each box says both sides and the change in words.
  await page.keyboard.press('Home');
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowUp');
  const label = await focused();
  assert.match(label, /parse_json/);
  assert.match(label, /before .* after .* change \+23\.39 points/, label);
  await shot(page, `${file}-focus`, false);
  await page.keyboard.press('/');
  await page.keyboard.type('fresh|gone');
  await page.keyboard.press('Enter');
  const first = await focused();
  await page.keyboard.press('n');
  const second = await focused();
  assert.deepEqual(
    [first, second].map(text => /^(fresh|gone)/.test(text)),
    [true, true],
    `${first} / ${second}`,
  );
  await shot(page, `${file}-search`, false);
  await page.keyboard.press('Escape');
  const marks = await page.evaluate<string>(
    '[...document.querySelectorAll("[data-node] text")].map(t => t.textContent).join(" ")',
  );
  for (const mark of ['▲', '▼', '+', '×']) assert.ok(marks.includes(mark), `${mark} in ${marks}`);
  console.log(`  ${file}: ${stops.length} stops of the Tab key; ${label}`);
  await page.close();
}

const browser = await launchChromium('reports were not opened in a browser');
try {
  if (browser !== undefined) {
    const files = makePages();
    const checks: readonly (readonly [string, () => Promise<void>])[] = [
      ['reports in light and dark, on a phone, in print', () => reports(browser, files)],
      ['reports by keyboard', () => reportKeyboard(browser, files)],
      ['differential flame graph, page', () => differentialFlame(browser, 'diff-flame.html')],
      ['differential flame graph, SVG alone', () => differentialFlame(browser, 'diff-flame.svg')],
    ];
    for (const [name, check] of checks) {
      await check();
      console.log(`ok: ${name}`);
    }
    assert.deepEqual(problems, []);
    console.log('nothing was asked of the network, nothing was on the console');
  }
} finally {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
}
