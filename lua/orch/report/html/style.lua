--- How a page looks: its frame, panels and tables; further parts are in style_job.lua and
--- style_gantt.lua.
---
---     local css = require "orch.report.html.style"

return require "orch.report.html.palette" .. [[
* { box-sizing: border-box }
html { scroll-padding-top: 64px }
body { margin: 0; background: var(--back); color: var(--text);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  -webkit-text-size-adjust: 100% }
code, pre, kbd { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Consolas, Menlo,
  "DejaVu Sans Mono", monospace; font-size: 12.5px }
a { color: var(--accent); text-decoration: none }
a:hover { text-decoration: underline }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; border-radius: 3px }
[hidden] { display: none !important }
h1, h2, h3, p, ul, ol, dl, dd { margin: 0; padding: 0 }
h1 { font-size: 26px; line-height: 1.25; font-weight: 650; letter-spacing: -.01em;
  overflow-wrap: anywhere }
h2 { font-size: 15px; font-weight: 650 }
h3 { font-size: 12px; font-weight: 600; color: var(--soft); margin: 18px 0 6px }
small { font-size: 13px; font-weight: 400; color: var(--soft) }
.sign { color: var(--c); font-weight: 700; display: inline-block; min-width: 1.1em;
  text-align: center }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }

.top { position: sticky; top: 0; z-index: 20; display: flex; align-items: center; gap: 16px;
  height: 52px; padding: 0 24px; background: var(--panel); border-bottom: 1px solid var(--line) }
.top .name { font-weight: 650; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.top .find { position: relative; flex: 1; max-width: 520px; margin-left: auto }
.top, #hits { --pad: 8px }
input, button, select { font: inherit; color: inherit }
input[type=search] { width: 100%; height: 34px; padding: 0 34px 0 12px; border-radius: 7px;
  border: 1px solid var(--line); background: var(--sunk) }
input::placeholder { color: var(--soft); opacity: 1 }
.find kbd { position: absolute; right: 9px; top: 7px; padding: 0 6px; border-radius: 4px;
  border: 1px solid var(--line); color: var(--soft); pointer-events: none }
.find input:focus + kbd, .find input:not(:placeholder-shown) + kbd { display: none }
button { height: 30px; padding: 0 11px; border: 1px solid var(--line); border-radius: 7px;
  background: var(--panel); cursor: pointer; white-space: nowrap }
button:hover { background: var(--hover) }
button[aria-pressed=true] { background: var(--hover); border-color: var(--accent);
  color: var(--accent) }
html:not(.js) .find, html:not(.js) #theme, html:not(.js) #timeline, html:not(.js) .tools {
  display: none }

main { max-width: 1360px; margin: 0 auto; padding: 28px 24px 40px; display: grid; gap: 20px;
  grid-template-columns: minmax(0, 1fr) }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 20px; min-width: 0 }
.head { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin-bottom: 10px }
.tools { display: flex; flex-wrap: wrap; gap: 6px; margin-left: auto; align-items: center }
.scroll { overflow: auto; max-width: 100% }
.sub { color: var(--soft); margin-top: 4px }
.sub code { color: var(--text) }
.tally { display: flex; gap: 2px; height: 8px; margin: 20px 0 12px; border-radius: 4px;
  overflow: hidden }
.tally i { background: var(--c); min-width: 4px }
.counts { display: flex; flex-wrap: wrap; gap: 6px 28px; list-style: none }
.counts li { color: var(--soft) }
.counts b { font-size: 20px; font-weight: 650; color: var(--text); margin-right: 2px;
  font-variant-numeric: tabular-nums }
.facts { display: flex; flex-wrap: wrap; gap: 10px 32px; margin-top: 18px }
.facts dt { color: var(--soft); font-size: 12px }
.facts dd { overflow-wrap: anywhere }

.root { border-left: 4px solid var(--failed) }
.root .tag { color: var(--failed) }
.what { margin-top: 8px; font-size: 16px; white-space: pre-wrap; overflow-wrap: anywhere }
.root .facts { margin-top: 12px }
.caption { color: var(--soft); font-size: 13px; margin: 16px 0 6px; overflow-wrap: anywhere }
pre.log { margin: 0; padding: 12px 14px; border-radius: 7px; background: var(--sunk);
  border: 1px solid var(--line); max-height: 420px; overflow: auto; line-height: 1.55;
  white-space: pre-wrap; overflow-wrap: anywhere }
