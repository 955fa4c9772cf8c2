import { existsSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Trace } from '../../src/model/trace.ts';
import { spanIdHex } from '../../src/model/trace-read.ts';

const ENTRY = 'packages/jaeger-ui/src/components/TracePage/CriticalPath/index.ts';

/** What a bundler would leave out: types are imported like values there. */
const TYPE_IMPORTS = /^import \{[^}]*\} from '[./]*\/types\/[^']*';$/gm;

/** A span in the shape that Jaeger UI's own reader makes: times in microseconds, the tree already linked. */
interface JaegerSpan {
  readonly spanID: string;
  readonly startTime: number;
  readonly duration: number;
  readonly references: { readonly refType: 'CHILD_OF'; readonly spanID: string; readonly traceID: string }[];
  readonly childSpans: JaegerSpan[];
}

export interface JaegerTrace {
  readonly spans: JaegerSpan[];
}

type CriticalPathOf = (trace: JaegerTrace) => readonly unknown[];

/**
 * Jaeger UI's critical path from a checkout (`TPROF_JAEGER_UI`), as it stands: its TypeScript is compiled while it is
 * loaded. Of the versions that take a trace with its spans in order of time (2025).
 */
export async function jaegerUiCriticalPath(checkout: string): Promise<CriticalPathOf> {
  const entry = join(checkout, ENTRY);
  if (!existsSync(entry)) throw new Error(`${checkout}: expected a checkout of jaeger-ui with ${ENTRY}`);
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      // Its memo of the last trace would make all rounds but the first free.
      if (specifier === 'memoize-one') return { url: 'data:text/javascript,export default f => f', shortCircuit: true };
      if (!specifier.startsWith('.') || context.parentURL?.startsWith('file:') !== true)
        return next(specifier, context);
      const path = join(dirname(fileURLToPath(context.parentURL)), specifier);
      const file = [`${path}.ts`, `${path}.tsx`].find(name => existsSync(name));
      return file === undefined ? next(specifier, context) : { url: pathToFileURL(file).href, shortCircuit: true };
    },
    load(url, context, next) {
      if (!url.startsWith(pathToFileURL(checkout).href)) return next(url, context);
      const text = readFileSync(fileURLToPath(url), 'utf8').replaceAll(TYPE_IMPORTS, '');
      const source = stripTypeScriptTypes(text);
      return { format: 'module', source, shortCircuit: true };
    },
  });
  try {
    const { default: criticalPath } = (await import(pathToFileURL(entry).href)) as { default: CriticalPathOf };
    return criticalPath;
  } finally {
    hooks.deregister();
  }
}

/** The same spans as Jaeger UI has them in memory: each trace's in order of time, its tree linked. */
export function asJaegerTraces(trace: Trace): JaegerTrace[] {
  const { spans } = trace;
  const made: JaegerSpan[] = [];
  for (let i = 0; i < spans.length; i++) {
    made.push({
      spanID: spanIdHex(spans.idHigh[i]!, spans.idLow[i]!),
      startTime: spans.startNs[i]! / 1000,
      duration: (spans.endNs[i]! - spans.startNs[i]!) / 1000,
      references: [],
      childSpans: [],
    });
  }
  const byTrace = new Map<number, JaegerSpan[]>();
  for (let i = 0; i < spans.length; i++) {
    const parent = spans.parent[i]!;
    if (parent >= 0) {
      const traceID = trace.traceIds.hex(spans.trace[i]!);
      made[i]!.references.push({ refType: 'CHILD_OF', spanID: made[parent]!.spanID, traceID });
      made[parent]!.childSpans.push(made[i]!);
    }
    const list = byTrace.get(spans.trace[i]!);
    if (list === undefined) byTrace.set(spans.trace[i]!, [made[i]!]);
    else list.push(made[i]!);
  }
  return [...byTrace.values()].map(list => ({
    spans: list.sort((a, b) => a.startTime - b.startTime || a.references.length - b.references.length),
  }));
}
