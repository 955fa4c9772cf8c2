// https://man7.org/linux/man-pages/man1/perf-script.1.html
import { ByteWindow } from '../base/byte-window.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { utf8Source } from '../base/utf8-source.ts';
import type { Profile } from '../model/profile.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { parseEventLine } from './perf-script-event.ts';
import { parseStackLine } from './perf-script-names.ts';
import { PerfScriptReader } from './perf-script-reader.ts';

/**
 * The text that `perf script` prints. Each event is a value column (its period; nanoseconds for the clock events), the
 * first event is the default. `addrs` gives functions without a name their address.
 */
export const perfScript: ProfileFormat = {
  id: 'perf-script',
  kind: 'profile',
  title: 'Text of perf script (and of simpleperf report-sample)',
  recognisedBy: 'text: a line "comm pid/tid [cpu] time: period event:", then frames "addr symbol (dso)"',
  extensions: ['.perf', '.perf-script.txt'],
  detect(head) {
    const lines = new TextDecoder()
      .decode(head)
      .replace(/^\ufeff/, '')
      .split('\n');
    // The last line may be cut.
    if (head.length >= 4096) lines.pop();
    const first = lines.findIndex(line => line.trim() !== '' && !line.startsWith('#'));
    if (first === -1) return lines.some(line => /^# (captured on|perf version|cmdline) ?:/.test(line)) ? 0.9 : 0;
    const event = parseEventLine(lines[first]!.replaceAll('\t', ' '));
    if (event === undefined || event.event === '' || event.comm === '') return 0;
    if (event.frame !== undefined && parseStackLine(event.frame, false, false) !== undefined) return 0.9;
    const next = lines[first + 1] ?? '';
    if (/^\s/.test(next) && parseStackLine(next, false, false) !== undefined) return 0.95;
    return event.timeNs !== undefined && (next.trim() === '' || parseEventLine(next)?.timeNs !== undefined) ? 0.6 : 0;
  },
  read: readPerfScript,
};

async function readPerfScript(original: Source, options: ProfileReadOptions): Promise<Profile> {
  const source = utf8Source(original);
  const reader = new PerfScriptReader(source.name, options);
  const window = new ByteWindow(source, options.onProgress);
  let done = false;
  while (!done) {
    done = !(await window.more());
    window.pos = reader.lines(window.bytes, window.pos, window.end);
  }
  if (window.available > 0) reader.lastLine(window.bytes, window.pos, window.end);
  else reader.endOfSample();
  if (reader.samples === 0) {
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected lines such as "comm pid/tid [cpu] time: period event:", found none`,
      { hint: 'print the recording with: perf script -F comm,pid,tid,cpu,time,period,event,ip,sym,dso' },
    );
  }
  return reader.finish();
}
