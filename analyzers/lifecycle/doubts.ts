import { formatDuration, formatShare } from '../../src/base/format-units.ts';
import type { Warnings } from '../../src/base/warnings.ts';
import type { Trace } from '../../src/model/trace.ts';
import type { Lifecycle } from './breakdown.ts';
import type { Completeness, Missing, Repeated } from './breakdown-result.ts';

/** Says what the reader must know before trusting the numbers; each only where the data shows it. */
export function addWarnings(
  warnings: Warnings,
  found: {
    readonly lifecycle: Lifecycle;
    readonly trace: Trace;
    readonly repeated: readonly Repeated[];
    readonly missing: readonly Missing[];
    readonly completeness: Completeness;
    readonly unmatched: number;
  },
): void {
  const { lifecycle, trace, repeated, missing, completeness, unmatched } = found;
  const { joined, timelines } = lifecycle;
  const { noise } = joined.collected;
  if (noise.spans + noise.logs > 0) {
    const of = trace.spans.length + trace.logs.length;
    warnings.add(
      'exporter-noise',
      `${noise.spans} spans and ${noise.logs} log records (${formatShare((noise.spans + noise.logs) / of)}) are the exporter watching itself; they are in no figure`,
      { count: noise.spans + noise.logs },
    );
  }
  if (trace.spans.length === 0) {
    warnings.add('spans-missing', 'the input holds log records alone: spans are known only by what they say of them', {
      count: missing.reduce((sum, m) => sum + m.count, 0),
    });
  }
  const lost = trace.spans.length === 0 ? 0 : missing.reduce((sum, m) => sum + m.count, 0);
  if (lost > 0) {
    warnings.add(
      'spans-lost',
      'spans that must have existed are not in the recording: a full queue, or an end without flush',
      { count: lost },
    );
    for (const m of missing)
      warnings.add('spans-lost', '', { count: 0, example: `${m.process}: ${m.count} × ${m.what}` });
  }
  const dark = timelines.filter(t => t.parts.some(p => p.id === 'worker-not-recorded'));
  if (dark.length > 0) {
    const remedy =
      joined.collected.logs > joined.collected.noise.logs
        ? "the worker's log records are not in the recording"
        : 'Tasker’s workers tell it in log records alone: record with OTEL_LOGS_ENABLED=true';
    warnings.add(
      'logs-missing',
      `what the worker did is unknown for ${dark.length} of ${timelines.length} steps: ${remedy}`,
      { count: dark.length },
    );
  }
  joined.collected.horizons.forEach(({ spanNs, logNs }, process) => {
    const after = timelines.filter(t => t.attempt.result?.process === process && t.attempt.result.startNs > logNs);
    if (logNs === Number.NEGATIVE_INFINITY || after.length === 0) return;
    warnings.add(
      'logs-end-early',
      'log records of a process end before its spans: what they alone tell is unknown from then on',
      {
        count: after.length,
        example: `${joined.processes.list[process]!.name}: ${formatDuration(spanNs - logNs)} before, ${after.length} results`,
      },
    );
  });
  for (const r of repeated) {
    const times = `${r.name || r.stepUuid}: ${r.phase} ${r.times} times, ${formatDuration(r.extraNs)} more than once`;
    if (r.phase === 'result-processing')
      warnings.add('processed-twice', 'results were processed more than once', { example: times });
    else if (r.phase === 'execution')
      warnings.add('executed-twice', 'steps were executed more than once', { example: times });
    else warnings.add('delivered-twice', 'steps were enqueued or delivered more than once', { example: times });
  }
  for (const step of completeness.leftOut) {
    warnings.add(
      'incomplete-steps',
      'steps are not wholly in the recording and are left out of all percentiles and shares',
      {
        example: `${step.name || step.stepUuid}: ${step.reason}`,
      },
    );
  }
  for (const skew of joined.skews) {
    warnings.add('clock-skew', 'messages would have arrived before they were sent: clocks were moved', {
      example: `${joined.processes.list[skew.process]!.name}: by ${formatDuration(skew.offsetNs)}, for ${skew.messages} messages`,
    });
  }
  if (unmatched > 0) {
    warnings.add(
      'unmatched-statements',
      'statements on the way of steps that the catalogue does not know; they are listed by fingerprint',
      { count: unmatched },
    );
  }
  let unfilled = 0;
  for (const count of joined.unfilled.values()) unfilled += count;
  if (unfilled > 0) {
    warnings.add('statements-missing', 'statements of workers that must have run are not in the log records', {
      count: unfilled,
    });
  }
}
