// https://nodejs.org/api/cli.html#node_optionsoptions

/** NODE_OPTIONS with one more option at its end: the user's own options stay, and stand first. */
export function withNodeOption(existing: string | undefined, option: string, value: string): string {
  const added = `${option}=${quoted(value)}`;
  return existing === undefined || existing.trim() === '' ? added : `${existing} ${added}`;
}

/** Node splits at spaces, except between double quotes, where a backslash protects the next character. */
function quoted(value: string): string {
  return /[\s"\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}
