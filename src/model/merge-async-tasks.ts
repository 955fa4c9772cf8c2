import { Interner } from '../base/interner.ts';
import { Warnings } from '../base/warnings.ts';
import type { AsyncRecording, AsyncTaskDelays, AsyncTaskTable } from './async-tasks.ts';

const TEXTS: ReadonlySet<string> = new Set(['name', 'kind', 'target', 'file']);
const TIMES: ReadonlySet<string> = new Set([
  'createdNs',
  'droppedNs',
  'untilNs',
  'firstPollNs',
  'lastWakeNs',
  'pollStartedNs',
  'pollEndedNs',
  'lostWakerNs',
]);

/** Several programs that were listened to at once as one recording; times count from the earliest epoch. */
export function mergeAsyncRecordings(recordings: readonly AsyncRecording[], name: string): AsyncRecording {
  const [only] = recordings;
  if (only !== undefined && recordings.length === 1) return { ...only, name };
  const epochNs = recordings.reduce((first, { epochNs }) => (epochNs < first ? epochNs : first), only?.epochNs ?? 0n);
  const strings = new Interner();
  const warnings = new Warnings();
  const length = recordings.reduce((sum, { tasks }) => sum + tasks.length, 0);
  const columns = new Map<string, Uint32Array | Float64Array>();
  const delays = new Map<number, AsyncTaskDelays>();
  let firstRow = 0;
  let firstProgram = 0;
  const shifted = recordings.map(recording => {
    const shiftNs = Number(recording.epochNs - epochNs);
    const stringOf = recording.strings.map(text => strings.intern(text));
    warnings.merge(recording.warnings);
    const { length: rows, ...own } = recording.tasks;
    for (const [key, column] of Object.entries(own)) {
      let target = columns.get(key);
      if (target === undefined) {
        target = column instanceof Uint32Array ? new Uint32Array(length) : new Float64Array(length);
        columns.set(key, target);
      }
      for (let row = 0; row < rows; row++) {
        const value = column[row]!;
        target[firstRow + row] = TEXTS.has(key)
          ? stringOf[value]!
          : TIMES.has(key)
            ? value + shiftNs
            : key === 'program'
              ? value + firstProgram
              : value;
      }
    }
    const base = firstProgram;
    for (const [row, delay] of recording.delays) delays.set(firstRow + row, delay);
    firstRow += rows;
    firstProgram += recording.programs.length;
    const ofProgram = <T extends { readonly program: number }>(of: readonly T[]): T[] =>
      of.map(entry => ({ ...entry, program: entry.program + base }));
    return {
      programs: recording.programs.map(program => ({
        ...program,
        fromNs: program.fromNs + shiftNs,
        untilNs: program.untilNs + shiftNs,
      })),
      waits: ofProgram(recording.waits),
      resources: ofProgram(recording.resources),
      pollOps: ofProgram(recording.pollOps),
    };
  });
  return {
    name,
    epochNs,
    strings: strings.strings,
    programs: shifted.flatMap(({ programs }) => programs),
    tasks:
      recordings.length === 0 ? noTasks() : ({ length, ...Object.fromEntries(columns) } as unknown as AsyncTaskTable),
    delays,
    waits: shifted.flatMap(({ waits }) => waits),
    resources: shifted.flatMap(({ resources }) => resources),
    pollOps: shifted.flatMap(({ pollOps }) => pollOps),
    warnings: warnings.list(),
  };
}

function noTasks(): AsyncTaskTable {
  const words = new Uint32Array(0);
  const numbers = new Float64Array(0);
  return {
    length: 0,
    program: words,
    taskId: numbers,
    name: words,
    kind: words,
    target: words,
    file: words,
    line: words,
    column: words,
    createdNs: numbers,
    droppedNs: numbers,
    untilNs: numbers,
    busyNs: numbers,
    scheduledNs: numbers,
    polls: numbers,
    firstPollNs: numbers,
    lastWakeNs: numbers,
    pollStartedNs: numbers,
    pollEndedNs: numbers,
    wakes: numbers,
    selfWakes: numbers,
    wakerClones: numbers,
    wakerDrops: numbers,
    sizeBytes: numbers,
    originalSizeBytes: numbers,
    unyieldedNs: numbers,
    lostWakerNs: numbers,
  };
}
