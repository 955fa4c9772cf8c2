import { zeroX } from './0x.ts';
import { cargoFlamegraph } from './cargo-flamegraph.ts';
import { clinicBubbleprof } from './clinic-bubbleprof.ts';
import { clinicDoctor } from './clinic-doctor.ts';
import { clinicFlame } from './clinic-flame.ts';
import { clinicHeapprofiler } from './clinic-heapprofiler.ts';
import { dhat } from './dhat.ts';
import { flamegraph } from './flamegraph.ts';
import { heaptrack } from './heaptrack.ts';
import { nodeCpu } from './node-cpu.ts';
import { nodeHeap } from './node-heap.ts';
import { nodeProf } from './node-prof.ts';
import { perf } from './perf.ts';
import type { Profiler } from './profiler.ts';
import { pySpy } from './py-spy.ts';
import { samply } from './samply.ts';

/** Every profiler, in the order in which `auto` prefers them. Adding one is one file and one line here. */
export const PROFILERS: readonly Profiler[] = [
  perf,
  samply,
  flamegraph,
  cargoFlamegraph,
  pySpy,
  heaptrack,
  dhat,
  nodeCpu,
  nodeHeap,
  nodeProf,
  zeroX,
  clinicFlame,
  clinicHeapprofiler,
  clinicDoctor,
  clinicBubbleprof,
];
