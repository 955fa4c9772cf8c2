import { GEOMETRY } from './geometry.ts';
import { paintRules } from './palette.ts';

/**
 * Style of the still and of the live picture. Follows the reader's light or dark setting, also inside `<img>`; print is
 * always light. No web fonts, no pictures: nothing is fetched.
 */
export function flameStyle(): string {
  return `${BASE}${paintRules()}${DARK}${PRINT}`;
}

const BASE = `
svg{background:#fff}
.title{font:600 17px system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans','DejaVu Sans',sans-serif;fill:#15181d}
.fact{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans','DejaVu Sans',sans-serif;fill:#444c56}
.b text,.card text{font:${GEOMETRY.fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;fill:#000}
.b text{pointer-events:none}
.all{fill:#cfd6de}
.rest{fill:#e6e9ed}
.b g{cursor:pointer;outline:none}
.b g.outside{opacity:.55}
.b g.focused rect,path.focused{stroke:#15181d;stroke-width:2}
.b g:hover rect{stroke:#15181d;stroke-width:1}
.b g:focus rect{stroke:#0b57d0;stroke-width:3}
.b .dim{fill-opacity:.35}
.b rect.match{fill:#c2185b;stroke:#15181d;stroke-width:1}
.b text.match{fill:#fff;font-weight:700}
.card{pointer-events:none}
.card rect{fill:#fffef5;stroke:#57606a}
.card .strong{font-weight:700}
.inside,.page{font:13px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans','DejaVu Sans',sans-serif;color:#15181d;background:#fff}
.page{margin:0}
#flame-host{display:contents}
.head{padding:10px 10px 4px}
.head h1{font-size:17px;line-height:1.3;margin:0 0 2px;overflow-wrap:anywhere}
.head p{margin:0;color:#444c56;overflow-wrap:anywhere}
.head .note{color:#7a3b00;font-weight:600}
.legend span{display:inline-block;margin:4px 14px 0 0;white-space:nowrap}
.legend svg{vertical-align:-1px;background:none}
.bar{padding:6px 10px;background:#f2f4f7;border:solid #d5dae1;border-width:1px 0}
.page .bar{position:sticky;top:0;z-index:1}
.row{display:flex;flex-wrap:wrap;gap:6px;align-items:center}
.row label{margin-left:4px}
.row label input{vertical-align:-2px}
.bar input,.bar select,.bar button{font:inherit;color:inherit;background:#fff;border:1px solid #8b949e;border-radius:4px;padding:2px 6px;max-width:16em}
.bar input[type=search]{width:19em;max-width:100%}
.bar input[aria-invalid]{border-color:#b00020;outline:2px solid #b00020}
.bar :focus-visible{outline:2px solid #0b57d0;outline-offset:1px}
.panel{max-height:45vh;overflow:auto;margin-top:6px;border-top:1px solid #d5dae1}
.panel table{border-collapse:collapse;margin-top:6px}
.panel caption{text-align:left;white-space:nowrap;padding-bottom:4px}
.panel th,.panel td{padding:1px 10px 1px 0;text-align:right;font-weight:400;font-variant-numeric:tabular-nums;white-space:nowrap}
.panel thead th{font-weight:600}
.panel th:last-child{text-align:left}
.bar .name{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;border:0;background:none;padding:0;max-width:none;text-align:left;cursor:pointer;text-decoration:underline}
.panel dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:6px 0}
.panel dt{font-weight:600}
.panel dd{margin:0}
`;

const DARK = `
@media screen and (prefers-color-scheme:dark){
svg{background:#14171c}
.title{fill:#eef1f5}
.fact{fill:#b6bec9}
.all{fill:#8a94a1}
.rest{fill:#343b45}
.b g.focused rect,path.focused{stroke:#15181d;stroke-width:2}
.b g.focused rect,path.focused{stroke:#fff}
.b g:hover rect{stroke:#fff}
.b g:focus rect{stroke:#fff}
.b rect.match{fill:#ff5fa2;stroke:#fff}
.b text.match{fill:#000}
.card rect{fill:#262c35;stroke:#8b949e}
.card text{fill:#eef1f5}
.inside,.page{color:#eef1f5;background:#14171c}
.head p{color:#b6bec9}
.head .note{color:#ffc48a}
.bar{background:#1d222a;border-color:#3a424d}
.panel{border-color:#3a424d}
.bar input,.bar select,.bar button{background:#262c35;border-color:#6a7480}
.bar .name{background:none}
.bar :focus-visible{outline-color:#8ab4ff}
}
`;

const PRINT = `
@media print{.bar,.card{display:none}.b g.outside{opacity:1}.b text,.b path,.b rect,path{print-color-adjust:exact}}
`;
