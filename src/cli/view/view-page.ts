import { escapeHtml } from '../../report/html.ts';

/** The frame around a capture's pages: tabs above, the chosen page below. Works by keyboard: tabs are plain links. */
export function viewPage(title: string, links: readonly { readonly title: string; readonly href: string }[]): string {
  const first = links[0]!;
  const tabs = links
    .map(link => `<a href="${escapeHtml(link.href)}" target="page">${escapeHtml(link.title)}</a>`)
    .join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · tprof</title>
<link rel="icon" href="data:,">
<style>
html,body{height:100%;margin:0}
body{display:flex;flex-direction:column;font:15px/1.4 system-ui,sans-serif;background:Canvas;color:CanvasText}
nav{display:flex;gap:.25rem;align-items:center;padding:.4rem .8rem;border-bottom:1px solid GrayText}
nav b{margin-right:1rem}
nav a{padding:.25rem .7rem;border-radius:6px;color:LinkText;text-decoration:none}
nav a:hover,nav a:focus-visible{outline:2px solid LinkText}
iframe{flex:1;border:0;width:100%}
</style>
</head>
<body>
<nav aria-label="pages"><b>${escapeHtml(title)}</b>${tabs}</nav>
<iframe name="page" title="${escapeHtml(first.title)}" src="${escapeHtml(first.href)}"></iframe>
</body>
</html>
`;
}
