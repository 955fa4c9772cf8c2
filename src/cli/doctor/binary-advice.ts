import type { InspectedBinary } from '../../../collectors/inspect-binary.ts';
import { formatCount, formatShare } from '../../base/format-units.ts';

/** Something that a profile of the program would lack, and the command that mends it. */
export interface BinaryAdvice {
  readonly about: 'program' | 'frame-pointers' | 'symbols' | 'debug-information' | 'async-tasks';
  readonly what: string;
  readonly command: string;
}

export interface FramePointerVerdict {
  readonly verdict: 'yes' | 'mostly' | 'some' | 'no' | 'unknown';
  /** 0…1 of the functions that make a frame; undefined where nothing is known. */
  readonly share: number | undefined;
  /** False where few functions, or other people's among them, were all there was to judge by. */
  readonly isSure: boolean;
  /** One sentence: how it was told, and how sure that is. */
  readonly how: string;
}

/** Fewer functions with a frame than these are an example, not a share. */
const FEW = 5;

/** Whether the program's own code keeps frame pointers, as far as its file tells. */
export function framePointerVerdict({
  language,
  framePointers,
  machine,
  functions,
}: InspectedBinary): FramePointerVerdict {
  if (language === 'go')
    return { verdict: 'yes', share: undefined, isSure: true, how: 'Go keeps them on this kind of machine' };
  if (framePointers === undefined) {
    const how = `no unwind tables to tell it by, or not known how to for ${machine}`;
    return { verdict: 'unknown', share: undefined, isSure: false, how };
  }
  const isOwn = language === 'rust' && (framePointers.own?.framed ?? 0) > 0;
  const { framed, withPointer } = isOwn && framePointers.own !== undefined ? framePointers.own : framePointers.all;
  if (framed === 0)
    return { verdict: 'unknown', share: undefined, isSure: false, how: 'none of its functions makes a frame' };
  const share = withPointer / framed;
  const of = isOwn ? "the program's own functions (the standard library aside)" : 'the functions';
  const doubt = [
    ...(framed < FEW ? ['few to judge by'] : []),
    ...(language === 'rust' && !isOwn ? ['without names the standard library, built elsewhere, is among them'] : []),
    ...(functions > framed * 20 && framed >= FEW ? ['a sample'] : []),
  ];
  return {
    verdict: share >= 0.95 ? 'yes' : share >= 0.7 ? 'mostly' : share > 0.1 ? 'some' : 'no',
    share,
    isSure: framed >= FEW && (language !== 'rust' || isOwn),
    how: `${formatCount(withPointer)} of ${formatCount(framed)} of ${of} that make a frame measure it from the frame pointer (${formatShare(share)}${doubt.length === 0 ? '' : `; ${doubt.join(', ')}`})`,
  };
}

