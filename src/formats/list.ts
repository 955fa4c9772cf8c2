import type { Format } from './format.ts';

/** Every format, in the order of `tprof formats`. Adding one is one file and one line here. */
export const FORMATS: readonly Format[] = [];
