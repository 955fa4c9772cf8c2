import { boxLines } from '../box-text.ts';
import { createShape } from './create-element.ts';
import type { LivePicture } from './picture.ts';

// Part of the program inside the pictures.

/** A card beside the pointer or the focused box with everything that is known of it. Drawn last, catches no pointer. */
export interface Tooltip {
  show(node: number, clientX: number, clientY: number): void;
  hide(): void;
}

export function createTooltip(picture: LivePicture): Tooltip {
  const { document } = picture.window;
  const card = createShape(document, 'g', { class: 'card', 'aria-hidden': 'true' });
  picture.svg.appendChild(card);
  return {
    show(node, clientX, clientY) {
      const { model, view, state, window } = picture;
      const most = Math.max(20, Math.floor((picture.width - 30) / picture.character));
      const lines: string[] = [];
      for (const line of boxLines(model, view, node, state.zoom, state.value)) {
        // Long names are wrapped, not cut: this is where they can be read whole (up to a dozen lines).
        for (let at = 0; at < line.length && lines.length < 16; at += most) lines.push(line.slice(at, at + most));
      }
      const longest = Math.max(...lines.map(line => line.length));
      const width = longest * picture.character + 16;
      const height = lines.length * 16 + 10;
      const frame = picture.svg.getBoundingClientRect();
      let x = clientX - frame.left + 14;
      let y = clientY - frame.top + 18;
      if (x + width > frame.width - 4) x = Math.max(4, frame.width - width - 4);
      if (clientY + 18 + height > window.innerHeight) y = clientY - frame.top - height - 10;
      const box = createShape(document, 'rect', { x, y, width, height, rx: 4 });
      const texts = lines.map((line, i) =>
        createShape(document, 'text', { x: x + 8, y: y + 18 + i * 16, class: i === 0 ? 'strong' : '' }, line),
      );
      card.replaceChildren(box, ...texts);
    },
    hide() {
      card.replaceChildren();
    },
  };
}
