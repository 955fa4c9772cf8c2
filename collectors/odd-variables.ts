/**
 * Words that give a command the variables which a shell in front of it takes away: dash passes none on whose name is no
 * name in its own language (`a.b`, `npm_config_@scope:registry`). None where there are no such variables.
 */
export function withOddVariables(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const odd = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || /^[A-Za-z_]\w*$/.test(name) ? [] : [`${name}=${value}`],
  );
  // An argument that begins with a dash would be an option of env; no variable that it can take does.
  const words = odd.filter(word => !word.startsWith('-'));
  return words.length === 0 ? [] : ['/usr/bin/env', ...words];
}
