import { labelOf } from '../box-text.ts';
import { buildView } from '../build-view.ts';
import type { FlamePayload } from '../codec.ts';
import { decodeModel } from '../decode-model.ts';
import type { FlameState, FlameView } from '../flame-model.ts';
import type { FlameGeometry } from '../geometry.ts';
import type { PaintScale } from '../paint-of.ts';
import { readAddress, writeAddress } from './address.ts';
import { createControls } from './controls.ts';
import { createElement, createShape } from './create-element.ts';
import type { DomEvent, DomWindow } from './dom.ts';
import { drawBoxes, rowOf } from './draw-boxes.ts';
import type { LivePicture } from './picture.ts';
import { neighbour, nextMatch, nodeAt, pathOf, widestChild } from './steps.ts';
import { createTooltip } from './tooltip.ts';

/**
 * Makes the still picture in a document live: an SVG opened by itself, or one inside a page. Runs in the browser; its
 * source and that of everything it calls is put into the picture by `flameProgram`.
 */
export function startFlame(window: DomWindow, payload: FlamePayload, geometry: FlameGeometry, scale: PaintScale): void {
  const { document } = window;
  const svg = document.getElementById('flame')!;
  const host = document.getElementById('flame-host');
  const model = decodeModel(payload);
  const initial = payload.state;

  // The still picture makes room. In a page the controls stand above the svg; alone, inside of it.
  document.getElementById('flame-still')?.remove();
  for (const name of ['viewBox', 'aria-labelledby']) svg.removeAttribute(name);
  svg.setAttribute('role', 'group');
  svg.setAttribute('aria-label', 'Flame graph');
  svg.setAttribute('width', '100%');
  const foreign = createShape(document, 'foreignObject', { x: 0, y: 0, width: '100%', height: 100 });
  const inner = createElement(document, 'div', { class: 'inside' });
  const layer = createShape(document, 'g', { role: 'tree', 'aria-label': 'Boxes of functions', class: 'b' });
  const ruler = createShape(document, 'text', { x: 0, y: -100 }, 'M'.repeat(40));
  const frame = createShape(document, 'g', { class: 'b', 'aria-hidden': 'true' });
  frame.appendChild(ruler);
  svg.appendChild(frame);
  svg.appendChild(layer);
  const character = ruler.getComputedTextLength() / 40 || geometry.character;
  frame.remove();

  let compiled = '';
  const picture: LivePicture = {
    window,
    model,
    initial,
    scale,
    geometry,
    svg,
    layer,
    state: initial,
    view: buildView(model, initial),
    matches: undefined,
    focus: 0,
    width: 100,
    character,
    top: 0,
    printing: false,
    shown: new Map(),
    go,
    arrange,
  };
  /** Compiles the search; returns what is wrong with it, or ''. */
  function search(text: string): string {
    const key = `${picture.state.matchCase}${text}`;
    if (key === compiled) return '';
    let trouble = '';
    let matches: Uint8Array | undefined;
    if (text !== '') {
      try {
        const pattern = new RegExp(text, picture.state.matchCase ? 'u' : 'iu');
        matches = new Uint8Array(model.frames.length + model.processes.length + model.threads.length);
        for (let f = 1; f < matches.length; f++) matches[f] = pattern.test(labelOf(model, f)) ? 1 : 0;
      } catch (error) {
        trouble = `not a regular expression: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`;
      }
    }
    compiled = trouble === '' ? key : '\0';
    picture.matches = matches;
    drawBoxes(picture);
    return trouble;
  }

  const controls = createControls(picture, search);
  if (host === null) {
    inner.replaceChildren(controls.head, controls.bar);
    foreign.appendChild(inner);
    svg.appendChild(foreign);
  } else {
    host.replaceChildren(controls.head, controls.bar);
  }
  // Last in the document, so that it lies over everything.
  const tooltip = createTooltip(picture);

  function go(change: Partial<FlameState>): void {
    const next = { ...picture.state, ...change };
    apply(next, change.zoom === undefined);
    const address = writeAddress(picture.state, initial);
    try {
      if (window.location.hash.replace(/^#/, '') !== address) window.location.hash = address;
    } catch {
      // A sandboxed frame has no address to change: views still work, back and forward do not.
    }
  }

  function apply(next: FlameState, keepPlace: boolean): void {
    const now = picture.state;
    const keys = ['value', 'order', 'reversed', 'recursion', 'grouping', 'only', 'sandwich', 'diffWidth'] as const;
    let state = next;
    if (keys.some(key => now[key] !== next[key])) {
      const turned = now.reversed !== next.reversed || now.sandwich !== next.sandwich;
      const zoomPath = turned ? [] : pathOf(picture.view, now.zoom);
      const focusPath = turned ? [] : pathOf(picture.view, picture.focus);
      picture.view = buildView(model, next);
      if (keepPlace) state = { ...next, zoom: nodeAt(picture.view, zoomPath) };
      picture.focus = nodeAt(picture.view, focusPath);
    }
    if (state.zoom >= picture.view.length) state = { ...state, zoom: 0 };
    const moved = state.zoom !== now.zoom || picture.view.total[state.zoom] === 0;
    picture.state = state;
    if (moved && !isInside(picture.view, picture.focus, state.zoom)) picture.focus = state.zoom;
    tooltip.hide();
    controls.update();
    arrange();
    if (moved || state.direction !== now.direction || state.sandwich !== now.sandwich) reveal(state.zoom);
  }

  function isInside(view: FlameView, node: number, zoom: number): boolean {
    return node >= zoom && node < view.end[zoom]!;
  }

  /** Measures, sizes the document, draws. */
  function arrange(): void {
    const barTop = controls.bar.getBoundingClientRect().top;
    if (host === null) {
      const size = inner.getBoundingClientRect();
      const headHeight = barTop - size.top;
      foreign.setAttribute('height', String(Math.ceil(size.height)));
      // The bar stays on the screen; title and facts scroll away.
      foreign.setAttribute('y', String(Math.max(0, Math.floor(-svg.getBoundingClientRect().top - headHeight))));
      picture.top = Math.ceil(size.height) + geometry.margin;
    } else {
      picture.top = geometry.margin;
    }
    const rows = picture.view.maxLevel - picture.view.minLevel + 1;
    // At least as high as the window, so that the card beside a box low in a flat picture is not cut off.
    const room = window.innerHeight - (host === null ? 0 : controls.bar.getBoundingClientRect().height);
    svg.setAttribute('height', String(Math.max(picture.top + rows * geometry.row + geometry.margin, room)));
    picture.width = Math.max(50, svg.getBoundingClientRect().width - 2 * geometry.margin);
    layer.setAttribute('transform', `translate(${geometry.margin} ${picture.top})`);
    drawBoxes(picture);
  }

  /** Scrolls so that the row of a box, and some of what is on it, can be seen. */
  function reveal(node: number): void {
    const at = svg.getBoundingClientRect().top + picture.top + rowOf(picture, picture.view.level[node]!) * geometry.row;
    const barHeight = controls.bar.getBoundingClientRect().height;
    const room = window.innerHeight - barHeight;
    if (at < barHeight + geometry.row || at > window.innerHeight - 2 * geometry.row) {
      const upward = picture.state.direction === 'flame' && picture.state.sandwich < 0;
      window.scrollTo(0, Math.max(0, window.scrollY + at - barHeight - room * (upward ? 0.8 : 0.2)));
      arrange();
    }
  }

  function focusOn(node: number): void {
    if (node < 0) return;
    picture.focus = node;
    reveal(node);
    drawBoxes(picture);
    const box = picture.shown.get(node);
    if (box === undefined) return;
    box.focus({ preventScroll: true });
    const place = box.getBoundingClientRect();
    tooltip.show(node, Math.max(place.left, 0), place.top + place.height - 14);
  }

  function step(key: string): void {
    const { view, state, focus } = picture;
    const narrowest = (geometry.minWidth * view.total[state.zoom]!) / picture.width;
    if (key === 'ArrowLeft' || key === 'ArrowRight') {
      focusOn(neighbour(view, focus, key === 'ArrowRight' ? 1 : -1, state.zoom, narrowest));
      return;
    }
    const level = view.level[focus]!;
    const upward = state.direction === 'flame' && state.sandwich < 0;
    // On the screen: which side the children are on. The root of a sandwich has some on both.
    const down = key === 'ArrowDown';
    const sign = upward ? 1 : level < 0 ? -1 : level > 0 ? 1 : down ? 1 : -1;
    const away = upward ? !down : level < 0 ? !down : level > 0 ? down : true;
    focusOn(away ? widestChild(view, focus, sign, narrowest) : view.parent[focus]!);
  }

  function onKey(event: DomEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { state, view } = picture;
    const typing = event.target === controls.searchBox;
    if (event.key === 'Escape') {
      controls.searchBox.value = '';
      controls.searchBox.blur();
      go({ search: '', zoom: 0, sandwich: -1 });
      focusOn(picture.focus);
      tooltip.hide();
    } else if (typing && event.key === 'Enter') {
      // Leaving the box tells the controls, which draw anew: only then is there a box to go to.
      controls.searchBox.blur();
      go({ search: controls.searchBox.value });
      const { matches, focus } = picture;
      if (matches !== undefined) {
        focusOn(matches[view.frame[focus]!] === 1 ? focus : nextMatch(view, focus, 1, state.zoom, matches));
      }
    } else if (typing || /^(select|button|input)$/i.test(event.target?.tagName ?? '')) {
      return;
    } else if (/^Arrow/.test(event.key)) {
      step(event.key);
    } else if (event.key === 'Enter' || event.key === ' ') {
      go({ zoom: picture.focus });
      focusOn(picture.focus);
    } else if (event.key === 'Backspace') {
      go({ zoom: Math.max(0, view.parent[state.zoom]!) });
      focusOn(picture.focus);
    } else if (event.key === 'Home') {
      focusOn(state.zoom);
    } else if (event.key === '/') {
      controls.searchBox.focus();
      controls.searchBox.select();
    } else if ((event.key === 'n' || event.key === 'N') && picture.matches !== undefined) {
      const next = nextMatch(view, picture.focus, event.key === 'n' ? 1 : -1, state.zoom, picture.matches);
      const narrowest = (geometry.minWidth * view.total[state.zoom]!) / picture.width;
      if (next >= 0 && view.total[next]! < narrowest) go({ zoom: view.parent[next]! });
      focusOn(next);
    } else if (event.key === 's') {
      const selected = view.frame[picture.focus]!;
      if (selected > 0 && selected < model.frames.length) go({ sandwich: selected, zoom: 0 });
      focusOn(picture.focus);
    } else if (event.key === 'f') {
      controls.toggleFunctions();
    } else if (event.key === '?') {
      controls.toggleHelp();
    } else if (event.key === 'i') {
      go({ direction: state.direction === 'flame' ? 'icicle' : 'flame' });
    } else if (event.key === 'v') {
      go({ reversed: !state.reversed });
    } else if (event.key === 't' && model.timeOrdered) {
      go({ order: state.order === 'time' ? 'left-heavy' : 'time' });
    } else if (event.key === 'r') {
      go({ recursion: state.recursion === 'keep' ? 'direct' : state.recursion === 'direct' ? 'all' : 'keep' });
    } else {
      return;
    }
    event.preventDefault();
  }

  const nodeOf = (event: DomEvent): number => {
    const text = event.target?.closest('[data-node]')?.getAttribute('data-node');
    return text === null || text === undefined ? -1 : Number(text);
  };
  layer.addEventListener('click', event => {
    const node = nodeOf(event);
    if (node < 0) return;
    picture.focus = node;
    go({ zoom: node });
    picture.shown.get(picture.focus)?.focus({ preventScroll: true });
  });
  layer.addEventListener('mousemove', event => {
    const node = nodeOf(event);
    if (node >= 0) tooltip.show(node, event.clientX, event.clientY);
    else tooltip.hide();
  });
  layer.addEventListener('mouseleave', () => tooltip.hide());
  window.addEventListener('keydown', onKey);
  window.addEventListener('hashchange', () => {
    const hash = window.location.hash.replace(/^#/, '');
    if (hash !== writeAddress(picture.state, initial)) apply(readAddress(hash, initial, model), false);
  });
  let waiting = false;
  const later = (): void => {
    if (waiting) return;
    waiting = true;
    window.requestAnimationFrame(() => {
      waiting = false;
      arrange();
    });
  };
  window.addEventListener('scroll', later, { passive: true });
  window.addEventListener('resize', later);
  for (const [type, printing] of [
    ['beforeprint', true],
    ['afterprint', false],
  ] as const) {
    window.addEventListener(type, () => {
      picture.printing = printing;
      arrange();
    });
  }

  apply(readAddress(window.location.hash, initial, model), false);
  reveal(picture.state.zoom);
}
