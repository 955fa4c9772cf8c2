import { formatCount, formatShare, formatValue } from '../../src/base/format-units.ts';
import { labelOf } from '../box-text.ts';
import { buildView } from '../build-view.ts';
import type { FlameState } from '../flame-model.ts';
import { functionTotals, matchedTotal } from '../function-totals.ts';
import { legendOf } from '../legend.ts';
import { createElement } from './create-element.ts';
import type { DomElement } from './dom.ts';
import type { LivePicture } from './picture.ts';

// Part of the program inside the pictures.

export interface Controls {
  readonly head: DomElement;
  readonly bar: DomElement;
  readonly searchBox: DomElement;
  /** Shows the picture's state in the controls: choices, legend, what the search found. */
  update(): void;
  toggleFunctions(): void;
  toggleHelp(): void;
}

/** Title, facts, legend, search, choices of view, the table of functions, and help. */
export function createControls(picture: LivePicture, onSearch: (text: string) => string): Controls {
  const { model, initial } = picture;
  const { document } = picture.window;
  const element = (
    name: string,
    attributes: Record<string, string> = {},
    children: readonly (DomElement | string)[] = [],
  ): DomElement => createElement(document, name, attributes, children);

  const viewNote = element('p', { class: 'note' });
  const legend = element('p', { class: 'legend' });
  const head = element('div', { class: 'head' }, [
    element('h1', {}, [model.title]),
    ...model.facts.map(fact => element('p', {}, [fact])),
    viewNote,
    legend,
  ]);

  const found = element('span', { id: 'flame-found', role: 'status', 'aria-live': 'polite' });
  const searchBox = element('input', {
    type: 'search',
    id: 'flame-search',
    placeholder: 'search: regular expression  ( / )',
    'aria-label': 'Search functions by regular expression',
    'aria-describedby': 'flame-found',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const caseBox = element('input', { type: 'checkbox', id: 'flame-case' });

  const selects: { key: keyof FlameState; select: DomElement }[] = [];
  const choice = (
    key: keyof FlameState,
    title: string,
    options: readonly (readonly [string, string])[],
  ): DomElement[] => {
    if (options.length < 2) return [];
    const select = element(
      'select',
      { 'aria-label': title, title },
      options.map(([value, text]) => element('option', { value }, [text])),
    );
    select.addEventListener('change', () => {
      const text = select.value;
      const was = initial[key];
      const value = typeof was === 'number' ? Number(text) : typeof was === 'boolean' ? text === 'true' : text;
      picture.go({ [key]: value } as Partial<FlameState>);
    });
    selects.push({ key, select });
    return [select];
  };
  const threads: (readonly [string, string])[] = [['', 'all threads']];
  if (model.threads.length > 1) {
    model.processes.forEach((process, p) => {
      const own = model.threads.flatMap((thread, t) => (thread.process === p ? [t] : []));
      if (model.processes.length > 1) threads.push([`p${p}`, process]);
      if (own.length > 1 || model.processes.length === 1) {
        for (const t of own) threads.push([`t${t}`, `\u2003${model.threads[t]!.label}`]);
      }
    });
  }
  const anyWaiting = model.frames.waiting.some(flag => flag === 1);
  const button = (text: string, title: string, onClick: () => void): DomElement => {
    const made = element('button', { type: 'button', title }, [text]);
    made.addEventListener('click', onClick);
    return made;
  };

  const panel = element('div', { class: 'panel', id: 'flame-panel' });
  panel.setAttribute('hidden', '');
  let panelShows = '';
  const show = (what: string, content: () => DomElement): void => {
    panelShows = panelShows === what ? '' : what;
    if (panelShows === '') panel.setAttribute('hidden', '');
    else {
      panel.replaceChildren(content());
      panel.removeAttribute('hidden');
    }
    picture.go({});
  };
  const toggleFunctions = (): void => show('functions', () => functionTable(picture));
  const toggleHelp = (): void =>
    show('help', () =>
      element('dl', {}, [...KEYS.flatMap(([key, text]) => [element('dt', {}, [key]), element('dd', {}, [text])])]),
    );

  const bar = element('div', { class: 'bar' }, [
    element('div', { class: 'row' }, [
      element('span', { role: 'search' }, [searchBox, element('label', { for: 'flame-case' }, [caseBox, 'Aa'])]),
      ...choice(
        'value',
        'Weight',
        model.diff === undefined ? model.valueTypes.map((type, v) => [String(v), type.name] as const) : [],
      ),
      ...choice('only', 'Process or thread', threads),
      ...choice('grouping', 'Side by side', [
        ['merged', 'merged'],
        ...(model.processes.length > 1 ? [['process', 'by process'] as const] : []),
        ...(model.threads.length > 1 ? [['thread', 'by thread'] as const] : []),
      ]),
      ...choice('order', 'Order of boxes', [
        ['left-heavy', 'left-heavy'],
        ...(model.timeOrdered ? [['time', 'time order'] as const] : []),
        ['name', 'by name'],
      ]),
      ...choice('direction', 'Direction', [
        ['flame', 'flame'],
        ['icicle', 'icicle'],
      ]),
      ...choice('reversed', 'Stacks', [
        ['false', 'from the root'],
        ['true', 'reversed: callers'],
      ]),
      ...choice('recursion', 'Recursion', [
        ['keep', 'recursion as is'],
        ['direct', 'collapse direct recursion'],
        ['all', 'collapse all recursion'],
      ]),
      ...choice(
        'diffWidth',
        'Width',
        model.diff === undefined
          ? []
          : [
              ['both', 'width: larger side'],
              ['after', 'width: after'],
              ['before', 'width: before'],
            ],
      ),
      ...choice('palette', 'Colours', [
        ...(model.diff === undefined ? [] : [['diff', 'colour: change'] as const]),
        ['category', 'colour: category'],
        ['name', 'colour: name'],
        ...(anyWaiting ? [['cpu', 'colour: on/off CPU'] as const] : []),
      ]),
      button('Functions', 'Table of functions (f)', toggleFunctions),
      button('Reset', 'Back to the first view (Esc)', () => picture.go({ ...initial })),
      button('Keys', 'What the keys do (?)', toggleHelp),
      found,
    ]),
    panel,
  ]);

  // While typing, the picture follows; the browser's history gets one step when the search is done.
  const searchNow = (): void => {
    say(onSearch(searchBox.value));
    picture.arrange();
  };
  const say = (trouble: string): void => {
    if (trouble === '') searchBox.removeAttribute('aria-invalid');
    else searchBox.setAttribute('aria-invalid', 'true');
    found.textContent = trouble === '' ? foundText(picture) : trouble;
  };
  searchBox.addEventListener('input', searchNow);
  searchBox.addEventListener('change', () => picture.go({ search: searchBox.value }));
  caseBox.addEventListener('change', () => picture.go({ matchCase: caseBox.checked }));

  return {
    head,
    bar,
    searchBox,
    update() {
      const { state, view } = picture;
      for (const { key, select } of selects) select.value = String(state[key]);
      if (document.activeElement !== searchBox) searchBox.value = state.search;
      caseBox.checked = state.matchCase;
      const notes: string[] = [];
      if (state.sandwich >= 0)
        notes.push(`Callers (above) and callees (below) of ${labelOf(model, state.sandwich)}. Esc goes back.`);
      if (state.order === 'time' && (state.reversed || state.sandwich >= 0))
        notes.push('Reversed stacks have no order of time.');
      if (view.cutStacks > 0) {
        notes.push(
          `${formatCount(view.cutStacks)} stacks are cut at ${formatCount(view.cutDepth)} callers: too many to draw.`,
        );
      }
      if (view.total[0] === 0) notes.push('No samples with a weight.');
      viewNote.textContent = notes.join(' ');
      legend.replaceChildren(
        ...legendOf(model, view, state.palette, state.reversed, picture.scale).map(({ paint, text }) => {
          const swatch = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
          for (const [name, value] of [
            ['width', '12'],
            ['height', '12'],
            ['aria-hidden', 'true'],
          ] as const) {
            swatch.setAttribute(name, value);
          }
          const square = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
          for (const [name, value] of [
            ['width', '12'],
            ['height', '12'],
            ['class', paint],
          ] as const) {
            square.setAttribute(name, value);
          }
          swatch.appendChild(square);
          return element('span', {}, [swatch, ` ${text}`]);
        }),
      );
      if (panelShows === 'functions') panel.replaceChildren(functionTable(picture));
      say(onSearch(document.activeElement === searchBox ? searchBox.value : state.search));
    },
    toggleFunctions,
    toggleHelp,
  };
}

export const KEYS: readonly (readonly [string, string])[] = [
  ['arrows', 'walk from box to box; up and down follow the picture'],
  ['Enter, Space', 'zoom: the box fills the width'],
  ['Backspace', 'zoom out to the caller'],
  ['/', 'search by regular expression; n and N walk through what matches'],
  ['s', 'callers and callees of the function'],
  ['f', 'table of functions'],
  ['i, v, t, r', 'icicle · reversed · time order · collapse recursion'],
  ['Home', 'to the first box'],
  ['Esc', 'ends search, zoom, and callers and callees'],
  ['Alt+← →', 'back and forward through the views, as on any page'],
];

/** `12.3 % matches (4 functions)`; in a zoomed view of what is shown. */
export function foundText(picture: LivePicture): string {
  const { matches, view, state, model } = picture;
  if (matches === undefined) return '';
  let count = 0;
  for (let frame = 1; frame < model.frames.length; frame++) count += matches[frame]!;
  const sum = matchedTotal(view, state.zoom, matches);
  const share = (part: number, of: number): string => formatShare(of === 0 ? 0 : part / of);
  const shown = share(sum, view.total[state.zoom]!);
  const weight = formatValue(sum, model.valueTypes[state.value]!.unit);
  const functions = `${formatCount(count)} ${count === 1 ? 'function' : 'functions'}`;
  if (state.zoom === 0) return `matched ${shown} (${weight}, ${functions})`;
  const everywhere = share(matchedTotal(view, 0, matches), view.total[0]!);
  return `matched ${shown} of what is shown (${weight}, ${functions}), ${everywhere} of all`;
}

/** Functions by self weight, also what a screen reader reads of the picture. A name leads to callers and callees. */
export function functionTable(picture: LivePicture): DomElement {
  const most = 200;
  const { model, state } = picture;
  const { document } = picture.window;
  const view = buildView(model, { ...state, reversed: false, sandwich: -1, order: 'left-heavy', grouping: 'merged' });
  const unit = model.valueTypes[state.value]!.unit;
  const all = view.total[0]!;
  const rows = functionTotals(view).filter(row => picture.matches === undefined || picture.matches[row.frame] === 1);
  const cell = (name: string, content: string | DomElement, attributes: Record<string, string> = {}): DomElement =>
    createElement(document, name, attributes, [content]);
  const body = rows.slice(0, most).map(({ frame, self, total }) => {
    const open = createElement(document, 'button', { type: 'button', class: 'name' }, [labelOf(model, frame)]);
    open.addEventListener('click', () => picture.go({ sandwich: frame, zoom: 0 }));
    return createElement(document, 'tr', {}, [
      cell('td', formatValue(self, unit)),
      cell('td', all === 0 ? '' : formatShare(self / all)),
      cell('td', formatValue(total, unit)),
      cell('td', all === 0 ? '' : formatShare(total / all)),
      cell('th', open, { scope: 'row' }),
    ]);
  });
  const more = rows.length > most ? `; the first ${most} of ${formatCount(rows.length)}` : '';
  return createElement(document, 'table', {}, [
    cell(
      'caption',
      `Functions by self weight (${model.valueTypes[state.value]!.name}${more}). Choose one to see its callers and callees.`,
    ),
    createElement(document, 'thead', {}, [
      createElement(
        document,
        'tr',
        {},
        ['self', '%', 'total', '%', 'function'].map(title => cell('th', title, { scope: 'col' })),
      ),
    ]),
    createElement(document, 'tbody', {}, body),
  ]);
}
