import type { Source } from '../base/source.ts';
import type { Profile } from '../model/profile.ts';
import type { TraceBuilder } from '../model/trace-builder.ts';
import type { ObjectFiles } from '../symbols/object-files.ts';

/** What all formats say of themselves: a line of `tprof formats`. */
interface FormatCommon {
  /** File name, word on the command line, name of the test and of the fixture folder. */
  readonly id: string;
  /** One line: whose format, what is in it. */
  readonly title: string;
  /** One line: how it is recognised. */
  readonly recognisedBy: string;
  /** File names that people give it; the first is the default for `convert`. Never used to detect. */
  readonly extensions: readonly string[];
  /**
   * How sure the first bytes (≤ 4 KiB) make it: 0 no, 1 certain. Two formats that share a shape (two kinds of JSON)
   * differ in sureness, so that the list's order does not matter.
   */
  detect(head: Uint8Array): number;
}

export interface ProfileFormat extends FormatCommon {
  readonly kind: 'profile';
  /**
   * Cut in its header it throws `TprofError('input-invalid')`; cut in its records it gives what came before, with the
   * warning `damaged-input`.
   */
  readonly read?: (source: Source, options: ProfileReadOptions) => Promise<Profile>;
  /** Streams, so that a large profile needs no giant string. */
  readonly write?: (profile: Profile, options: ProfileWriteOptions) => AsyncIterable<string | Uint8Array>;
  /** What this profile holds that the written format cannot: one sentence each, for `convert` to say. */
  readonly losses?: (profile: Profile, options: ProfileWriteOptions) => readonly string[];
}

export interface ProfileReadOptions {
  /** Of a file with several events: the one to use as default weight. */
  readonly event?: string;
  /** Reports bytes done, for progress. */
  readonly onProgress?: (bytes: number) => void;
  /** Where formats that hold addresses find the files that name them; without it they keep their addresses. */
  readonly objectFiles?: ObjectFiles;
  /** False: object files are used to unwind stacks alone, and frames keep their addresses. */
  readonly symbols?: boolean;
  /** Format-specific options of the same names as on the command line (inferno's `--kernel`, `--jit` …). */
  readonly flags?: ReadonlySet<string>;
  /** Opens the file beside the input whose name has `extension` in place of the input's last one; undefined: none. */
  readonly companion?: (extension: string) => Promise<Source | undefined>;
}

export interface ProfileWriteOptions {
  /** Value column to write where the format holds one only; otherwise the profile's default. */
  readonly value?: number;
  readonly flags?: ReadonlySet<string>;
}

/** Trace formats read into a builder, so that several files of one run share one epoch. */
export interface TraceFormat extends FormatCommon {
  readonly kind: 'trace';
  readonly read: (source: Source, builder: TraceBuilder, options: TraceReadOptions) => Promise<void>;
}

export interface TraceReadOptions {
  readonly onProgress?: (bytes: number) => void;
  /** Process behind each export request of this source, by number, where the receiver recorded it. */
  readonly processOf?: (request: number) => { readonly process: number; readonly arrivalNs: number | undefined };
  /**
   * The only attributes that the caller will ask for, of spans, events, links and log records; undefined = all. A
   * reader may leave out the others, which spares most of its work; it may not leave out these, nor a resource's.
   */
  readonly attributes?: readonly string[];
}

export type Format = ProfileFormat | TraceFormat;
