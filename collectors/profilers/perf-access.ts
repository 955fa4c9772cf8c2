// https://docs.kernel.org/admin-guide/perf-security.html
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';

/** What the kernel lets this user record. */
export interface PerfAccess {
  readonly allowed: boolean;
  /** Root, or CAP_PERFMON. */
  readonly privileged: boolean;
  /** `kernel.perf_event_paranoid`; NaN where there is none. */
  readonly level: number;
  /** The kernel's own part of stacks is closed to this user. */
  readonly userOnly: boolean;
  readonly reason: string;
  readonly hint: string;
  readonly note: string | undefined;
}

const CAP_SYS_ADMIN = 21;
const CAP_PERFMON = 38;

export function perfAccess(): PerfAccess {
  const hint = 'sudo sysctl kernel.perf_event_paranoid=1 kernel.kptr_restrict=0';
  const level = Number(readOrUndefined('/proc/sys/kernel/perf_event_paranoid') ?? Number.NaN);
  if (Number.isNaN(level)) {
    return {
      allowed: false,
      privileged: false,
      level,
      userOnly: true,
      reason: 'this kernel (or container) has no perf events',
      hint: 'run on the host, or start the container with --cap-add PERFMON --security-opt seccomp=unconfined',
      note: undefined,
    };
  }
  const privileged = hasCapability(CAP_PERFMON) || hasCapability(CAP_SYS_ADMIN);
  const known = { privileged, level, hint };
  if (privileged || level < 2) return { ...known, allowed: true, userOnly: false, reason: '', note: undefined };
  // 2: own processes, without the kernel. Above that (Debian and Ubuntu go to 4): nothing.
  if (level === 2) {
    const note = `the kernel's part of stacks is not recorded; mend with: ${hint}`;
    return { ...known, allowed: true, userOnly: true, reason: '', note };
  }
  return {
    ...known,
    allowed: false,
    userOnly: true,
    reason: `kernel.perf_event_paranoid is ${level}: only root may record`,
    note: undefined,
  };
}

function hasCapability(bit: number): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readOrUndefined('/proc/self/status') ?? '')?.[1];
  return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(bit)) & 1n) === 1n;
}

/** Which kinds of events this machine has. */
export function perfEvents(): { readonly hardware: boolean; readonly default: string; readonly schedSwitch: boolean } {
  const devices = listOrEmpty('/sys/bus/event_source/devices');
  // cpu (x86), cpu_core and cpu_atom (hybrid), armv8_pmuv3_0 and the like. Virtual machines often have none.
  const hardware = devices.some(name => /^(cpu|cpu_core|cpu_atom|armv\d.*)$/.test(name));
  const schedSwitch = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'].some(root =>
    readable(`${root}/events/sched/sched_switch/id`),
  );
  return { hardware, default: hardware ? 'cycles' : 'cpu-clock', schedSwitch };
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function listOrEmpty(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

function readable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
