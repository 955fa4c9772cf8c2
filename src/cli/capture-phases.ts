import type { PhaseIntervals } from '../../analyzers/phase-samples.ts';
import type { CaptureManifest } from '../model/capture.ts';
import { CaptureModels } from './capture-models.ts';

/**
 * Which process was in which lifecycle phase when, from the spans of the captures; undefined where there are none.
 * Times of all captures count from the first one's epoch.
 */
export async function capturePhases(
  captures: readonly { readonly directory: string; readonly manifest: CaptureManifest }[],
): Promise<PhaseIntervals | undefined> {
  let all: PhaseIntervals | undefined;
  for (const { directory, manifest } of captures) {
    const phases = await new CaptureModels(directory, manifest).phases();
    if (phases === undefined) continue;
    if (all === undefined) {
      all = phases;
      continue;
    }
    const shift = Number(phases.epochNs - all.epochNs);
    const moved = phases.intervals.map(i => ({ ...i, startNs: i.startNs + shift, endNs: i.endNs + shift }));
    all = { epochNs: all.epochNs, intervals: [...all.intervals, ...moved] };
  }
  return all;
}
