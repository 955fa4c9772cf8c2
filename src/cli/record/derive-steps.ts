import { join } from 'node:path';
import { categoryOf } from '../../../analyzers/categories.ts';
import { renderFlameHtml } from '../../../flame/html.ts';
import { renderFlameSvg } from '../../../flame/svg.ts';
import { writeSpeedscope } from '../../formats/speedscope-write.ts';
import { profileOfTasks } from '../../formats/tokio-console.ts';
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
  {
    file: CaptureFile.asyncTasks,
    applies: ({ models }) => (models.manifest.asyncTasks ?? []).length > 0,
    async write({ models }) {
      const file = join(models.directory, CaptureFile.asyncTasks);
      await writeFileWhole(file, `${JSON.stringify(await models.asyncTasks())}\n`);
    },
  },
  {
    file: CaptureFile.asyncTasksSvg,
    applies: async ({ models }) => ((await models.asyncRecording())?.tasks.length ?? 0) > 0,
    async write({ models }) {
      const recording = await models.asyncRecording();
      if (recording === undefined) return;
      const title = `${models.manifest.name}: tasks by wall time`;
      const text = renderFlameSvg(profileOfTasks(recording), { title, categoryOf, palette: 'cpu' });
      await writeFileWhole(join(models.directory, CaptureFile.asyncTasksSvg), text);
    },
  },
  {
    file: CaptureFile.systemFigures,
    applies: async ({ models }) => (await models.systemFigures()) !== undefined,
    async write({ models }) {
      await writeFileWhole(
        join(models.directory, CaptureFile.systemFigures),
        `${JSON.stringify(await models.systemFigures())}\n`,
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
        memoryPaths: await models.memoryPaths(),
        asyncTasks: await models.asyncTasks(),
        systemFigures: await models.systemFigures(),
      });
      await writeFileWhole(join(models.directory, file), render(blocks, models.manifest.name));
    },
  };
}