.hint { margin-top: 12px; color: var(--soft) }
.command { color: var(--text); background: var(--sunk); border: 1px solid var(--line);
  border-radius: 5px; padding: 2px 7px; user-select: all; overflow-wrap: anywhere;
  box-decoration-break: clone; -webkit-box-decoration-break: clone }
.others details { border-top: 1px solid var(--line); padding: 7px 0 }
.others h2 { margin-bottom: 8px }
.others pre { margin-top: 8px }
summary { cursor: pointer }
summary h2 { display: inline }
#graph[open] summary { margin-bottom: 12px }
#graph svg { display: block; width: 100%; height: auto; max-width: var(--width);
  min-width: calc(.7 * var(--width)) }
#graph .og { --og-back: var(--panel); --og-box: var(--panel); --og-line: var(--line);
  --og-text: var(--text); --og-dim: var(--soft); --og-hot: var(--critical); --og-ok: var(--ok);
  --og-failed: var(--failed); --og-running: var(--running); --og-skipped: var(--skipped);
  --og-cancelled: var(--cancelled); --og-retrying: var(--retry); --og-sign: var(--panel) }
[data-job], .js [data-group] { cursor: pointer }

table { width: 100%; border-collapse: collapse; table-layout: fixed; min-width: 720px }
th { text-align: left; font-size: 12px; font-weight: 600; color: var(--soft); padding: 4px 10px;
  border-bottom: 1px solid var(--line); white-space: nowrap }
th button { all: unset; cursor: pointer }
th button:hover { color: var(--text) }
th button:focus-visible { outline: 2px solid var(--accent); border-radius: 3px }
th.num { text-align: right }
th[aria-sort] { color: var(--text) }
th[aria-sort=ascending] button::after { content: " \2191" }
th[aria-sort=descending] button::after { content: " \2193" }
td { padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere }
tbody tr:last-child td { border-bottom: 0 }
.js #rows tr { cursor: pointer }
.js #rows td { white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
#rows tr:hover td { background: var(--hover) }
#rows tr.at td { background: var(--hover); box-shadow: inset 0 1px var(--line) }
#rows tr.at td:first-child { box-shadow: inset 3px 0 var(--accent) }
#rows .s-failed, #rows .s-running { color: var(--c) }
td.why { color: var(--soft) }
td.critical a::after, .links a::after { content: "" }
td.critical::after { content: "\25C6"; color: var(--critical); margin-left: 6px; font-size: 10px }
.c-state { width: 112px } .c-elapsed, .c-queued { width: 88px } .c-tries { width: 62px }
.c-name { width: 30% } .c-place { width: 30% } .c-from { width: 20% }
/* With a script the rows are grids of their own: only those in view are laid out. */
.js #jobs table, .js #jobs thead, .js #rows { display: block }
.js #jobs tr { display: grid; grid-template-columns: 112px minmax(0, 3fr) 88px 88px 62px
  minmax(0, 5fr) }
.js #jobs th { width: auto }
.js #rows tr { content-visibility: auto; contain-intrinsic-size: auto 34px }
#empty { padding: 18px 10px; color: var(--soft) }
#filters input { width: 190px; height: 30px; padding: 0 10px }
#path .lead { color: var(--soft); margin: 4px 0 12px }
.links { list-style: none; display: grid; gap: 4px }
.links li { display: grid; align-items: center; gap: 4px 14px;
  grid-template-columns: minmax(0, 240px) minmax(60px, 1fr) 64px minmax(0, 220px) }
.links a { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.track { display: flex; height: 10px }
.track .ran { background: var(--c) }
.track .queue { background: var(--waiting) }
.track .pause { background: repeating-linear-gradient(90deg, var(--retry) 0 2px,
  transparent 2px 5px) }
.track i:first-child { border-radius: 3px 0 0 3px }
.track i:last-child { border-radius: 0 3px 3px 0 }
footer { color: var(--soft); font-size: 13px }
mark { background: var(--mark); color: var(--mark-text); border-radius: 2px }
@media (max-width: 640px) {
  main { padding: 20px 14px 32px } .top { padding: 0 14px; gap: 10px } .panel { padding: 14px }
  .top .name { display: none } h1 { font-size: 22px }
  .links li { grid-template-columns: minmax(0, 1fr) 64px } .links .track { grid-column: 1 / -1;
    grid-row: 2 } .links small { display: none }
  #filters input { width: 100% } .counts { gap: 4px 18px }
}
@media print { .top, .tools, #hits, aside { display: none !important } body { background: none } }
]] .. require "orch.report.html.style_job" .. require "orch.report.html.style_gantt"
