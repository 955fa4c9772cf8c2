import { join } from 'node:path';
import { writeSpeedscope } from '../../formats/speedscope-write.ts';
import { CaptureFile } from '../../model/capture.ts';
import { mergeProfiles } from '../../model/merge-profiles.ts';
import { readCaptureProfiles } from '../inputs.ts';
import { writeFileWhole } from '../output.ts';
import type { DeriveStep } from './derive.ts';

/** What `record` makes of a capture, in order. One entry a file. */
export const DERIVE_STEPS: readonly DeriveStep[] = [
  {
    file: CaptureFile.speedscope,
    applies: ({ manifest }) => manifest.profiles.length > 0,
    async write({ directory, manifest }) {
      const profile = mergeProfiles(await readCaptureProfiles(directory, manifest), manifest.name);
      await writeFileWhole(join(directory, CaptureFile.speedscope), writeSpeedscope(profile, {}));
    },
  },
];
