import { asIndex, asNumber, asObject, asText, type JsonObject } from '../base/narrow.ts';
import type { Warnings } from '../base/warnings.ts';
import { type FrameIndex, NO_STACK, type Profile, type StackIndex, type ThreadIndex } from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import { DurationEvents } from './trace-event-durations.ts';
import { ChunkedProfile } from './trace-event-samples.ts';

/** Sorts events into what they are for a profile, and decides at the end which of it is the profile. */
export class TraceEventReader {
  events = 0;
  readonly #builder: ProfileBuilder;
  readonly #processNames = new Map<number, string>();
  readonly #threadNames = new Map<string, string>();
  readonly #durations = new Map<string, DurationEvents>();
  /** By process and id: chunks of one profile may come from several threads. */
  readonly #profiles = new Map<string, ChunkedProfile>();
  readonly #hermesSamples: {
    readonly pid: number;
    readonly tid: number;
    readonly ts: number;
    readonly frame: string;
  }[] = [];
  #hermesFrames: JsonObject = {};

  constructor(name: string) {
    this.#builder = new ProfileBuilder(name, [{ name: 'wall', unit: 'nanoseconds' }]);
  }

  get warnings(): Warnings {
    return this.#builder.warnings;
  }

  event(event: JsonObject): void {
    const phase = asText(event.ph);
    if (phase === '') return;
    this.events++;
    const pid = asIndex(event.pid, 0) & 0x7fffffff;
    const tid = asIndex(event.tid, 0) & 0x7fffffff;
    const name = asText(event.name);
    switch (phase) {
      case 'B':
      case 'E':
      case 'X':
        this.#duration(event, phase, pid, tid, name);
        return;
      case 'M': {
        const value = asText(asObject(event.args).name);
        if (name === 'process_name') this.#processNames.set(pid, value);
        else if (name === 'thread_name') this.#threadNames.set(`${pid},${tid}`, value);
        return;
      }
      case 'P':
      case 'I':
      case 'R':
        this.#chunk(event, pid, tid, name);
        return;
    }
  }

  #duration(event: JsonObject, phase: 'B' | 'E' | 'X', pid: number, tid: number, name: string): void {
    const ts = asNumber(event.ts, Number.NaN);
    if (Number.isNaN(ts)) {
      this.warnings.add('events-skipped', 'events have no time', { example: name });
      return;
    }
    const key = `${pid},${tid}`;
    let events = this.#durations.get(key);
    if (events === undefined) {
      events = new DurationEvents(pid, tid);
      this.#durations.set(key, events);
    }
    const length = phase === 'X' ? asNumber(event.dur, asNumber(event.tdur, 0)) : Number.NaN;
    events.add(phase, ts, Math.max(0, length), name === '' ? 'anonymous' : name, asText(event.cat));
  }

  #chunk(event: JsonObject, pid: number, tid: number, name: string): void {
    if (name !== 'Profile' && name !== 'ProfileChunk' && name !== 'CpuProfile') return;
    const id = asText(event.id) || `${pid}:${tid}`;
    const key = `${pid},${id}`;
    let profile = this.#profiles.get(key);
    if (profile === undefined) {
      profile = new ChunkedProfile(pid, tid);
      this.#profiles.set(key, profile);
    }
    // The data may be null since the process was killed while it was written.
    const data = asObject(asObject(event.args).data);
    if (name === 'Profile') profile.start(tid, asNumber(data.startTime, asNumber(event.ts, 0)));
    else profile.chunk(this.#builder, asNumber(event.ts, 0), data);
  }

  hermesSample(sample: JsonObject): void {
    this.events++;
    this.#hermesSamples.push({
      pid: asIndex(sample.pid, 0) & 0x7fffffff,
      tid: asIndex(sample.tid, 0) & 0x7fffffff,
      ts: asNumber(sample.ts, Number.NaN),
      frame: typeof sample.sf === 'number' ? String(sample.sf) : asText(sample.sf),
    });
  }

  hermesFrames(frames: JsonObject): void {
    this.#hermesFrames = frames;
  }

  finish(): Profile {
    const sampled = [...this.#profiles.values()].filter(profile => profile.length > 0);
    for (const profile of sampled) {
      profile.finish(this.#builder, this.#thread(profile.pid, profile.tid));
    }
    if (sampled.length === 0 && this.#hermesSamples.length > 0) this.#finishHermes();
    else if (sampled.length === 0) {
      for (const events of this.#durations.values()) {
        events.finish(this.#builder, this.#thread(events.pid, events.tid));
      }
    }
    return this.#builder.finish();
  }

  #thread(pid: number, tid: number): ThreadIndex {
    return this.#builder.thread({
      pid,
      tid,
      processName: this.#processNames.get(pid) ?? '',
      threadName: this.#threadNames.get(`${pid},${tid}`) ?? '',
    });
  }

  /** A sample lasts until the next one of its thread; the last has no length. */
  #finishHermes(): void {
    const stacks = new Map<string, StackIndex>();
    const byThread = Map.groupBy(
      this.#hermesSamples.filter(({ ts }) => !Number.isNaN(ts)),
      ({ pid, tid }) => `${pid},${tid}`,
    );
    for (const samples of byThread.values()) {
      samples.sort((a, b) => a.ts - b.ts);
      const thread = this.#thread(samples[0]!.pid, samples[0]!.tid);
      for (const [i, { ts, frame }] of samples.entries()) {
        const next = samples[i + 1]?.ts ?? ts;
        const stack = this.#hermesStack(frame, stacks);
        this.#builder.sample({ thread, stack, timeNs: ts * 1000, values: [(next - ts) * 1000] });
      }
    }
  }

  #hermesStack(id: string, stacks: Map<string, StackIndex>): StackIndex {
    const path: string[] = [];
    const seen = new Set<string>();
    let at = id;
    while (at !== '' && !stacks.has(at) && !seen.has(at) && Object.hasOwn(this.#hermesFrames, at)) {
      path.push(at);
      seen.add(at);
      const { parent } = asObject(this.#hermesFrames[at]);
      at = typeof parent === 'number' ? String(parent) : asText(parent);
    }
    let stack = stacks.get(at) ?? NO_STACK;
    for (const key of path.reverse()) {
      stack = this.#builder.stack(stack, this.#hermesFrame(asObject(this.#hermesFrames[key])));
      stacks.set(key, stack);
    }
    return stack;
  }

  /** `name(file:line:column)`, or a name with fields beside it. */
  #hermesFrame(frame: JsonObject): FrameIndex {
    const text = asText(frame.name);
    const match = /^(.*?)\(([^()]*):(\d+):(\d+)\)$/s.exec(text);
    const name = match?.[1] ?? text;
    return this.#builder.frame({
      name: name === '' ? '(anonymous)' : name,
      file: match?.[2] ?? asText(frame.url),
      line: asIndex(match?.[3] ?? frame.line, 0),
      column: asIndex(match?.[4] ?? frame.column, 0),
      category: asText(frame.category),
    });
  }
}
