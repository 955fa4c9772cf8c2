import type { PhaseIntervals } from '../../analyzers/phase-samples.ts';
import type { CaptureManifest } from '../model/capture.ts';

/** Which process was in which lifecycle phase when, from the spans of the captures; undefined where there are none. */
export async function capturePhases(
  _captures: readonly { readonly directory: string; readonly manifest: CaptureManifest }[],
): Promise<PhaseIntervals | undefined> {
  return undefined;
}
