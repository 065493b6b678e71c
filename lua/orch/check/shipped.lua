--- The rules that come with orch: ordinary rule files, whose text is part of the program.
---
---     shipped.text "texture"      --> 'local check = require "orch.check" ...'

local runtime = require "orch.core.runtime"

local shipped = { files = { "texture", "audio", "model", "unity", "files", "font" } }

---@param name string of a file
---@return string? text
function shipped.text(name)
  return runtime.source("check/rules/" .. name)
end

---@param name string
---@return string path as it is shown
function shipped.path(name)
  return "orch/check/rules/" .. name .. ".lua"
end

return shipped
