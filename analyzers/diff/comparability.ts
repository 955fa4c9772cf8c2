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

export function factsOfProfile(profile: Profile): Pick<RunFacts, 'intervalNs' | 'event'> {
  const type = profile.valueTypes[profile.defaultValue];
  return {
    intervalNs: profile.intervalNs,
    ...(type === undefined ? {} : { event: `${type.name} (${type.unit})` }),
  };
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
