import { boxLines, shortLabel } from '../box-text.ts';
import { markedLabel, paintOf } from '../paint-of.ts';
import { walkBoxes } from '../walk-boxes.ts';
import { createShape } from './create-element.ts';
import type { DomElement } from './dom.ts';
import type { LivePicture } from './picture.ts';

// Part of the program inside the pictures.

/** Distance of a level's row from the first row, in rows. */
export function rowOf(picture: LivePicture, level: number): number {
  const { view, state } = picture;
  return state.direction === 'flame' && state.sandwich < 0 ? view.maxLevel - level : level - view.minLevel;
}

/** Draws the boxes of the rows that are on the screen, and one screen more on each side; 500 rows more for print. */
export function drawBoxes(picture: LivePicture): void {
  const { window, view, state, geometry, model } = picture;
  const { document } = window;
  const rows = view.maxLevel - view.minLevel + 1;
  const above = -picture.svg.getBoundingClientRect().top - picture.top;
  const around = picture.printing ? 500 * geometry.row : window.innerHeight;
  const firstRow = Math.max(0, Math.floor((above - around) / geometry.row));
  const lastRow = Math.min(rows - 1, Math.ceil((above + window.innerHeight + around) / geometry.row));
  const levelOf = (row: number): number =>
    state.direction === 'flame' && state.sandwich < 0 ? view.maxLevel - row : row + view.minLevel;
  const lowest = Math.min(levelOf(firstRow), levelOf(lastRow));
  const highest = Math.max(levelOf(firstRow), levelOf(lastRow));
  const hadFocus = document.activeElement?.getAttribute('data-node') !== null && document.activeElement !== null;

  const shown = new Map<number, DomElement>();
  const children: DomElement[] = [];
  const narrowest = picture.geometry.minWidth;
  walkBoxes(view, state.zoom, picture.width, narrowest, lowest, highest, {
    box(node, x, width) {
      const level = view.level[node]!;
      const y = rowOf(picture, level) * geometry.row;
      const matched = picture.matches?.[view.frame[node]!] === 1;
      let paint = paintOf(model, view, node, state.palette, picture.scale);
      if (matched) paint += ' match';
      else if (picture.matches !== undefined) paint += ' dim';
      const outside = node !== state.zoom && (node < state.zoom || node >= view.end[state.zoom]!);
      const group = createShape(document, 'g', {
        'data-node': node,
        class: outside ? 'outside' : state.sandwich >= 0 && node === 0 ? 'focused' : '',
        role: 'treeitem',
        tabindex: node === picture.focus ? 0 : -1,
        'aria-level': Math.abs(level) + 1,
        'aria-label': boxLines(model, view, node, state.zoom, state.value).join(', '),
      });
      group.appendChild(
        createShape(document, 'rect', {
          class: paint,
          x: x.toFixed(2),
          y,
          width: Math.max(width - 0.5, 0.5).toFixed(2),
          height: geometry.row - 1,
          rx: width > 6 ? 1.5 : 0,
        }),
      );
      const fits = Math.floor((width - 2 * geometry.padding) / picture.character);
      const label = shortLabel(markedLabel(model, view, node, state.palette), fits);
      if (label !== '') {
        const text = { x: (x + geometry.padding).toFixed(2), y: y + geometry.row - 5 };
        group.appendChild(createShape(document, 'text', matched ? { ...text, class: 'match' } : text, label));
      }
      shown.set(node, group);
      children.push(group);
    },
    rest(_parent, level, x, width) {
      const y = rowOf(picture, level) * geometry.row;
      children.push(
        createShape(document, 'rect', {
          class: 'rest',
          'aria-hidden': 'true',
          x: x.toFixed(2),
          y,
          width: width.toFixed(2),
          height: geometry.row - 1,
        }),
      );
    },
  });
  picture.layer.replaceChildren(...children);
  picture.shown = shown;
  // Tab must always lead to a box, also where the one that had the focus is no longer drawn.
  if (!shown.has(picture.focus)) shown.get(state.zoom)?.setAttribute('tabindex', '0');
  if (hadFocus) shown.get(picture.focus)?.focus({ preventScroll: true });
}
