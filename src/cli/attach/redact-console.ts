import { writeFile } from 'node:fs/promises';
import { fileSource } from '../../../collectors/file-source.ts';
import {
  CONSOLE_MAGIC,
  ConsoleFrame,
  consoleFrame,
  consoleJsonFrame,
  readConsoleFrames,
} from '../../formats/tokio-console-frames.ts';
import { rewriteConsoleDetails, rewriteConsoleUpdate } from '../../formats/tokio-console-rewrite.ts';
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
    if (kind === ConsoleFrame.update || kind === ConsoleFrame.details) {
      const rewritten = body.length < 8 ? undefined : rewrittenMessage(kind, body.subarray(8), redactor);
      if (rewritten === undefined) {
        damaged++;
        continue;
      }
      unknownFields += rewritten.unknownFields;
      parts.push(consoleFrame(kind, Buffer.concat([body.subarray(0, 8), rewritten.bytes])));
    } else if (kind === ConsoleFrame.header || kind === ConsoleFrame.connected || kind === ConsoleFrame.ended) {
      parts.push(redactedJson(kind, body, redactor));
    } else damaged++;
  }
  await writeFile(target, parts);
  return { unknownFields, damaged };
}

function rewrittenMessage(
  kind: number,
  message: Uint8Array,
  redactor: Redactor,
): ReturnType<typeof rewriteConsoleUpdate> {
  return kind === ConsoleFrame.update
    ? rewriteConsoleUpdate(message, value => redactor.text(value))
    : rewriteConsoleDetails(message);
}

function redactedJson(kind: number, body: Uint8Array, redactor: Redactor): Uint8Array {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return consoleJsonFrame(kind, redactor.document(value) as object);
  } catch {
    return consoleFrame(kind, new TextEncoder().encode('{}'));
  }
}
