/**
 * Holm's correction (1979) for many tests at once: adjusted p values, in the order given, to compare with α as they
 * are. The chance of even one false alarm over all of them stays ≤ α, whatever depends on what.
 */
export function holm(pValues: ArrayLike<number>): number[] {
  const order = Array.from(pValues, (_, i) => i).sort((i, j) => pValues[i]! - pValues[j]! || i - j);
  const adjusted = new Array<number>(order.length).fill(1);
  let floor = 0;
  for (const [position, i] of order.entries()) {
    floor = Math.max(floor, Math.min(1, pValues[i]! * (order.length - position)));
    adjusted[i] = floor;
  }
  return adjusted;
}
