const NODE_FLAGS = '--perf-basic-prof --interpreted-frames-native-stack';

/**
 * Has runtimes tell the names of the code that they compile, for profilers of the whole machine: Node writes a perf map
 * with these flags (22 and 24 name interpreted functions, too), CPython from 3.12 on with its own.
 */
export function runtimeNames(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const existing = environment.NODE_OPTIONS?.trim() ?? '';
  return {
    NODE_OPTIONS: existing === '' ? NODE_FLAGS : `${existing} ${NODE_FLAGS}`,
    PYTHONPERFSUPPORT: '1',
  };
}
