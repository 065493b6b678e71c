--- The colours of a page, light and dark: which of them belongs to which state, and the
--- sixteen of a terminal. On their backgrounds all have a contrast of at least 4.5.
---
---     local css = require "orch.report.html.palette"

local light = [[
  color-scheme: light;
  --back: #f4f5f7; --panel: #ffffff; --sunk: #f6f7f9; --text: #1c2127; --soft: #59636f;
  --line: #dde1e6; --accent: #2257c4; --mark: #ffe28a; --mark-text: #1c2127; --hover: #eef2fa;
  --ok: #0e7a54; --failed: #bf2430; --skipped: #4a6790; --cancelled: #636c77;
  --running: #2257c4; --retry: #8f5600; --waiting: #c3cad3; --critical: #7a35c9;
  --a0: #24292f; --a1: #bf2430; --a2: #116b35; --a3: #7d5a00; --a4: #2257c4; --a5: #8a2fb0;
  --a6: #0b6a79; --a7: #59636f; --a8: #636c77; --a9: #b3202c; --a10: #0e6b32; --a11: #765500;
  --a12: #1d4fb8; --a13: #7f28a5; --a14: #08616f; --a15: #1c2127;
]]

local dark = [[
  color-scheme: dark;
  --back: #121519; --panel: #1a1e24; --sunk: #14171c; --text: #e3e6ea; --soft: #9aa4b0;
  --line: #2c323a; --accent: #86adff; --mark: #6b5300; --mark-text: #fff6dc; --hover: #222833;
  --ok: #45c08a; --failed: #ff7d7d; --skipped: #8fb0da; --cancelled: #9aa4b0;
  --running: #86adff; --retry: #dfa24a; --waiting: #47505c; --critical: #c49bff;
  --a0: #9aa4b0; --a1: #ff7d7d; --a2: #5fca8f; --a3: #d9b457; --a4: #86adff; --a5: #d99bf0;
  --a6: #5fc6d6; --a7: #c9ced5; --a8: #9aa4b0; --a9: #ff9a9a; --a10: #83dba9; --a11: #ecd083;
  --a12: #a6c3ff; --a13: #e7b9f7; --a14: #8adbe7; --a15: #ffffff;
]]

local states = [[
.s-ok { --c: var(--ok) } .s-failed, .s-crashed { --c: var(--failed) }
.s-skipped { --c: var(--skipped) } .s-cancelled, .s-interrupted { --c: var(--cancelled) }
.s-running { --c: var(--running) } .s-retrying { --c: var(--retry) }
.s-queued, .s-pending { --c: var(--soft) }
.p-error { --c: var(--failed) } .p-warning { --c: var(--retry) } .p-info { --c: var(--accent) }
]]

local terminal = {}
for i = 0, 15 do
  terminal[#terminal + 1] = (".f%d { color: var(--a%d) } .g%d { background: "
    .. "color-mix(in srgb, var(--a%d) 22%%, transparent) }\n"):format(i, i, i, i)
end

return ":root {\n" .. light .. "}\n@media (prefers-color-scheme: dark) {\n"
  .. ":root:not([data-theme=light]) {\n" .. dark .. "}\n}\n:root[data-theme=dark] {\n" .. dark
  .. "}\n" .. states .. table.concat(terminal)
