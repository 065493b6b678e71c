--- The rules that come with orch: ordinary rule files, whose text is part of the program.
---
---     shipped.text "texture"      --> '-- Textures. To change a number, edit it here; ...'

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

---All of them, or those with a tag: "header" (they read the first bytes of files), "pixels"
---(they decode images, sounds and models).
---@async
---@param tag? string
---@return string[] ids in the order of the files
function shipped.rules(tag)
  local list = {}
  for _, rule in ipairs(require "orch.check.load" { shipped = true }.list) do
    local tags = table.concat(rule.tags, " ")
    if not tag or (" " .. tags .. " "):find(" " .. tag .. " ", 1, true) then
      list[#list + 1] = rule.id
    end
  end
  return list
end

---The name of the file that a rule is in.
---@param rule orch.check.Rule
---@return string name
function shipped.file_of(rule)
  return rule.source:match "([^/]*)%.lua$"
end

return shipped
