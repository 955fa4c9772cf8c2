/**
 * The library: models, formats and analyzers, for programs that make of recordings what the command line does not.
 * The machine (files, processes, sockets) stays with the command line; give readers a `Source`, analyzers a model.
 */

export { analyzeCriticalPath, type CriticalPathResult } from '../analyzers/critical-path.ts';
export { analyzeDiff } from '../analyzers/diff/diff.ts';
export { analyzeHotPaths, type HotPathsResult } from '../analyzers/hot-paths.ts';
export { analyzeBreakdown } from '../analyzers/lifecycle/breakdown.ts';
export type { BreakdownResult } from '../analyzers/lifecycle/breakdown-result.ts';
export { analyzeSystemFigures } from '../analyzers/system-figures.ts';
export type { SystemFiguresResult } from '../analyzers/system-figures-result.ts';
export { renderFlameHtml } from '../flame/html.ts';
export { renderFlameSvg } from '../flame/svg.ts';
export { TprofError, type TprofErrorCode } from './base/errors.ts';
export { memorySource, type Source } from './base/source.ts';
export type { Warning } from './base/warnings.ts';
export type { Format, ProfileFormat, TraceFormat } from './formats/format.ts';
export { FORMATS } from './formats/list.ts';
export { readProbeLog } from './formats/probe-log.ts';
export type { CaptureManifest } from './model/capture.ts';
export { checkProfile, checkTrace } from './model/integrity.ts';
export { mergeProfiles } from './model/merge-profiles.ts';
export type { Profile } from './model/profile.ts';
export { ProfileBuilder } from './model/profile-builder.ts';
export type { ResultHeader } from './model/result.ts';
export type { Trace } from './model/trace.ts';
export { TraceBuilder } from './model/trace-builder.ts';
export { Redactor } from './redaction/redactor.ts';
