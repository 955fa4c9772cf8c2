// https://github.com/firefox-devtools/profiler/blob/main/docs-developer/CHANGELOG-formats.md
import { TprofError } from '../base/errors.ts';
import { type JsonShape, streamJson } from '../base/json-stream.ts';
import { asNumber, asObject, asText, type JsonObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import type { Profile } from '../model/profile.ts';
import { FirefoxBuilder, type FxThread, newFxThread } from './firefox-builder.ts';
import { readSyms } from './firefox-syms.ts';
import { fxTableShapes, fxTables } from './firefox-tables.ts';
import { writeFirefox } from './firefox-write.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';

/**
 * The Firefox Profiler's processed profile, which samply writes. The layout is told by the keys that are there, not by
 * the version's number, so that versions 46 to 71 read alike.
 *
 * Weights: `weight` is what the Firefox Profiler ranks by; `samples` counts rows; `cpu` is `threadCPUDelta`, the
 * default where the file has it. The three rank the same file differently: idle threads have much weight and no CPU.
 */
export const firefox: ProfileFormat = {
  id: 'firefox',
  kind: 'profile',
  title: 'Firefox Profiler processed JSON: samply, profiler.firefox.com (versions 46 to 71)',
  recognisedBy: 'JSON with meta.preprocessedProfileVersion',
  extensions: ['.firefox.json', '.fxprof.json', '.samply.json'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    if (root !== 'object') return 0;
    if (paths.has('meta.preprocessedProfileVersion')) return 1;
    if (paths.has('meta.interval') && (paths.has('meta.startTime') || paths.has('meta.categories'))) return 0.8;
    return paths.has('meta.categories[].subcategories') ? 0.8 : 0;
  },
  read: readFirefox,
  write: writeFirefox,
};

async function readFirefox(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const shared = fxTables();
  const threads: FxThread[] = [];
  const libs: JsonObject[] = [];
  let meta: JsonObject = {};
  let thread = newFxThread();
  const numbers = (name: 'stack' | 'time' | 'timeDeltas' | 'weight' | 'threadCPUDelta'): JsonShape => ({
    numbers: value => thread[name].push(value),
  });
  const text = (name: 'name' | 'processName' | 'pid' | 'tid'): JsonShape => ({
    value: value => {
      thread[name] = typeof value === 'number' ? String(value) : asText(value);
    },
  });
  const { damage } = await streamJson(
    source,
    {
      fields: {
        meta: {
          value: value => {
            meta = asObject(value);
          },
        },
        libs: { each: lib => libs.push(asObject(lib)) },
        shared: { fields: fxTableShapes(() => shared) },
        threads: {
          items: {
            begin: () => {
              thread = newFxThread();
              threads.push(thread);
            },
            fields: {
              ...fxTableShapes(() => thread.tables),
              name: text('name'),
              processName: text('processName'),
              pid: text('pid'),
              tid: text('tid'),
              samples: {
                fields: {
                  stack: numbers('stack'),
                  time: numbers('time'),
                  timeDeltas: numbers('timeDeltas'),
                  weight: numbers('weight'),
                  threadCPUDelta: numbers('threadCPUDelta'),
                  weightType: {
                    value: value => {
                      thread.weightType = asText(value);
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    options.onProgress,
  );
  const where = damage === undefined ? '' : ` (${damage.reason} at byte ${damage.offset})`;
  const version = asNumber(meta.preprocessedProfileVersion, Number.NaN);
  if (Number.isNaN(version)) {
    throw new TprofError(
      'input-invalid',
      `${source.name}: expected meta.preprocessedProfileVersion, found none${where}`,
      {
        hint: 'a raw Gecko profile has none: open it in the Firefox Profiler and save it from there',
      },
    );
  }
  const isShared = shared.stack.frame.length > 0;
  const samples = threads.reduce((sum, { stack }) => sum + stack.length, 0);
  const strings = shared.strings.length + threads.reduce((sum, { tables }) => sum + tables.strings.length, 0);
  if (damage !== undefined && (samples === 0 || strings === 0)) {
    throw new TprofError('input-invalid', `${source.name}: expected threads with samples and a string table${where}`, {
      hint: 'the file is cut off before either is complete: copy or record it again',
    });
  }
  const builder = new FirefoxBuilder(source.name, meta, libs, shared);
  if (damage !== undefined) {
    builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${damage.reason} at byte ${damage.offset}`,
    });
  }
  if (meta.symbolicated === false) {
    const sidecar = await options.companion?.('.syms.json');
    if (sidecar !== undefined) builder.symbols = await readSyms(sidecar);
  }
  for (const own of threads) builder.addThread(own, isShared);
  return builder.finish();
}
