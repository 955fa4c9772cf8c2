import { writeFile } from 'node:fs/promises';
import { fileSource } from '../../../collectors/file-source.ts';
import {
  CONSOLE_MAGIC,
  ConsoleFrame,
  consoleFrame,
  consoleJsonFrame,
  consoleUpdateFrame,
  readConsoleFrames,
} from '../../formats/tokio-console-frames.ts';
import { rewriteConsoleUpdate } from '../../formats/tokio-console-rewrite.ts';
import type { Redactor } from '../../redaction/redactor.ts';

/** Copies the recording of a console-subscriber without its secrets; how much of it could not be gone through. */
export async function redactConsole(
  source: string,
  target: string,
  redactor: Redactor,
): Promise<{ readonly unknownFields: number; readonly damaged: number }> {
  const parts: Uint8Array[] = [Buffer.from(CONSOLE_MAGIC)];
  let unknownFields = 0;
  let damaged = 0;
  for await (const frame of readConsoleFrames(await fileSource(source))) {
    if (frame === undefined) break;
    const { kind, body } = frame;
    if (kind === ConsoleFrame.update) {
      const rewritten =
        body.length < 8 ? undefined : rewriteConsoleUpdate(body.subarray(8), value => redactor.text(value));
      if (rewritten === undefined) {
        damaged++;
        continue;
      }
      unknownFields += rewritten.unknownFields;
      const arrival = new DataView(body.buffer, body.byteOffset, 8).getBigUint64(0);
      parts.push(consoleUpdateFrame(arrival, rewritten.bytes));
    } else if (kind === ConsoleFrame.header || kind === ConsoleFrame.connected || kind === ConsoleFrame.ended) {
      parts.push(redactedJson(kind, body, redactor));
    } else damaged++;
  }
  await writeFile(target, parts);
  return { unknownFields, damaged };
}

function redactedJson(kind: number, body: Uint8Array, redactor: Redactor): Uint8Array {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return consoleJsonFrame(kind, redactor.document(value) as object);
  } catch {
    return consoleFrame(kind, new TextEncoder().encode('{}'));
  }
}