/** What would make profiles of the program better, the gravest first. `owner`: the package that it came with. */
export function adviceOn(
  binary: InspectedBinary,
  framePointers: FramePointerVerdict,
  owner: string | undefined,
  command: string,
): BinaryAdvice[] {
  const starter =
    STARTERS.get(binary.realPath.slice(binary.realPath.lastIndexOf('/') + 1)) ?? STARTERS.get(firstWord(command));
  if (starter !== undefined) return [{ about: 'program', ...starter }];
  const advice: BinaryAdvice[] = [];
  const { language, debug, hasSymbols } = binary;
  const coverage = debug.lines.looked === 0 ? 0 : debug.lines.withLine / debug.lines.looked;
  if (!hasSymbols && coverage < 0.5) {
    advice.push({
      about: 'symbols',
      what: 'it is stripped and no debug file was found: its functions will be addresses',
      command: owner === undefined ? WITH_SYMBOLS[language] : debugPackage(owner),
    });
  }
  if (framePointers.verdict !== 'yes') {
    const what =
      framePointers.verdict === 'unknown'
        ? 'whether it keeps frame pointers is not known: stacks may be cut short'
        : `its code ${framePointers.verdict === 'no' ? 'keeps no' : `keeps ${framePointers.verdict === 'mostly' ? 'not everywhere' : 'here and there'}`} frame pointers: stacks that are walked by them are cut short`;
    if (owner === undefined) advice.push({ about: 'frame-pointers', what, command: WITH_FRAME_POINTERS[language] });
    if (binary.unwindTables) {
      advice.push({
        about: 'frame-pointers',
        what: 'without building it again: stacks by its unwind tables, at more cost and larger recordings',
        command: `tprof record --profiler perf --call-graph dwarf -- ${command}`,
      });
    }
  }
  if ((hasSymbols || debug.where !== 'none') && coverage < 0.5) {
    advice.push({
      about: 'debug-information',
      what: `${coverage === 0 ? 'no' : 'hardly any'} line tables for its own code: functions have names, but no files and lines, and inlined ones are not shown`,
      command: owner === undefined ? WITH_LINES[language] : debugPackage(owner),
    });
  }
  if (binary.hasConsoleSubscriber) {
    advice.push({
      about: 'async-tasks',
      what: 'it has a console-subscriber: its tasks can be recorded, too',
      command: `tprof record --tokio-console :6669 -- ${command}`,
    });
  }
  return advice;
}

function firstWord(command: string): string {
  const [word = ''] = command.split(' ');
  return word.slice(word.lastIndexOf('/') + 1);
}

/** Programs that start the one that is meant: how they were built says nothing of it. */
const STARTERS: ReadonlyMap<string, Pick<BinaryAdvice, 'what' | 'command'>> = new Map([
  ...['cargo', 'rustup'].map(
    name =>
      [
        name,
        {
          what: 'it starts the program that it builds: look at that one',
          command: 'tprof doctor -- ./target/release/NAME',
        },
      ] as const,
  ),
  [
    'go',
    {
      what: 'it starts the program that it builds: build it, and look at that',
      command: 'go build -o app && tprof doctor -- ./app',
    },
  ],
  ...['docker', 'podman', 'nerdctl'].map(
    name =>
      [
        name,
        {
          what: 'the program runs below a daemon, not below this command: attach to it',
          command: "tprof record --name 'NAME*' --duration 30s",
        },
      ] as const,
  ),
]);

type ByLanguage = Readonly<Record<InspectedBinary['language'], string>>;

const C_FRAME_POINTERS = "make CFLAGS='-O2 -g -fno-omit-frame-pointer'";
const CXX_FRAME_POINTERS = "make CXXFLAGS='-O2 -g -fno-omit-frame-pointer'";

const WITH_FRAME_POINTERS: ByLanguage = {
  rust: 'RUSTFLAGS="-C force-frame-pointers=yes" cargo build --release',
  go: 'go build',
  c: C_FRAME_POINTERS,
  'c++': CXX_FRAME_POINTERS,
  unknown: 'build it with -fno-omit-frame-pointer',
};

const WITH_LINES: ByLanguage = {
  rust: 'CARGO_PROFILE_RELEASE_DEBUG=1 cargo build --release   ([profile.release] debug = 1 in Cargo.toml)',
  go: 'go build   (without -ldflags -w)',
  c: C_FRAME_POINTERS,
  'c++': CXX_FRAME_POINTERS,
  unknown: 'build it with -g',
};

const WITH_SYMBOLS: ByLanguage = {
  rust: 'CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=1 cargo build --release   ([profile.release] strip = "none", debug = 1)',
  go: 'go build   (without -ldflags "-s -w")',
  c: "make CFLAGS='-O2 -g'   (and install without -s or strip)",
  'c++': "make CXXFLAGS='-O2 -g'   (and install without -s or strip)",
  unknown: 'build it with -g, and do not strip it',
};

/** Debug packages stand in an archive of their own. */
function debugPackage(owner: string): string {
  return `apt-get install ${owner}-dbgsym   (from the archive of debug symbols: deb http://deb.debian.org/debian-debug CODENAME-debug main)`;
}
