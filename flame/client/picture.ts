import type { FlameModel, FlameState, FlameView } from '../flame-model.ts';
import type { FlameGeometry } from '../geometry.ts';
import type { PaintScale } from '../paint-of.ts';
import type { DomElement, DomWindow } from './dom.ts';

/** What the parts of the live picture share; one object a document, made by `startFlame`. */
export interface LivePicture {
  readonly window: DomWindow;
  readonly model: FlameModel;
  readonly initial: FlameState;
  readonly scale: PaintScale;
  readonly geometry: FlameGeometry;
  readonly svg: DomElement;
  /** Parent of the boxes. */
  readonly layer: DomElement;
  state: FlameState;
  view: FlameView;
  /** 1 for each frame that the search matches; undefined without a search, or with one that is no expression. */
  matches: Uint8Array | undefined;
  /** Box that the keyboard is on. */
  focus: number;
  /** Width in pixels of everything, and of one character. */
  width: number;
  character: number;
  /** Between `beforeprint` and `afterprint`: paper has no window to scroll in. */
  printing: boolean;
  /** Pixels from the top of the svg element to the first row. */
  top: number;
  /** Boxes on the screen, by node. */
  shown: Map<number, DomElement>;
  /** Changes the state, as the user asked; makes a step in the browser's history. */
  go(change: Partial<FlameState>): void;
  /** Measures and draws anew, after the controls have grown or shrunk. */
  arrange(): void;
}
