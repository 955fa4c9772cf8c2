import { normalQuantile } from './normal.ts';

/**
 * The smallest true change that a comparison with this standard error would have reported as significant at `alpha`
 * (two-sided) with probability `power`: what "no change found" is worth. In the unit of the standard error.
 */
export function smallestDetectableEffect(
  standardError: number,
  options: { readonly alpha?: number; readonly power?: number } = {},
): number {
  const { alpha = 0.05, power = 0.8 } = options;
  return (normalQuantile(1 - alpha / 2) + normalQuantile(power)) * standardError;
}
