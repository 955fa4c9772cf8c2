// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
import { TprofError } from '../base/errors.ts';
import { type JsonShape, streamJson } from '../base/json-stream.ts';
import { asObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import type { Profile } from '../model/profile.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';
import { TraceEventReader } from './trace-event-reader.ts';

/**
 * Chrome's trace events, as Chrome, Node, Perfetto's tools and many tracers write them. Where the file holds CPU samples
 * (Profile and ProfileChunk, or Hermes' samples and stackFrames) these are the profile; otherwise the begin, end and
 * complete events of each thread are, each stretch of time given to the innermost event.
 */
export const traceEvent: ProfileFormat = {
  id: 'trace-event',
  kind: 'profile',
  title: 'Chrome trace events: Chrome performance recordings, node --trace-events, Hermes',
  recognisedBy: 'JSON array of events with ph and ts, or an object with traceEvents',
  extensions: ['.trace.json'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    if (root === 'object') return paths.has('traceEvents') || paths.has('traceEvents[].ph') ? 0.9 : 0;
    if (root !== 'array') return 0;
    return paths.has('[].ph') && (paths.has('[].ts') || paths.has('[].pid')) ? 0.9 : 0;
  },
  read: readTraceEvent,
};

async function readTraceEvent(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const reader = new TraceEventReader(source.name);
  const events: JsonShape = { each: event => reader.event(asObject(event)) };
  const { damage } = await streamJson(
    source,
    {
      array: events,
      object: {
        fields: {
          traceEvents: events,
          samples: { each: sample => reader.hermesSample(asObject(sample)) },
          stackFrames: { value: frames => reader.hermesFrames(asObject(frames)) },
        },
      },
    },
    options.onProgress,
  );
  if (reader.events === 0) {
    const found = damage === undefined ? 'none' : `${damage.reason} at byte ${damage.offset}`;
    throw new TprofError('input-invalid', `${source.name}: expected trace events, found ${found}`, {
      hint: 'tprof formats says what each format looks like',
    });
  }
  // Programs that are killed leave the array open, which the format allows; an event that is cut in two is damage.
  const isOpenArray = damage?.kind === 'cut' && damage.depth === 1 && damage.isBetweenValues;
  if (damage !== undefined && !isOpenArray) {
    reader.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${damage.reason} at byte ${damage.offset}`,
    });
  }
  return reader.finish();
}
