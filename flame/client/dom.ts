/**
 * The part of the browser's interface that the program inside the pictures uses. Declared here and not taken from
 * TypeScript's `dom` library, which would put `window` and `document` in reach of every file of this project.
 */
export interface DomNode {
  textContent: string | null;
  appendChild(child: DomNode): DomNode;
  removeChild(child: DomNode): DomNode;
  replaceChildren(...children: (DomNode | string)[]): void;
}

export interface DomElement extends DomNode {
  /** Of inputs, selects and options. */
  value: string;
  checked: boolean;
  hidden: boolean;
  readonly tagName: string;
  readonly parentNode: DomElement | null;
  setAttribute(name: string, value: string): void;
  getAttribute(name: string): string | null;
  removeAttribute(name: string): void;
  addEventListener(type: string, listener: (event: DomEvent) => void, options?: { passive?: boolean }): void;
  getBoundingClientRect(): {
    readonly top: number;
    readonly left: number;
    readonly width: number;
    readonly height: number;
  };
  /** Of SVG text. */
  getComputedTextLength(): number;
  focus(options?: { preventScroll?: boolean }): void;
  blur(): void;
  select(): void;
  remove(): void;
  closest(selector: string): DomElement | null;
}

export interface DomEvent {
  readonly target: DomElement | null;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly clientX: number;
  readonly clientY: number;
  readonly defaultPrevented: boolean;
  preventDefault(): void;
}

export interface DomDocument {
  readonly documentElement: DomElement;
  readonly activeElement: DomElement | null;
  title: string;
  getElementById(id: string): DomElement | null;
  createElementNS(namespace: string, name: string): DomElement;
}

export interface DomWindow {
  readonly document: DomDocument;
  readonly location: { hash: string };
  readonly innerWidth: number;
  readonly innerHeight: number;
  readonly scrollY: number;
  scrollTo(x: number, y: number): void;
  addEventListener(type: string, listener: (event: DomEvent) => void, options?: { passive?: boolean }): void;
  requestAnimationFrame(callback: () => void): number;
}
