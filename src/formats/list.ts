import { collapsed } from './collapsed.ts';
import { cpuprofile } from './cpuprofile.ts';
import { firefox } from './firefox.ts';
import type { Format } from './format.ts';
import { otlp } from './otlp.ts';
import { perfData } from './perf-data.ts';
import { perfScript } from './perf-script.ts';
import { pprof } from './pprof.ts';
import { speedscope } from './speedscope.ts';

/** Every format, in the order of `tprof formats`. Adding one is one file and one line here. */
export const FORMATS: readonly Format[] = [
  perfData,
  perfScript,
  collapsed,
  cpuprofile,
  speedscope,
  firefox,
  pprof,
  otlp,
];
