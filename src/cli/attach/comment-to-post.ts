import { formatBytes, formatCount } from '../../base/format-units.ts';

/** Longest body of a comment that GitHub takes, in characters. */
export const GITHUB_BODY_LIMIT = 65_536;

export interface EvidenceArchive {
  readonly name: string;
  readonly bytes: number;
  /** Hex. Also the mark by which a posted comment is found again. */
  readonly sha256: string;
}

export interface UploadedFile {
  readonly name: string;
  readonly bytes: number;
  readonly url: string;
  readonly isPicture: boolean;
}

export interface CommentToPost {
  readonly body: string;
  /** Characters of the comment that did not fit. */
  readonly cut: number;
}

/** For GitHub, whose API takes no files: what stays behind is named, and the mark is hidden. */
export function gitHubComment(comment: string, archive: EvidenceArchive): CommentToPost {
  const footer = [
    `The API of GitHub takes no files with a comment: **${code(archive.name)}** (${formatBytes(archive.bytes)}, SHA-256 ${code(archive.sha256)}), with all that is named above, stays with whoever posted this. It can be dragged into a comment in the browser.`,
    `<!-- tprof-evidence ${archive.sha256} -->`,
  ].join('\n\n');
  return fit(withPictures(comment, []), `\n${footer}\n`, GITHUB_BODY_LIMIT);
}

/** For Linear, which takes files first and comments that name them. The mark is the checksum that readers see. */
export function linearComment(
  comment: string,
  archive: EvidenceArchive,
  uploaded: readonly UploadedFile[],
): CommentToPost {
  const lines = uploaded.map(file => `- [${text(file.name)}](${file.url}) (${formatBytes(file.bytes)})`);
  const isThere = uploaded.some(file => file.name === archive.name);
  const footer = [
    ...(lines.length === 0 ? [] : [lines.join('\n')]),
    `${isThere ? '' : 'Not uploaded: '}${code(archive.name)}: ${formatBytes(archive.bytes)}, SHA-256 ${code(archive.sha256)}`,
  ].join('\n\n');
  return { body: `${withPictures(comment, uploaded).trimEnd()}\n\n${footer}\n`, cut: 0 };
}

/** Pictures by the addresses that they have there; those that are not there would be shown as broken. */
function withPictures(comment: string, uploaded: readonly UploadedFile[]): string {
  return comment.replace(/^!\[([^\]\n]*)\]\(([^)\n]+)\)\n\n?/gm, (_, caption: string, path: string) => {
    const file = uploaded.find(one => one.isPicture && one.name === path);
    return file === undefined ? '' : `![${caption}](${file.url})\n\n`;
  });
}

/** Cuts between lines, so that a table stays a table, closes a block of code that was open, and says so. */
function fit(comment: string, footer: string, limit: number): CommentToPost {
  const whole = `${comment.trimEnd()}\n${footer}`;
  if (whole.length <= limit) return { body: whole, cut: 0 };
  const said = (cut: number): string =>
    `\n**Cut here:** ${formatCount(cut)} more characters did not fit; all of it is ${code('comment.md')} in the archive.\n`;
  const fence = '```';
  const room = limit - footer.length - said(comment.length).length - fence.length - 1;
  const kept: string[] = [];
  let length = 0;
  let open = '';
  for (const line of comment.split('\n')) {
    if (length + line.length + 1 > room) break;
    length += line.length + 1;
    kept.push(line);
    const ticks = /^(`{3,})/.exec(line)?.[1];
    if (ticks !== undefined) open = open === '' ? ticks : line === open ? '' : open;
  }
  const cut = comment.length - length;
  return { body: `${kept.join('\n')}\n${open === '' ? '' : `${open}\n`}${said(cut)}${footer}`, cut };
}

function code(name: string): string {
  return `\`${name.replaceAll('`', "'")}\``;
}

function text(name: string): string {
  return name.replace(/[\\[\]`*<>]/g, '\\$&');
}
