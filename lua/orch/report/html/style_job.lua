--- How the panel of a job, its log and the list of hits look.
---
---     local css = require "orch.report.html.style_job"

return [[
#job { position: fixed; z-index: 15; top: 52px; right: 0; bottom: 0; width: min(46vw, 760px);
  border-radius: 0; border-width: 0 0 0 1px; padding: 0; display: flex;
  flex-direction: column; box-shadow: 0 0 40px rgb(0 0 0 / .12) }
.open main { margin-right: min(46vw, 760px) }
aside .bar { display: flex; align-items: flex-start; gap: 8px; padding: 14px 18px 10px;
  border-bottom: 1px solid var(--line) }
aside .bar h2 { flex: 1; font-size: 17px; overflow-wrap: anywhere; min-width: 0 }
aside .bar p { color: var(--soft); overflow-wrap: anywhere }
aside .bar div { flex: 1; min-width: 0 }
aside .body { overflow: auto; padding: 12px 18px 24px; flex: 1; overscroll-behavior: contain }
aside .facts { margin: 0; gap: 8px 26px }
aside .what + .facts { margin: 8px 0 }
aside h2:focus { outline: none }
aside .what { font-size: 14px }
aside table { min-width: 0 }
aside td, aside th { padding: 4px 8px 4px 0 }
aside .c-wide { width: 46% }
aside ul.jobs { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 14px }
aside ul.plain { list-style: none }
aside .value { max-height: 160px }
.tabs { display: flex; flex-wrap: wrap; gap: 6px; margin: 6px 0 8px; align-items: center }
.tabs .tools { margin-left: auto }
.lines { border: 1px solid var(--line); border-radius: 7px; background: var(--sunk);
  overflow: auto; max-height: max(60vh, 260px); padding: 8px 0;
  font: 12.5px/1.55 ui-monospace, "SF Mono", "Cascadia Mono", Consolas, Menlo,
  "DejaVu Sans Mono", monospace; tab-size: 8 }
.lines .block { content-visibility: auto; contain-intrinsic-size: auto 1900px }
.lines p { display: flex; white-space: pre-wrap; overflow-wrap: anywhere; padding-right: 10px }
.lines.nowrap p { white-space: pre; overflow-wrap: normal; width: max-content; min-width: 100% }
.lines p::before { content: attr(data-n); flex: 0 0 52px; text-align: right; padding-right: 12px;
  color: var(--soft); user-select: none }
.lines p > span { flex: 1; min-width: 0 }
.lines p.at { background: color-mix(in srgb, var(--mark) 35%, transparent) }
.lines .cut { color: var(--soft); padding: 8px 12px 8px 52px; font-style: italic;
  white-space: normal }
.lines .cut::before { content: none }
.lines .more { margin-left: 8px; height: 22px; padding: 0 8px; font-size: 12px }
.b1 { font-weight: 700 } .b2 { opacity: .75 } .b3 { font-style: italic }
.b4 { text-decoration: underline } .b9 { text-decoration: line-through }
.b7 { background: var(--text); color: var(--panel) }

#hits { position: fixed; z-index: 25; top: 58px; right: 24px; width: min(760px, calc(100vw - 28px));
  max-height: calc(100vh - 80px); overflow: auto; padding: 8px 0;
  box-shadow: 0 12px 40px rgb(0 0 0 / .22) }
#hits .note { padding: 4px 16px 8px; color: var(--soft) }
#hits h3 { margin: 8px 0 2px; padding: 0 16px; color: var(--text) }
#hits button { display: flex; gap: 10px; width: 100%; height: auto; border: 0; border-radius: 0;
  padding: 3px 16px; text-align: left; background: none; align-items: baseline }
#hits button:hover, #hits button:focus-visible { background: var(--hover) }
#hits button:focus-visible { outline-offset: -2px }
#hits button code { white-space: pre; overflow: hidden; text-overflow: ellipsis; min-width: 0 }
#hits button small { flex: 0 0 auto; min-width: 44px; text-align: right;
  font-variant-numeric: tabular-nums }
@media (max-width: 1000px) {
  #job { width: 100vw; border-left: 0 } .open main { margin-right: 0 }
  .open { overflow: hidden }
  #hits { right: 14px }
}
]]
