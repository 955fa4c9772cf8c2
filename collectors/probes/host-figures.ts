// https://man7.org/linux/man-pages/man5/proc_stat.5.html, https://docs.kernel.org/accounting/psi.html
import type { Reading } from '../../src/formats/probe-log.ts';
import { type ProcFile, procField } from './proc-file.ts';

const TICK_NS = 1e7;

/**
 * The whole machine: what else ran beside the workload. `host.pressure`: how long at least one program could not go on
 * for want of a processor, the disk or memory.
 */
export function hostReadings(proc: ProcFile): Reading[] {
  const readings: Reading[] = [];
  const cpu = (proc.read('/proc/stat') ?? '').split('\n', 1)[0]?.split(/\s+/).slice(1).map(Number) ?? [];
  const [user = Number.NaN, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = cpu;
  const busy = (user + nice + system + irq + softirq) * TICK_NS;
  readings.push({ name: 'host.cpu', kind: 'counter', unit: 'nanoseconds', value: busy });
  if (steal > 0)
    readings.push({ name: 'host.cpu-stolen', kind: 'counter', unit: 'nanoseconds', value: steal * TICK_NS });
  const memory = proc.read('/proc/meminfo') ?? '';
  const available = procField(memory, 'MemAvailable') * 1024;
  readings.push({ name: 'host.memory-available', kind: 'gauge', unit: 'bytes', value: available });
  for (const resource of ['cpu', 'io', 'memory']) {
    const total = /^some .*total=(\d+)/m.exec(proc.read(`/proc/pressure/${resource}`) ?? '')?.[1];
    const labels = { resource };
    if (total === undefined) continue;
    readings.push({ name: 'host.pressure', labels, kind: 'counter', unit: 'nanoseconds', value: Number(total) * 1000 });
  }
  return readings;
}
