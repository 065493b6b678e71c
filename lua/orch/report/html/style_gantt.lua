--- How the timeline looks: a row for each job, its bars in shades of what it did.
---
---     local css = require "orch.report.html.style_gantt"

return [[
#gantt { position: relative; font-size: 12.5px; user-select: none;
  --names: 240px }
#gantt .over { position: relative; margin-left: var(--names); cursor: ew-resize;
  touch-action: none }
#gantt .most { position: absolute; left: 0; top: 0; width: var(--names); padding: 0 10px 0 8px;
  color: var(--soft); line-height: 20px }
#gantt .most span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
#gantt .axis { position: relative; height: 24px; border-bottom: 1px solid var(--line);
  overflow: hidden }
#gantt .load { display: block; width: 100%; height: 40px; background: var(--sunk);
  border-radius: 4px 4px 0 0; margin-bottom: 2px }
.load .running { fill: var(--running); opacity: .45 }
.load .queued { fill: var(--waiting); opacity: .55 }
#gantt .axis span { position: absolute; top: 2px; padding-left: 5px; color: var(--soft);
  border-left: 1px solid var(--line); height: 24px; font-variant-numeric: tabular-nums;
  white-space: nowrap; pointer-events: none }
#gantt .view { overflow-y: auto; overflow-x: hidden; max-height: 440px; position: relative;
  scrollbar-gutter: stable; overscroll-behavior: contain }
#gantt .row { position: absolute; left: 0; right: 0; height: 24px; display: flex;
  align-items: center; cursor: pointer }
#gantt .row:hover, #gantt .row.at { background: var(--hover) }
#gantt .row.at { box-shadow: inset 3px 0 var(--accent) }
#gantt .row button { all: unset; box-sizing: border-box; flex: 0 0 var(--names);
  width: var(--names); padding: 0 10px 0 8px;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; cursor: pointer }
#gantt .row button:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px }
#gantt .row button .sign { margin-right: 3px }
#gantt .bars { position: relative; flex: 1; height: 100%; overflow: hidden }
#gantt .bars i { position: absolute; top: 6px; height: 12px; min-width: 2px; border-radius: 2px }
#gantt .queue { background: var(--waiting); top: 10px !important; height: 4px !important;
  border-radius: 0 !important }
#gantt .pause { top: 10px !important; height: 4px !important; border-radius: 0 !important;
  background: repeating-linear-gradient(90deg, var(--retry) 0 2px, transparent 2px 5px) }
#gantt .run { background: var(--c) }
#gantt .run.s-failed, .key .s-failed { background: repeating-linear-gradient(135deg,
  var(--failed) 0 4px, color-mix(in srgb, var(--failed) 55%, var(--panel)) 4px 7px) }
#gantt .run.s-cancelled { background: none; border: 1px solid var(--cancelled) }
#gantt .critical .run { box-shadow: 0 3px 0 -1px var(--panel), 0 5px 0 -1px var(--critical) }
#gantt .critical button { color: var(--critical); font-weight: 600 }
#gantt .canvas { position: relative }
#gantt .layer { position: absolute; left: var(--names); right: 0; top: 0; bottom: 0;
  pointer-events: none }
#gantt .grid { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--line) }
#gantt .session { background: none; border-left: 1px dashed var(--soft) }
#gantt .sweep { position: absolute; top: 0; bottom: 0; background: var(--accent); opacity: .2 }
#tip { position: fixed; z-index: 30; pointer-events: none; max-width: 380px; padding: 8px 12px;
  font-size: 12.5px; box-shadow: 0 8px 30px rgb(0 0 0 / .25) }
#tip b { display: block; overflow-wrap: anywhere }
#tip span { color: var(--soft); display: block; font-variant-numeric: tabular-nums }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; color: var(--soft); font-size: 12.5px;
  margin-top: 10px }
.key i { display: inline-block; width: 18px; height: 10px; border-radius: 2px; margin-right: 6px;
  background: var(--c) }
.key .queue { background: var(--waiting); height: 4px; vertical-align: middle }
.key .pause { height: 4px; vertical-align: middle;
  background: repeating-linear-gradient(90deg, var(--retry) 0 2px, transparent 2px 5px) }
.key .crit { background: none; border-bottom: 2px solid var(--critical) }
]]
