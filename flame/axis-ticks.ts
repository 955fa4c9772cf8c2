/** Round values from 0 to `end` for an axis, at most `most` + 1 of them: steps of 1, 2 or 5 times a power of ten. */
export function axisTicks(end: number, most: number): number[] {
  if (!(end > 0) || !Number.isFinite(end)) return [0];
  const rough = end / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find(factor => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = 0; i * step <= end * (1 + 1e-9); i++) ticks.push(i * step);
  return ticks;
}
