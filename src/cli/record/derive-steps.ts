import { join } from 'node:path';
import { categoryOf } from '../../../analyzers/categories.ts';
import { renderFlameHtml } from '../../../flame/html.ts';
import { renderFlameSvg } from '../../../flame/svg.ts';
import { writeSpeedscope } from '../../formats/speedscope-write.ts';
import { CaptureFile } from '../../model/capture.ts';
import { captureReportView } from '../../report/capture-report-view.ts';
import { renderHtml } from '../../report/html.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import { writeFileWhole } from '../output.ts';
import type { DeriveContext, DeriveStep } from './derive.ts';

/** What `record` makes of a capture, in order: reports come last, since they show the others. One entry a file. */
export const DERIVE_STEPS: readonly DeriveStep[] = [
  fromProfile(CaptureFile.speedscope, profile => writeSpeedscope(profile, {})),
  fromProfile(CaptureFile.flameSvg, (profile, { manifest }) =>
    renderFlameSvg(profile, { title: manifest.name, categoryOf }),
  ),
  fromProfile(CaptureFile.flameHtml, (profile, { manifest }) =>
    renderFlameHtml(profile, { title: manifest.name, categoryOf }),
  ),
  {
    file: CaptureFile.hotPaths,
    applies: ({ models }) => models.manifest.profiles.length > 0,
    async write({ models }) {
      await writeFileWhole(
        join(models.directory, CaptureFile.hotPaths),
        `${JSON.stringify(await models.hotPaths())}\n`,
      );
    },
  },
  {
    file: CaptureFile.breakdown,
    applies: async ({ models }) => (await models.breakdown()) !== undefined,
    async write({ models }) {
      await writeFileWhole(
        join(models.directory, CaptureFile.breakdown),
        `${JSON.stringify(await models.breakdown())}\n`,
      );
    },
  },
  report(CaptureFile.reportMarkdown, renderMarkdown),
  report(CaptureFile.reportHtml, (blocks, title) => renderHtml(blocks, { title })),
];

function fromProfile(
  file: string,
  make: (
    profile: NonNullable<Awaited<ReturnType<DeriveContext['models']['profile']>>>,
    models: DeriveContext['models'],
  ) => string | AsyncIterable<string>,
): DeriveStep {
  return {
    file,
    applies: ({ models }) => models.manifest.profiles.length > 0,
    async write({ models }) {
      const profile = await models.profile();
      if (profile !== undefined) await writeFileWhole(join(models.directory, file), make(profile, models));
    },
  };
}

function report(
  file: string,
  render: (blocks: ReturnType<typeof captureReportView>, title: string) => string,
): DeriveStep {
  return {
    file,
    applies: () => true,
    async write({ models }) {
      const blocks = captureReportView({
        manifest: models.manifest,
        breakdown: await models.breakdown(),
        hotPaths: await models.hotPaths(),
      });
      await writeFileWhole(join(models.directory, file), render(blocks, models.manifest.name));
    },
  };
}
