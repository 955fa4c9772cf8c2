/** A piece of text whose colour is too near to what it stands on. */
export interface FaintText {
  readonly text: string;
  readonly ratio: number;
  readonly ink: string;
  readonly paper: string;
}

/**
 * Runs in a page: every text that is shown, with the contrast of its colour to each background that it may stand on
 * (https://www.w3.org/TR/WCAG22/#contrast-minimum). A gradient counts with all its colours, a box of a flame graph with its
 * fill. Gives how many were looked at, the lowest ratio, and what is below `least`.
 */
export function contrastProbe(least: number): string {
  return `(() => {
  const parse = text => {
    const probe = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    probe.fillStyle = '#000';
    probe.fillStyle = text;
    probe.clearRect(0, 0, 1, 1);
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const known = new Map();
  const colour = text => known.get(text) ?? (known.set(text, parse(text)), known.get(text));
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const luminance = ([r, g, b]) => {
    const channel = value => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const ratio = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const papersOf = element => {
    const layers = [];
    for (let at = element; at !== null; at = at.parentElement) {
      const style = getComputedStyle(at);
      const box = at.closest('[data-node]')?.querySelector('rect');
      const fill = at === element && box ? getComputedStyle(box).fill : undefined;
      const found = [
        ...(fill === undefined || fill === 'none' ? [] : [fill]),
        ...(style.backgroundImage.match(/(rgba?|oklch|color|hsla?)\\([^)]*\\)/g) ?? []),
      ].map(colour);
      const own = colour(style.backgroundColor);
      if (found.length > 0 || own[3] > 0) layers.push([...found, ...(own[3] > 0 ? [own] : [])]);
      if (own[3] === 1 || found.some(c => fill !== undefined && c[3] === 1)) break;
    }
    // What a page without a colour stands on, by its scheme.
    const base = matchMedia('(prefers-color-scheme: dark)').matches && getComputedStyle(document.documentElement).colorScheme.includes('dark')
      ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return layers.reduceRight((below, layer) => layer.flatMap(c => below.map(b => over(c, b))), [base]);
  };
  const faint = [];
  let looked = 0;
  let lowest = 21;
  const walker = document.createTreeWalker(document.body ?? document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.data.trim();
    const element = node.parentElement;
    if (text === '' || element === null || /^(script|style|title|desc|metadata)$/i.test(element.tagName)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { width, height } = range.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (width < 1 || height < 1 || style.visibility === 'hidden' || Number(style.opacity) === 0) continue;
    const isSvg = element instanceof SVGElement;
    const ink = colour(isSvg ? style.fill : style.color);
    for (const paper of papersOf(element)) {
      looked++;
      const value = ratio(over(ink, paper), paper);
      lowest = Math.min(lowest, value);
      if (value < ${least}) {
        const hex = c => '#' + c.slice(0, 3).map(part => Math.round(part).toString(16).padStart(2, '0')).join('');
        faint.push({ text: text.slice(0, 40), ratio: Math.round(value * 100) / 100, ink: hex(ink), paper: hex(paper) });
      }
    }
  }
  return { looked, lowest: Math.round(lowest * 100) / 100, faint };
})()`;
}
