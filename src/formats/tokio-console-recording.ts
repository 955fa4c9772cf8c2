import { TprofError } from '../base/errors.ts';
import { asIndex, asObject, asText, type JsonObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import { Warnings } from '../base/warnings.ts';
import type { AsyncRecording } from '../model/async-tasks.ts';
import { ConsoleDecoder } from './tokio-console-decoder.ts';
import { CONSOLE_MAGIC, ConsoleFrame, readConsoleFrames } from './tokio-console-frames.ts';
import { ConsoleState } from './tokio-console-state.ts';

/** Everything that a recorded console-subscriber told, update by update. */
export async function readConsoleRecording(
  source: Source,
  onProgress?: (bytes: number) => void,
): Promise<AsyncRecording> {
  const warnings = new Warnings();
  const damaged = (what: string): void =>
    warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${what}`,
    });
  let decoder: ConsoleDecoder | undefined;
  let state: ConsoleState | undefined;
  for await (const frame of readConsoleFrames(source, onProgress)) {
    if (frame === undefined) {
      if (state !== undefined) damaged('the last record is cut off');
      break;
    }
    if (state === undefined || decoder === undefined) {
      if (frame.kind !== ConsoleFrame.header) break;
      const header = jsonOf(frame.body);
      const startedUnixNs = header === undefined ? undefined : bigintOf(header.startedUnixNs);
      if (header === undefined || startedUnixNs === undefined) break;
      const baseSeconds = startedUnixNs / 1_000_000_000n;
      decoder = new ConsoleDecoder(Number(baseSeconds));
      state = new ConsoleState(asText(header.address), baseSeconds * 1_000_000_000n, warnings);
      continue;
    }
    switch (frame.kind) {
      case ConsoleFrame.connected:
        state.connected(asIndex(jsonOf(frame.body)?.pid, 0));
        break;
      case ConsoleFrame.update: {
        const update = frame.body.length < 8 ? undefined : decoder.update(frame.body.subarray(8));
        if (update === undefined) damaged(`the update at byte ${frame.offset} is not whole`);
        else state.update(update);
        break;
      }
      case ConsoleFrame.details: {
        const details = frame.body.length < 8 ? undefined : decoder.details(frame.body.subarray(8));
        if (details === undefined) damaged(`the details at byte ${frame.offset} are not whole`);
        else state.details(details);
        break;
      }
      case ConsoleFrame.ended:
        break;
      default:
        damaged(`the record at byte ${frame.offset} is of no known kind (${frame.kind})`);
    }
  }
  if (state === undefined) {
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected a recording of a console-subscriber, found one that is cut off or damaged in its header`,
      { hint: `it begins with the line ${JSON.stringify(CONSOLE_MAGIC.trim())}, and a record that names the program` },
    );
  }
  return state.finish(source.name);
}

function jsonOf(bytes: Uint8Array): JsonObject | undefined {
  try {
    return asObject(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

function bigintOf(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}
