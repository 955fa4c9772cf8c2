import type { AsyncTasksResult } from '../../analyzers/async-tasks.ts';
import type { HotPathsResult } from '../../analyzers/hot-paths.ts';
import type { BreakdownResult } from '../../analyzers/lifecycle/breakdown-result.ts';
import type { SystemFiguresResult } from '../../analyzers/system-figures-result.ts';
import { CaptureFile, type CaptureManifest } from '../model/capture.ts';
import { asyncTasksView } from './async-tasks-view.ts';
import type { Block } from './block.ts';
import { breakdownView } from './breakdown-view.ts';
import { captureFacts } from './capture-facts-view.ts';
import { hotPathsView } from './hot-paths-view.ts';
import { overheadView } from './overhead-view.ts';
import { systemFiguresView } from './system-figures-view.ts';

export interface CaptureReport {
  readonly manifest: CaptureManifest;
  readonly breakdown?: BreakdownResult | undefined;
  readonly hotPaths: HotPathsResult | undefined;
  /** Of a heap that was profiled beside the CPU. */
  readonly memoryPaths?: HotPathsResult | undefined;
  readonly asyncTasks?: AsyncTasksResult | undefined;
  readonly systemFigures?: SystemFiguresResult | undefined;
}

/** The one-page report of a capture: what was recorded, where the steps' time went, what was hot. */
export function captureReportView({
  manifest,
  breakdown,
  hotPaths,
  memoryPaths,
  asyncTasks,
  systemFigures,
}: CaptureReport): Block[] {
  return [
    { kind: 'heading', level: 1, text: manifest.name },
    ...captureFacts(manifest),
    ...(manifest.overhead === undefined ? [] : overheadView(manifest.overhead)),
    ...(breakdown === undefined ? [] : breakdownView(breakdown, { top: 10 })),
    ...(hotPaths === undefined ? [] : hotPathsView(hotPaths, { top: 15 })),
    ...(memoryPaths === undefined ? [] : hotPathsView(memoryPaths, { top: 10 })),
    ...(asyncTasks === undefined ? [] : asyncTasksView(asyncTasks, { top: 15 })),
    ...(systemFigures === undefined ? [] : systemFiguresView(systemFigures)),
    { kind: 'heading', level: 2, text: 'Files' },
    {
      kind: 'list',
      items: [
        ...(hotPaths === undefined
          ? []
          : [
              `${CaptureFile.flameHtml}, ${CaptureFile.flameSvg}: flame graph; open it, or show it in a page as a picture`,
              `${CaptureFile.speedscope}: for tprof view, or any speedscope`,
              `${CaptureFile.hotPaths}: this report as JSON`,
            ]),
        ...(asyncTasks === undefined
          ? []
          : [
              `${CaptureFile.asyncTasksSvg}: flame graph of the tasks: where spawned, name, busy, scheduled or idle`,
              `${CaptureFile.asyncTasks}: every task, as JSON`,
            ]),
        ...(breakdown === undefined ? [] : [`${CaptureFile.breakdown}: the steps’ time as JSON`]),
        ...(systemFigures === undefined
          ? []
          : [`${CaptureFile.systemFigures}: processes, databases, queues and metrics over time as JSON`]),
        `${CaptureFile.manifest}: what ran, on what, and what was lost`,
        `${CaptureFile.raw}/: what the tools wrote, untouched`,
      ],
    },
  ];
}
