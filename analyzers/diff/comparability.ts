import type { CaptureManifest } from '../../src/model/capture.ts';
import type { Profile } from '../../src/model/profile.ts';

/** What a run says of the circumstances under which it was made; what is undefined is not compared. */
export interface RunFacts {
  readonly name: string;
  readonly machine?: string | undefined;
  readonly kernel?: string | undefined;
  readonly scenario?: string | undefined;
  readonly concurrency?: number | undefined;
  readonly tools?: string | undefined;
  readonly intervalNs?: number | undefined;
  /** The weight that the profile is ranked by. */
  readonly event?: string | undefined;
  readonly complete?: boolean | undefined;
  /** Build id of each program and library that samples were in, by its file name. */
  readonly builds?: ReadonlyMap<string, string> | undefined;
  /** `fresh` or `stale`, of the tables that the run used. */
  readonly plannerStatistics?: 'fresh' | 'stale' | undefined;
}

/** `refuse`: a difference that a change of the program cannot be told from. `flag`: one to keep in mind. */
export interface Incomparable {
  readonly severity: 'refuse' | 'flag';
  readonly what: string;
  /** One sentence with both sides. */
  readonly message: string;
}

export function factsOfCapture({ name, host, command, tools, complete }: CaptureManifest): RunFacts {
  const e2e = command.indexOf('e2e');
  return {
    name,
    machine: `${host.cpus} × ${host.cpuModel}, ${host.platform} ${host.arch}`,
    kernel: host.release,
    tools: tools
      .map(tool => `${tool.id} ${tool.version}`)
      .sort()
      .join(', '),
    complete,
    ...(e2e >= 0 && command[e2e + 1] !== undefined ? { scenario: command[e2e + 1] } : {}),
  };
}

export function factsOfProfile(profile: Profile): Pick<RunFacts, 'intervalNs' | 'event' | 'builds'> {
  const type = profile.valueTypes[profile.defaultValue];
  return {
    intervalNs: profile.intervalNs,
    builds: buildsOf(profile),
    ...(type === undefined ? {} : { event: `${type.name} (${type.unit})` }),
  };
}

/** Only what frames are of: a library that is loaded and never runs makes no difference. */
function buildsOf({ frames, mappings }: Profile): ReadonlyMap<string, string> {
  const builds = new Map<string, string>();
  for (let f = 0; f < frames.length; f++) {
    const mapping = mappings[frames.mapping[f]!];
    if (mapping === undefined || mapping.buildId === '' || mapping.path === '') continue;
    builds.set(mapping.path.replace(/^.*[/\\]/, ''), mapping.buildId);
  }
  return builds;
}

/** Every difference between the circumstances of the runs, each thing once. */
export function incomparable(runs: readonly RunFacts[]): Incomparable[] {
  const found: Incomparable[] = [];
  const differ = (
    severity: Incomparable['severity'],
    what: string,
    of: (run: RunFacts) => string | undefined,
  ): void => {
    const said = runs.flatMap(run => {
      const value = of(run);
      return value === undefined ? [] : [{ name: run.name, value }];
    });
    const other = said.find(one => one.value !== said[0]!.value);
    if (other === undefined) return;
    found.push({
      severity,
      what,
      message: `${what} differs: ${said[0]!.value} in ${said[0]!.name}, ${other.value} in ${other.name}`,
    });
  };
  differ('refuse', 'the machine', run => run.machine);
  differ('refuse', 'the scenario', run => run.scenario);
  differ('refuse', 'the number of tasks at once', run => run.concurrency?.toString());
  differ('refuse', 'the event', run => run.event);
  differ('refuse', 'the state of planner statistics', run => run.plannerStatistics);
  const intervals = runs.filter(run => (run.intervalNs ?? 0) > 0);
  const [first] = intervals;
  // Recorders round their interval to clock ticks: 999 Hz and 1,000 Hz are one frequency.
  const odd = intervals.find(run => Math.abs(run.intervalNs! / first!.intervalNs! - 1) > 0.05);
  if (first !== undefined && odd !== undefined) {
    found.push({
      severity: 'refuse',
      what: 'the sampling frequency',
      message: `the sampling frequency differs: ${frequency(first)} in ${first.name}, ${frequency(odd)} in ${odd.name}`,
    });
  }
  for (const file of new Set(runs.flatMap(run => [...(run.builds?.keys() ?? [])]))) {
    differ('flag', `the build of ${file}`, run => run.builds?.get(file)?.slice(0, 12));
  }
  differ('flag', 'the kernel', run => run.kernel);
  differ('flag', 'what recorded', run => run.tools);
  for (const run of runs) {
    if (run.complete === false) {
      found.push({ severity: 'flag', what: 'completeness', message: `the recording of ${run.name} was not finished` });
    }
  }
  return found;
}

function frequency({ intervalNs }: RunFacts): string {
  return `${Number((1e9 / intervalNs!).toPrecision(3))} Hz`;
}
