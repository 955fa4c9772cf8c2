import { analyzeHotPaths, type HotPathsResult } from '../../analyzers/hot-paths.ts';
import type { PhaseIntervals } from '../../analyzers/phase-samples.ts';
import { TprofError } from '../base/errors.ts';
import { mergeProfiles } from '../model/merge-profiles.ts';
import type { Profile } from '../model/profile.ts';
import type { ProfileInputs } from './inputs.ts';

export interface HotPathsRequest {
  /** Weight to rank by (`--weight`, `--event`). */
  readonly weight?: string | undefined;
  readonly phases?: PhaseIntervals | undefined;
}

/** All profiles of the inputs as one, and where its weight went. */
export function hotPathsOfInputs(
  inputs: ProfileInputs,
  request: HotPathsRequest,
): { profile: Profile; result: HotPathsResult } {
  if (inputs.profiles.length === 0) {
    throw new TprofError('input-invalid', `${inputs.names.join(' ')}: expected profiles, and the capture has none`, {
      hint: 'it was recorded with --profiler none, or the profiler found nothing to record: tprof breakdown shows its spans',
    });
  }
  const profile = mergeProfiles(inputs.profiles, inputs.names.join(' '));
  const { weight } = request;
  if (weight !== undefined && !profile.valueTypes.some(type => type.name === weight)) {
    throw new TprofError('usage', `there is no weight '${weight}' in ${profile.name}`, {
      hint: `it has: ${profile.valueTypes.map(type => type.name).join(', ')}`,
    });
  }
  const result = analyzeHotPaths(profile, {
    inputs: inputs.names,
    ...(weight === undefined ? {} : { weight }),
    ...(request.phases === undefined ? {} : { phases: request.phases }),
  });
  return { profile, result };
}
