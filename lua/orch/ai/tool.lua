--- Tools: functions that a model may ask the script to call.
---
---     local r = provider:chat("How warm is it in Oslo?", { tools = { {
---       name = "weather", description = "The weather in a city, now",
---       parameters = { type = "object", properties = { city = { type = "string" } },
---         required = { "city" } } } } })
---     for _, call in ipairs(r.tool_calls) do print(call.name, call.arguments.city) end

local arg = require "orch.arg"
local json = require "orch.json"
local field = require "orch.ai.field"

local tool = {}

---@class orch.ai.Tool
---@field name string letters, digits, _ and -
---@field description string? when to call it, what it gives
---@field parameters table? a JSON schema of type "object"; by default there are none

---@class orch.ai.ToolCall
---@field id string to be given back with the result
---@field name string
---@field arguments table? nil when the model wrote something that is no JSON object:
---@field text string? that

local fields = { name = "string", description = "string", parameters = "table" }

---@param fname string
---@param tools orch.ai.Tool[]?
---@return orch.ai.Tool[]? tools nil when there are none
function tool.read(fname, tools)
  if tools == nil or next(tools) == nil then return nil end
  local list, seen = {}, {}
  for i, given in ipairs(tools) do
    local t = arg.options(("%s: tool %d"):format(fname, i), given, fields)
    if not t.name or not t.name:find "^[%w_-]+$" or #t.name > 64 then
      arg.fail("%s: tool %d: the name should be up to 64 letters, digits, _ and -, not %s", fname,
        i, arg.describe(t.name))
    end
    if seen[t.name] then arg.fail("%s: there are two tools '%s'", fname, t.name) end
    seen[t.name] = true
    t.parameters = t.parameters or { type = "object", properties = {} }
    list[i] = t
  end
  if #list == 0 then arg.fail("%s: `tools` should be a list of tables with a `name`", fname) end
  return list
end

---@param fname string
---@param choice string? "auto", "none", "required" or the name of a tool
---@param tools orch.ai.Tool[]?
---@return string? choice
---@return boolean? is_name
function tool.read_choice(fname, choice, tools)
  if choice == nil then return nil end
  if not tools then arg.fail("%s: `tool_choice` without `tools`", fname) end
  if choice == "auto" or choice == "none" or choice == "required" then return choice end
  local names = {}
  for i, t in ipairs(tools) do
    if t.name == choice then return choice, true end
    names[i] = t.name
  end
  arg.fail('%s: `tool_choice` should be "auto", "none", "required" or one of the tools (%s), '
    .. "not %q", fname, table.concat(names, ", "), choice)
end

---The arguments of a call that come as JSON text.
---@param call orch.ai.ToolCall
---@param text string?
---@return orch.ai.ToolCall call
function tool.decode(call, text)
  local ok, value = field.decode(text ~= nil and text:find "%S" and text or "{}")
  if ok and type(value) == "table" then
    call.arguments = value
  else
    call.text = text
  end
  return call
end

---The result of a call as text.
---@param content string|table
---@return string
function tool.result(content)
  return type(content) == "string" and content or json.encode(content)
end

return tool
