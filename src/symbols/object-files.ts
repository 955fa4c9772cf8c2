import type { Source } from '../base/source.ts';

/** A file that symbols or unwind tables may come from. */
export type WantedFile =
  /** The mapped object itself. */
  | { readonly kind: 'image'; readonly path: string; readonly buildId: string; readonly pid: number }
  /** Its separate debug information. */
  | { readonly kind: 'debug'; readonly path: string; readonly buildId: string; readonly debugLink: string }
  /** Shared DWARF of several debug files (`.gnu_debugaltlink`, made by dwz). */
  | { readonly kind: 'supplementary'; readonly path: string; readonly buildId: string; readonly link: string }
  /** `/proc/kallsyms`, or a copy of it. */
  | { readonly kind: 'kernel-symbols' }
  /** `perf-PID.map`, which a runtime writes. */
  | { readonly kind: 'perf-map'; readonly pid: number };

/**
 * Where object files come from, without saying how: the file system of this machine, a folder of a test. Symbol
 * readers check what they are given (build id, format) and report the places that were looked at.
 */
export interface ObjectFiles {
  /** Places to look, best first. */
  candidates(wanted: WantedFile): readonly string[];
  /** Undefined where nothing readable is there. */
  open(place: string): Promise<Source | undefined>;
}
