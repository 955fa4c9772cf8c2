import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AsyncTasksResult, analyzeAsyncTasks } from '../../analyzers/async-tasks.ts';
import { analyzeHotPaths, type HotPathsResult } from '../../analyzers/hot-paths.ts';
import { analyzeLifecycle, breakdownOf, type Lifecycle } from '../../analyzers/lifecycle/breakdown.ts';
import type { BreakdownResult } from '../../analyzers/lifecycle/breakdown-result.ts';
import type { Rows } from '../../analyzers/lifecycle/evidence/rows.ts';
import { phaseIntervals } from '../../analyzers/lifecycle/phase-intervals.ts';
import type { PhaseIntervals } from '../../analyzers/phase-samples.ts';
import { analyzeSystemFigures } from '../../analyzers/system-figures.ts';
import { sampledWaits } from '../../analyzers/system-figures-off-cpu.ts';
import type { SystemFiguresResult } from '../../analyzers/system-figures-result.ts';
import { fileSource } from '../../collectors/file-source.ts';
import { TprofError } from '../base/errors.ts';
import { Warnings } from '../base/warnings.ts';
import { readConsoleRecording } from '../formats/tokio-console-recording.ts';
import type { AsyncRecording } from '../model/async-tasks.ts';
import { CaptureFile, type CaptureManifest } from '../model/capture.ts';
import { mergeAsyncRecordings } from '../model/merge-async-tasks.ts';
import { mergeProfiles } from '../model/merge-profiles.ts';
import type { Profile } from '../model/profile.ts';
import type { Trace } from '../model/trace.ts';
import { TraceBuilder } from '../model/trace-builder.ts';
import { readCaptureSeries } from './capture-series.ts';
import { readCaptureProfiles, readCaptureTrace } from './inputs.ts';
import { readRowsSource } from './rows-input.ts';

/** What a capture holds, read and analysed once however many files and views are made of it. */
export class CaptureModels {
  readonly directory: string;
  readonly manifest: CaptureManifest;
  #profile: Promise<Profile | undefined> | undefined;
  #trace: Promise<Trace | undefined> | undefined;
  #lifecycle: Promise<Lifecycle | undefined> | undefined;
  #hotPaths: Promise<HotPathsResult | undefined> | undefined;
  #systemFigures: Promise<SystemFiguresResult | undefined> | undefined;
  #asyncRecording: Promise<AsyncRecording | undefined> | undefined;

  constructor(directory: string, manifest: CaptureManifest) {
    this.directory = directory;
    this.manifest = manifest;
  }

  /** All profiles as one; undefined where none was recorded. */
  profile(): Promise<Profile | undefined> {
    this.#profile ??= (async () => {
      if (this.manifest.profiles.length === 0) return undefined;
      return mergeProfiles(await readCaptureProfiles(this.directory, this.manifest), this.manifest.name);
    })();
    return this.#profile;
  }

  /** All spans and log records; undefined where none arrived. */
  trace(): Promise<Trace | undefined> {
    this.#trace ??= (async () => {
      const builder = new TraceBuilder(this.manifest.name);
      await readCaptureTrace(this.directory, this.manifest, builder);
      return builder.spanCount + builder.logCount === 0 ? undefined : builder.finish();
    })();
    return this.#trace;
  }

  /** The lives of the workflow's steps; undefined where the recording has none. */
  lifecycle(): Promise<Lifecycle | undefined> {
    this.#lifecycle ??= (async () => {
      const trace = await this.trace();
      if (trace === undefined) return undefined;
      const lifecycle = analyzeLifecycle(trace, await this.#rows());
      return lifecycle.timelines.length === 0 ? undefined : lifecycle;
    })();
    return this.#lifecycle;
  }

  /** Steps into operations; undefined where there are no workflow steps. */
  async breakdown(): Promise<BreakdownResult | undefined> {
    const lifecycle = await this.lifecycle();
    const trace = await this.trace();
    if (lifecycle === undefined || trace === undefined) return undefined;
    return breakdownOf(lifecycle, trace, { inputs: [this.manifest.name], ...(await this.#rows()) });
  }

  /** Which process was in which lifecycle phase when; undefined where there are no workflow steps. */
  async phases(): Promise<PhaseIntervals | undefined> {
    const lifecycle = await this.lifecycle();
    const trace = await this.trace();
    if (lifecycle === undefined || trace === undefined) return undefined;
    return { epochNs: trace.epochNs, intervals: phaseIntervals(lifecycle).filter(interval => interval.pid > 0) };
  }

  /** The orchestrator's tables, where they lie in the capture. */
  async #rows(): Promise<{ readonly rows?: Rows }> {
    const file = join(this.directory, CaptureFile.rows);
    return existsSync(file) ? { rows: await readRowsSource(await fileSource(file)) } : {};
  }

  /** The tasks of all async runtimes that were listened to; undefined where none was. */
  asyncRecording(): Promise<AsyncRecording | undefined> {
    this.#asyncRecording ??= (async () => {
      const files = this.manifest.asyncTasks ?? [];
      if (files.length === 0) return undefined;
      const recordings: AsyncRecording[] = [];
      const warnings = new Warnings();
      for (const { file } of files) {
        try {
          recordings.push(await readConsoleRecording(await fileSource(join(this.directory, file))));
        } catch (error) {
          // One that is gone or damaged costs its own tasks, and no report.
          if (!(error instanceof TprofError)) throw error;
          warnings.add('damaged-input', 'recordings of tasks could not be read', { example: error.message });
        }
      }
      const merged = mergeAsyncRecordings(recordings, this.manifest.name);
      warnings.merge(merged.warnings);
      return { ...merged, warnings: warnings.list() };
    })();
    return this.#asyncRecording;
  }

  async asyncTasks(): Promise<AsyncTasksResult | undefined> {
    const recording = await this.asyncRecording();
    return recording === undefined ? undefined : analyzeAsyncTasks(recording, { inputs: [this.manifest.name] });
  }

  /** What the probes read; undefined where there were none and no profiler saw waits. */
  systemFigures(): Promise<SystemFiguresResult | undefined> {
    this.#systemFigures ??= (async () => {
      const { sources, epochNs, warnings } = await readCaptureSeries(this.directory, this.manifest);
      const profile = await this.profile();
      const sampled = profile === undefined ? undefined : sampledWaits(profile);
      if (sources.length === 0 && sampled === undefined) return undefined;
      return analyzeSystemFigures(sources, {
        inputs: [this.manifest.name],
        epochNs,
        processes: this.manifest.processes,
        cpus: this.manifest.host.cpus,
        sampled,
        warnings,
      });
    })();
    return this.#systemFigures;
  }

  /** What allocated or holds the memory, where a heap was profiled beside the CPU: alone, it is the hot paths. */
  async memoryPaths(): Promise<HotPathsResult | undefined> {
    const profile = await this.profile();
    const bytes = profile?.valueTypes.filter(type => type.unit === 'bytes') ?? [];
    if (profile === undefined || profile.valueTypes[profile.defaultValue]?.unit === 'bytes') return undefined;
    const weight = bytes[0]?.name;
    return weight === undefined ? undefined : analyzeHotPaths(profile, { inputs: [this.manifest.name], weight });
  }

  hotPaths(): Promise<HotPathsResult | undefined> {
    this.#hotPaths ??= (async () => {
      const profile = await this.profile();
      if (profile === undefined) return undefined;
      const phases = await this.phases();
      return analyzeHotPaths(profile, { inputs: [this.manifest.name], ...(phases === undefined ? {} : { phases }) });
    })();
    return this.#hotPaths;
  }
}
