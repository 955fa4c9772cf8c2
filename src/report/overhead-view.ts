import { formatCount, formatDuration, formatShare } from '../base/format-units.ts';
import type { CaptureOverhead, OverheadMeasure } from '../model/capture.ts';
import type { Block } from './block.ts';

/** What watching cost, by alternating watched and unwatched runs. */
export function overheadView(result: CaptureOverhead): Block[] {
  const blocks: Block[] = [
    { kind: 'heading', level: 2, text: 'What watching costs' },
    { kind: 'paragraph', text: overheadSentence(result) },
  ];
  if (result.measures.length > 0) {
    blocks.push({
      kind: 'table',
      columns: [
        { title: 'measure', align: 'left' },
        { title: 'unwatched', align: 'right' },
        { title: 'watched', align: 'right' },
        { title: 'difference', align: 'right' },
        { title: '95 % interval', align: 'right' },
        { title: 'share', align: 'right' },
        { title: '95 % interval', align: 'right' },
      ],
      rows: result.measures.map(measure => [
        measure.id,
        formatDuration(measure.unwatchedMedian),
        formatDuration(measure.watchedMedian),
        signedDuration(measure.difference.estimate),
        interval(measure.difference.interval, signedDuration),
        signedShare(measure.relative.estimate),
        interval(measure.relative.interval, signedShare),
      ]),
    });
    blocks.push({ kind: 'list', items: result.measures.map(measure => `${measure.id}: ${measure.what}`) });
  }
  for (const measure of result.measures) {
    if (measure.significant) continue;
    blocks.push({
      kind: 'note',
      severity: 'info',
      text: `${measure.id}: ${doubt(measure)}`,
    });
  }
  if (result.interrupted || result.failedRuns > 0) {
    const why = [
      ...(result.interrupted ? ['it was stopped early'] : []),
      ...(result.failedRuns > 0
        ? [`${formatCount(result.failedRuns)} runs ended otherwise than the recorded one`]
        : []),
    ];
    blocks.push({
      kind: 'note',
      severity: 'warning',
      text: `${result.rounds} of ${result.requestedRounds} rounds count: ${why.join(', and ')}.`,
    });
  }
  return blocks;
}

/** For a terminal: a line a measure. */
export function overheadLines(result: CaptureOverhead): string[] {
  if (result.measures.length === 0) {
    return [
      `  what watching costs was not measured: ${result.interrupted ? 'stopped before the first round was done' : 'no round counts'}`,
    ];
  }
  const { rounds, requestedRounds, failedRuns } = result;
  const failed = failedRuns === 0 ? '' : `; ${formatCount(failedRuns)} runs ended otherwise than the recorded one`;
  return [
    `  ${formatCount(rounds)}${rounds === requestedRounds ? '' : ` of ${formatCount(requestedRounds)}`} rounds, each unwatched and watched${failed}`,
    ...result.measures.map(measure => {
      const range = measure.relative.interval;
      const share =
        range === null
          ? `${signedShare(measure.relative.estimate)}, of one round`
          : `${signedShare(measure.relative.estimate)} (95 %: ${interval(range, signedShare)})`;
      return `  cost of watching, ${measure.id}: ${share}; ${formatDuration(measure.unwatchedMedian)} unwatched, ${formatDuration(measure.watchedMedian)} watched${measure.significant ? '' : '; not told from none'}`;
    }),
    ...(result.selfCpuNs === null ? [] : [`  tprof itself took ${formatDuration(result.selfCpuNs)} of CPU in a run`]),
  ];
}

function overheadSentence({ rounds, watchedBy, selfCpuNs }: CaptureOverhead): string {
  const self = selfCpuNs === null ? '' : ` tprof itself took ${formatDuration(selfCpuNs)} of CPU in a watched run.`;
  return (
    `The command was run ${formatCount(rounds)} times unwatched and ${formatCount(rounds)} times watched by ${watchedBy.length === 0 ? 'nothing but tprof' : watchedBy.join(', ')}, in turn, after the recorded run and without its output. ` +
    `Unwatched and watched are medians; the difference is the mean over pairs of runs that followed each other.${self}`
  );
}

function doubt({ relative }: OverheadMeasure): string {
  if (relative.interval === null) return 'one round says nothing of how far the next one would be off.';
  const widest = Math.max(Math.abs(relative.interval[0]), Math.abs(relative.interval[1]));
  return `the cost is not told from none: it is most likely below ${formatShare(widest)}; more --rounds would tell smaller ones.`;
}

function signedDuration(ns: number): string {
  return `${ns > 0 ? '+' : ns < 0 ? '−' : ''}${formatDuration(Math.abs(ns))}`;
}

function signedShare(share: number): string {
  return `${share > 0 ? '+' : share < 0 ? '−' : ''}${formatShare(Math.abs(share))}`;
}

function interval(range: readonly [number, number] | null, text: (value: number) => string): string {
  return range === null ? '' : `${text(range[0])} to ${text(range[1])}`;
}
