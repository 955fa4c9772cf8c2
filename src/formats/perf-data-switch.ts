import type { PerfEvent } from './perf-data-header.ts';

/** Where `sched:sched_switch` keeps the thread that it switches to. */
export interface SwitchLayout {
  /** Offset in the sample's raw data. */
  readonly nextPidAt: number;
}

/** Common fields (8 bytes), prev_comm[16], prev_pid, prev_prio, prev_state (8), next_comm[16]: unchanged since 2009. */
const USUAL_NEXT_PID_AT = 56;
const TRACEPOINT = 2;

/** The layout for an event that is `sched:sched_switch`, from the recorded format text where the file has it. */
export function schedSwitchLayout(event: PerfEvent, tracingData: Uint8Array | undefined): SwitchLayout | undefined {
  if (event.attr.type !== TRACEPOINT) return undefined;
  const formats = tracingData === undefined ? '' : new TextDecoder('latin1').decode(tracingData);
  const format = new RegExp(`name: sched_switch\\nID: ${event.attr.config}\\nformat:[^]*?print fmt`).exec(formats)?.[0];
  if (format === undefined) return event.name === 'sched:sched_switch' ? { nextPidAt: USUAL_NEXT_PID_AT } : undefined;
  const offset = /field:[^;]*\bnext_pid;\s*offset:(\d+);/.exec(format)?.[1];
  return { nextPidAt: offset === undefined ? USUAL_NEXT_PID_AT : Number(offset) };
}
