import { collapsed } from './collapsed.ts';
import { cpuprofile } from './cpuprofile.ts';
import { dhat } from './dhat.ts';
import { firefox } from './firefox.ts';
import type { Format } from './format.ts';
import { heapprofile } from './heapprofile.ts';
import { heaptrack } from './heaptrack.ts';
import { jaeger } from './jaeger.ts';
import { otlp } from './otlp.ts';
import { perfData } from './perf-data.ts';
import { perfScript } from './perf-script.ts';
import { pprof } from './pprof.ts';
import { speedscope } from './speedscope.ts';
import { tempo } from './tempo.ts';
import { tokioConsole } from './tokio-console.ts';
import { traceEvent } from './trace-event.ts';
import { tracingFlame } from './tracing-flame.ts';
import { v8Log } from './v8-log.ts';
import { zipkin } from './zipkin.ts';

/** Every format, in the order of `tprof formats`. Adding one is one file and one line here. */
export const FORMATS: readonly Format[] = [
  perfData,
  perfScript,
  collapsed,
  cpuprofile,
  speedscope,
  firefox,
  heapprofile,
  pprof,
  traceEvent,
  v8Log,
  dhat,
  heaptrack,
  tracingFlame,
  tokioConsole,
  otlp,
  tempo,
  jaeger,
  zipkin,
];
