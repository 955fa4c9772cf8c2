import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { fileSource } from '../../../collectors/file-source.ts';
import { writeSpeedscope } from '../../formats/speedscope-write.ts';
import { CaptureFile } from '../../model/capture.ts';
import { captureFacts } from '../../report/capture-facts-view.ts';
import { hotPathsView } from '../../report/hot-paths-view.ts';
import { renderHtml } from '../../report/html.ts';
import { capturePhases } from '../capture-phases.ts';
import { type CliContext, say } from '../context.ts';
import { hotPathsOfInputs } from '../hot-paths-of-inputs.ts';
import { type Input, openInput, openProfileInputs } from '../inputs.ts';
import { speedscopeLink, speedscopePages } from '../view/speedscope-pages.ts';
import { viewPage } from '../view/view-page.ts';
import { startViewServer, type ViewPage } from '../view/view-server.ts';

interface ViewOptions {
  readonly open: boolean;
  readonly port?: number;
  readonly quiet?: boolean;
}

/** `tprof view INPUT` */
export function viewCommand(context: CliContext): Command {
  return new Command('view')
    .description("Open a capture, profile or trace in the browser: its report, and speedscope's own viewer.")
    .argument('<input>', 'capture folder, profile or trace (.gz, .zst too)')
    .option('--no-open', 'only print the address')
    .option('--port <n>', 'port to listen on (default: a free one)', portNumber)
    .option('-q, --quiet', 'say nothing but the address')
    .addHelpText(
      'after',
      `
The pages are served on 127.0.0.1 alone, and the address works once: it holds a token that the first visit uses up.
Ctrl-C ends it.

Examples:
  $ tprof view .tprof/2026-11-21T03-15-00-linear
  $ tprof view profile.json.gz --no-open`,
    )
    .action(async (word: string, options: ViewOptions) => {
      const input = await openInput(word, context);
      const pages = await pagesOf(input, context);
      const server = await startViewServer(pages, options.port === undefined ? {} : { port: options.port });
      context.stdout.write(`${server.url}\n`);
      if (options.open) openBrowser(server.url);
      say(context, options, 'Ctrl-C ends it.');
      await new Promise<void>(resolve => {
        process.once('SIGINT', () => resolve());
        process.once('SIGTERM', () => resolve());
      });
      await server.close();
    });
}

async function pagesOf(input: Input, context: CliContext): Promise<Map<string, ViewPage>> {
  const pages = speedscopePages();
  const links: { readonly title: string; readonly href: string }[] = [];
  const add = (path: string, type: string, body: ViewPage['body']): void => {
    pages.set(path, { type, body });
  };
  let report: string;
  if (input.kind === 'capture') {
    const file = (name: string): (() => AsyncIterable<Uint8Array>) =>
      async function* () {
        yield* (await fileSource(join(input.directory, name))).chunks();
      };
    const has = (name: string): boolean => existsSync(join(input.directory, name));
    if (has(CaptureFile.speedscope)) {
      add('/profile.speedscope.json', 'application/json', file(CaptureFile.speedscope));
      links.push({ title: 'speedscope', href: speedscopeLink('/profile.speedscope.json', input.manifest.name) });
    }
    for (const [name, title, type] of [
      [CaptureFile.flameHtml, 'flame graph', 'text/html; charset=utf-8'],
      [CaptureFile.flameSvg, 'flame graph (SVG)', 'image/svg+xml'],
    ] as const) {
      if (!has(name)) continue;
      add(`/${name}`, type, file(name));
      links.push({ title, href: `/${name}` });
    }
    if (has(CaptureFile.reportHtml)) {
      add('/report.html', 'text/html; charset=utf-8', file(CaptureFile.reportHtml));
      report = '/report.html';
    } else {
      const html = renderHtml(captureFacts(input.manifest), { title: input.manifest.name });
      add('/report.html', 'text/html; charset=utf-8', () => html);
      report = '/report.html';
    }
  } else {
    const opened = await openProfileInputs([input.name], context);
    const { profile, result } = hotPathsOfInputs(opened, { phases: await capturePhases(opened.captures) });
    const html = renderHtml([{ kind: 'heading', level: 1, text: input.name }, ...hotPathsView(result)], {
      title: input.name,
    });
    add('/report.html', 'text/html; charset=utf-8', () => html);
    add('/profile.speedscope.json', 'application/json', () => writeSpeedscope(profile, {}));
    links.push({ title: 'speedscope', href: speedscopeLink('/profile.speedscope.json', input.name) });
    report = '/report.html';
  }
  const page = viewPage(input.name, [{ title: 'report', href: report }, ...links]);
  add('/', 'text/html; charset=utf-8', () => page);
  return pages;
}

/** The desktop's own opener; where there is none the printed address is enough. */
function openBrowser(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url];
  spawn(command!, args, { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new InvalidArgumentError('expected a port from 1 to 65535');
  return port;
}
