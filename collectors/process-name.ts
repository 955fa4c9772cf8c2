const INTERPRETERS = /^(node|nodejs|bun|deno|python[\d.]*|ruby[\d.]*|perl|sh|bash|dash)$/;
const SCRIPT = /\.(c|m)?[jt]s$|\.(py|rb|pl|sh)$/;

/**
 * What people call a process: its title where it gave itself one, the script where an interpreter runs one, else the
 * program. `fallback` is the kernel's short name, for processes whose command line may not be read.
 */
export function processName(command: readonly string[], title: string | undefined, fallback: string): string {
  const called = title ?? command[0] ?? fallback;
  // Each of its processes says what it is doing right now, which is no name.
  if (called.startsWith('postgres:')) return 'postgres';
  if (title !== undefined && title !== '') return title;
  const program = baseName(command[0] ?? fallback);
  if (!INTERPRETERS.test(program)) return program.replace(/:$/, '');
  const script = command.find((word, i) => i > 0 && SCRIPT.test(word)) ?? command.find((w, i) => i > 0 && w[0] !== '-');
  if (script === undefined || /\s/.test(script)) return program;
  return baseName(script).replace(SCRIPT, '');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
