/** Style of the report page. Colours keep 4.5:1 contrast in both schemes; bars are not told by colour alone. */
export const REPORT_STYLE: string = `
:root{--ink:#1c2024;--dim:#5c6570;--paper:#fff;--line:#d9dee3;--bar:#cfe0f5;--code:#f3f5f7;--info:#2563a8;--notice:#8a5a00;--warning:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--dim:#9aa4ae;--paper:#15181b;--line:#333a41;--bar:#23405f;--code:#20252a;--info:#8ab8ee;--notice:#e6b450;--warning:#ff9a91}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:66rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .75rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
p,ul{margin:.5rem 0 .8rem;max-width:50rem}
pre,code{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--code);padding:.75rem 1rem;overflow-x:auto;border-radius:6px}
.table{overflow-x:auto}
table{border-collapse:collapse;margin:.5rem 0;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.25rem 0}
caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 2.5rem)}
th,td{padding:.28rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--dim);font-weight:600;font-size:.85rem;white-space:nowrap}
th.right,td.right{text-align:right;white-space:nowrap}
td code{overflow-wrap:anywhere}
td:has(>code){min-width:10rem}
td.bar{min-width:9rem;background:linear-gradient(to left,var(--bar) var(--share),transparent var(--share))}
td.dim,.omitted,figcaption{color:var(--dim)}
.note{border-left:4px solid var(--info);padding:.3rem .8rem}
.note.notice{border-color:var(--notice)}
.note.warning{border-color:var(--warning)}
.note.info::before{content:"Note: ";font-weight:600;color:var(--info)}
.note.notice::before{content:"Mind: ";font-weight:600;color:var(--notice)}
.note.warning::before{content:"Warning: ";font-weight:600;color:var(--warning)}
figure{margin:1rem 0}
figure img{max-width:100%;height:auto;border:1px solid var(--line);border-radius:6px}
main .gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));gap:.75rem;margin:.75rem 0}
.gallery img{width:100%;height:auto;border:1px solid var(--line);border-radius:6px}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}tr{break-inside:avoid}}
`;
