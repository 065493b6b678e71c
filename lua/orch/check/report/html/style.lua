--- How the page of a check looks, on top of what all pages have.
---
---     local css = require "orch.check.report.html.style"

return require "orch.report.html.style" .. [[
html:not(.js) .bar, .bar:empty { display: none }
.bar { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; position: sticky;
  top: 52px; z-index: 10; background: var(--back); padding: 10px 0; margin: -10px 0 -6px }
.bar label { color: var(--soft); font-size: 13px; display: flex; gap: 6px; align-items: center }
.bar select { height: 30px; padding: 0 8px; border: 1px solid var(--line); border-radius: 7px;
  background: var(--panel); color: var(--text); max-width: 220px }
.bar .tools { margin-left: 0 } .bar #shown { margin-left: auto; color: var(--soft) }
.bar button .sign { color: var(--c) }

.group { background: var(--panel); border: 1px solid var(--line); border-radius: 10px;
  min-width: 0; margin-bottom: 16px }
.group > summary, .panel > details > summary { cursor: pointer }
.group > summary { padding: 14px 20px 14px 0; margin-left: 36px; list-style-position: outside }
.panel > details > summary { list-style-position: inside }
.group > summary::marker { color: var(--soft) }
.group h3 { display: inline; font-size: 15px; font-weight: 650; color: var(--text); margin: 0;
  overflow-wrap: anywhere }
.panel > details > summary h2 { display: inline }
.panel > details > summary + * { margin-top: 12px }
.about { padding: 0 20px 12px 36px; margin-top: -8px; max-width: 900px }
.cards { border-top: 1px solid var(--line) }

.finding { display: grid; grid-template-columns: auto minmax(0, 1fr) minmax(0, 360px);
  gap: 6px 20px; padding: 14px 20px; border-left: 4px solid var(--c);
  border-bottom: 1px solid var(--line); content-visibility: auto;
  contain-intrinsic-size: auto 124px }
.finding:last-child { border-bottom: 0 }
.group .finding:last-child { border-radius: 0 0 10px 10px }
.finding .pics:empty { display: none }
.say { grid-column: 2; min-width: 0 } .finding > .facts { grid-column: 3; margin: 0 }
.pics { display: flex; gap: 8px; grid-column: 1; align-items: start }
figure { margin: 0 } figcaption { font-size: 12px; color: var(--soft); text-align: center }
.pics img { display: block; max-width: 104px; max-height: 104px; border-radius: 6px;
  border: 1px solid var(--line) }
.pics img, .stage { background: repeating-conic-gradient(var(--line) 0 25%, var(--panel) 0 50%)
  0 0 / 16px 16px }
.path { overflow-wrap: anywhere } .path code { color: var(--soft); font-size: 13px }
.path b { color: var(--text); font-weight: 650 }
.rule { color: var(--soft); font-size: 12px; border: 1px solid var(--line); border-radius: 9px;
  padding: 0 7px; white-space: nowrap; max-width: 100%; overflow: hidden; text-overflow: ellipsis;
  display: inline-block; vertical-align: text-bottom }
.message { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 15px; margin-top: 2px }
.finding .hint, .pointer, .related { color: var(--soft); margin-top: 4px; overflow-wrap: anywhere;
  white-space: pre-wrap }
.related { list-style: none }
.fix { margin-top: 6px; color: var(--soft); overflow-wrap: anywhere }
.command { background: var(--sunk); border: 1px solid var(--line); border-radius: 5px;
  padding: 2px 6px; overflow-wrap: anywhere; color: var(--text) }
.copy { height: 22px; padding: 0 7px; font-size: 12px; margin-left: 4px; color: var(--soft) }
.finding pre.log { margin-top: 8px; overflow-x: auto } pre.log i { color: var(--soft);
  font-style: normal; margin-right: 14px; user-select: none }
pre.log mark { background: color-mix(in srgb, var(--failed) 24%, transparent); color: inherit;
  border-bottom: 2px solid var(--failed) }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px }
.pair div { background: var(--sunk); border-radius: 7px; padding: 6px 10px; min-width: 0;
  border-top: 3px solid var(--ok) }
.pair .found { border-top-color: var(--c) } .pair .wanted { grid-column: 2 }
.pair dt { font-size: 12px; color: var(--soft) } .pair dd { overflow-wrap: anywhere;
  white-space: pre-wrap }
.cost { margin-top: 6px; font-variant-numeric: tabular-nums; font-weight: 600 }
.finding > .facts:empty { display: none }
.finding > .facts { display: block }

.fixes { display: grid; gap: 20px; grid-template-columns: repeat(auto-fill, minmax(170px, 200px));
  margin-top: 14px }
.stage { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; border-radius: 7px;
  overflow: hidden; border: 1px solid var(--line) }
.stage img { width: 100%; aspect-ratio: 1; object-fit: contain; display: block }
.stage input { display: none }
.js .stage { position: relative; display: block }
.js .stage .after { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--at, 50%)) }
.js .stage .before { clip-path: inset(0 calc(100% - var(--at, 50%)) 0 0) }
.js .stage::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--at, 50%);
  width: 2px; margin-left: -1px; background: var(--accent); pointer-events: none }
.js .stage input { display: block; position: absolute; inset: 0; width: 100%; height: 100%;
  margin: 0; opacity: 0; cursor: ew-resize }
.stage:focus-within { outline: 2px solid var(--accent); outline-offset: 1px }
.compare figcaption { display: flex; justify-content: space-between; margin: 4px 0 }
#rules td:nth-child(2), #waived td:nth-child(3) { min-width: 240px }
@media (max-width: 900px) {
  .finding { grid-template-columns: auto minmax(0, 1fr) }
  .finding > .facts { grid-column: 2 }
}
@media (max-width: 640px) {
  .finding { grid-template-columns: minmax(0, 1fr); padding: 12px 14px }
  .finding > *, .finding > .facts { grid-column: 1 }
  .about { padding: 0 14px 12px } .bar { position: static } .bar #shown { margin-left: 0 }
}
@media print { .bar { display: none } .finding { content-visibility: visible } }
]]
