--- Puts a streamed chat completion together, so that the end is what an answer in one
--- piece would have been.
---
---     local reader = new()
---     local delta = reader:event(event.event, chunk)

local field = require "orch.ai.field"

local Reader = {}
Reader.__index = Reader

Reader.last = "[DONE]" -- the data of the last event; it is no JSON
Reader.ending = "the final [DONE]"

local function add_call(calls, delta)
  local at = math.max(1, math.min(field.count(delta, "index") or #calls, #calls) + 1)
  local call = calls[at]
  if not call then
    call = { type = "function", ["function"] = { name = "", arguments = "" } }
    calls[at] = call
  end
  for key, value in pairs(delta) do -- the id, and whatever a server wants to have back
    local is_ours = key == "index" or key == "function" or type(key) ~= "string"
    if not is_ours and field.any(value) ~= nil then call[key] = value end
  end
  local fn = call["function"]
  fn.name = fn.name .. (field.text(delta, "function", "name") or "")
  fn.arguments = fn.arguments .. (field.text(delta, "function", "arguments") or "")
end

---@param chunk table
---@return string? text that is new
function Reader:event(_, chunk)
  self.raw.id = self.raw.id or field.text(chunk, "id")
  self.raw.model = field.text(chunk, "model") or self.raw.model
  self.raw.usage = field.table(chunk, "usage") or self.raw.usage
  local choice = field.table(chunk, "choices", 1)
  local delta = field.table(choice, "delta")
  self.reason = field.text(choice, "finish_reason") or self.reason
  for _, call in ipairs(field.list(delta, "tool_calls") or {}) do add_call(self.calls, call) end
  local refusal = field.text(delta, "refusal")
  if refusal then self.refusal = (self.refusal or "") .. refusal end
  local text = field.text(delta, "content")
  if text and text ~= "" then
    self.texts[#self.texts + 1] = text
    return text
  end
end

function Reader:text()
  return table.concat(self.texts)
end

---@return table raw a chat completion
function Reader:result()
  self.raw.choices = { { index = 0, finish_reason = self.reason, message = {
    role = "assistant", content = self:text(), refusal = self.refusal,
    tool_calls = self.calls[1] and self.calls or nil } } }
  return self.raw
end

return function()
  return setmetatable({ raw = { object = "chat.completion" }, texts = {}, calls = {} }, Reader)
end
