--- The page's script, put together from its parts; each is one thing that the page does.
--- It is the only one that the page's policy lets run.
---
---     local js = require "orch.report.html.script"

local parts = {
  "base", "log_text", "log_view", "table", "job", "timeline", "load", "timeline_zoom", "search",
  "keys",
}

local out = {}
for i, name in ipairs(parts) do out[i] = require("orch.report.html.script_" .. name) end
return "(() => {\n'use strict';\n" .. table.concat(out, "\n") .. "\n})();\n"
