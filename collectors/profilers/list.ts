import { nodeCpu } from './node-cpu.ts';
import { nodeHeap } from './node-heap.ts';
import { nodeProf } from './node-prof.ts';
import { perf } from './perf.ts';
import type { Profiler } from './profiler.ts';

/** Every profiler, in the order in which `auto` prefers them. Adding one is one file and one line here. */
export const PROFILERS: readonly Profiler[] = [perf, nodeCpu, nodeHeap, nodeProf];
