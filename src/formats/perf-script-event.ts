/** `comm [pid/]tid [cpu] time: [period] event[:modifiers]:[ frame]`, as `perf script` prints it before a stack. */
export interface EventLine {
  readonly comm: string;
  /** Undefined where the line has no pid. */
  readonly pid: number | undefined;
  readonly tid: number;
  /** Undefined where the line has no time. */
  readonly timeNs: number | undefined;
  readonly event: string;
  /** 1 where the line has none. */
  readonly period: number;
  /** A stack of one frame stands on the same line. */
  readonly frame: string | undefined;
}

/**
 * The command's name may hold spaces and digits (`V8 WorkerThread 25607 …`): it ends before the first word that is all
 * digits, with or without a slash. Everything else is told by colons, the first of which follows the time.
 */
export function parseEventLine(line: string): EventLine | undefined {
  const ids = idsAt(line);
  if (ids === undefined) return undefined;
  const firstColon = line.indexOf(':', ids.end);
  const secondColon = firstColon === -1 ? -1 : line.indexOf(':', firstColon + 1);
  const words = firstColon === -1 ? '' : line.slice(firstColon + 1, secondColon === -1 ? undefined : secondColon);
  const lastSpace = words.lastIndexOf(' ');
  const event = words.slice(lastSpace + 1);
  const before = words.slice(0, Math.max(0, lastSpace));
  const period = before.slice(before.lastIndexOf(' ') + 1);
  const time = /(\d+)\.(\d{1,9})$/.exec(line.slice(ids.end, firstColon === -1 ? ids.end : firstColon));
  return {
    comm: line.slice(0, ids.start - 1).trim(),
    pid: ids.slash === -1 ? undefined : Number(line.slice(ids.start, ids.slash)),
    tid: Number(line.slice(ids.slash === -1 ? ids.start : ids.slash + 1, ids.end - 1)),
    timeNs: time === null ? undefined : Number(time[1]) * 1e9 + Number(time[2]!.padEnd(9, '0')),
    event,
    period: /^\+?\d+$/.test(period) ? Number(period) : 1,
    frame: secondColon === -1 ? undefined : frameBehind(line.slice(secondColon + 1)),
  };
}

/** Behind the event's colon: `uppp:` is modifiers, `u:  addr sym (dso)` and `  addr sym (dso)` are a stack. */
function frameBehind(text: string): string | undefined {
  const start = text.search(/[: ]/);
  const frame = text.slice(start + 1).trim();
  return frame === '' ? undefined : frame;
}

function idsAt(line: string): { start: number; end: number; slash: number } | undefined {
  let start = 0;
  let allDigits = false;
  let slash = -1;
  for (let i = 0; i < line.length; i++) {
    const c = line.charCodeAt(i);
    if (c === SPACE) {
      if (allDigits && line.charCodeAt(i - 1) !== SPACE) return { start, end: i + 1, slash };
      start = i + 1;
      allDigits = true;
    } else if (c === SLASH) {
      if (allDigits) slash = i;
    } else if (c < ZERO || c > NINE) {
      allDigits = false;
      slash = -1;
    }
  }
  return undefined;
}

const SPACE = 0x20;
const SLASH = 0x2f;
const ZERO = 0x30;
const NINE = 0x39;
