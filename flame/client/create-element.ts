import type { DomDocument, DomElement } from './dom.ts';

// Part of the program inside the pictures.

/** An XHTML element with attributes and children. */
export function createElement(
  document: DomDocument,
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  children: readonly (DomElement | string)[] = [],
): DomElement {
  const element = document.createElementNS('http://www.w3.org/1999/xhtml', name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]!);
  element.replaceChildren(...children);
  return element;
}

/** An SVG element. */
export function createShape(
  document: DomDocument,
  name: string,
  attributes: Readonly<Record<string, string | number>> = {},
  text = '',
): DomElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, String(attributes[key]));
  if (text !== '') element.textContent = text;
  return element;
}
