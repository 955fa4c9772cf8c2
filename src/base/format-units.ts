/** Numbers as people read them: three significant digits, the unit that fits, never `1000 µs`. */

/** `834 ns`, `12.3 µs`, `4.56 ms`, `1.23 s`, `2 min 03 s`. */
export function formatDuration(ns: number): string {
  const abs = Math.abs(ns);
  if (abs < 999.5) return `${Math.round(ns)} ns`;
  if (abs < 999.5e3) return `${significant(ns / 1e3)} µs`;
  if (abs < 999.5e6) return `${significant(ns / 1e6)} ms`;
  if (abs < 119.5e9) return `${significant(ns / 1e9)} s`;
  const seconds = Math.round(abs / 1e9);
  return `${ns < 0 ? '-' : ''}${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** `0 B`, `512 B`, `4.00 KiB`, `1.21 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${significant(value)} ${units[unit]}`;
}

/** `12.3 %`; shares are 0…1. Small ones keep a digit: `0.04 %`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0 %';
  if (Math.abs(percent) < 0.005) return '<0.01 %';
  return `${percent.toFixed(Math.abs(percent) < 1 ? 2 : 1)} %`;
}

/** Thousands apart by a narrow comma, as compilers print them: `231,591`. */
export function formatCount(count: number): string {
  // Not toLocaleString: its first call loads locale data for 15 ms, beside the workload.
  return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A value in the unit of a profile's weight. */
export function formatValue(value: number, unit: string): string {
  switch (unit) {
    case 'nanoseconds':
      return formatDuration(value);
    case 'bytes':
      return formatBytes(value);
    default:
      return formatCount(value);
  }
}

export function significant(value: number): string {
  const abs = Math.abs(value);
  return value.toFixed(abs >= 99.95 ? 0 : abs >= 9.995 ? 1 : 2);
}
