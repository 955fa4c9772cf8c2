const INTERPRETERS = /^(node|nodejs|bun|deno|tsx|ts-node|python[\d.]*|ruby[\d.]*|perl|sh|bash|dash)$/;
const SCRIPT = /\.(c|m)?[jt]s$|\.(py|rb|pl|sh)$/;
/** Options whose next word is code, and those whose next word is a file that is not the program. */
const CODE = /^(-e|-p|-pe|-c|--eval|--print)$/;
const WITH_VALUE = /^(-r|--require|--import|--loader|--env-file|-m|-W|-X|-I|-C|--conditions)$/;

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
  const script = scriptOf(command);
  return script === undefined ? program : baseName(script).replace(SCRIPT, '');
}

/** The file that an interpreter runs, by its command line; undefined for code on the command line or from a pipe. */
export function scriptOf(command: readonly string[]): string | undefined {
  for (let i = 1; i < command.length; i++) {
    const word = command[i] as string;
    if (CODE.test(word)) return undefined;
    if (WITH_VALUE.test(word)) i++;
    else if (!word.startsWith('-')) return word === '' || /\s/.test(baseName(word)) ? undefined : word;
  }
  return undefined;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
