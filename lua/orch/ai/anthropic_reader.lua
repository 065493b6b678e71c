--- Puts a streamed message of Anthropic together, block by block.

local field = require "orch.ai.field"

local Reader = {}
Reader.__index = Reader
Reader.ending = "message_stop"

local handlers = {}

function handlers.message_start(self, data)
  self.raw = field.table(data, "message") or self.raw
  self.raw.content = {}
end

function handlers.content_block_start(self, data)
  local count = #self.raw.content
  local at = math.max(1, math.min(field.count(data, "index") or count, count) + 1)
  local block = {} -- it grows, which a list must not
  for key, value in pairs(field.table(data, "content_block") or {}) do
    if type(key) == "string" then block[key] = value end
  end
  self.raw.content[at] = block
  local text = field.text(data, "content_block", "text")
  if text and text ~= "" then
    self.texts[#self.texts + 1] = text
    return text
  end
end

local grows = { thinking_delta = "thinking", signature_delta = "signature" }

function handlers.content_block_delta(self, data)
  local block = self.raw.content[(field.count(data, "index") or 0) + 1]
  if not block then return nil end
  local kind = field.text(data, "delta", "type")
  if kind == "text_delta" then
    local text = field.text(data, "delta", "text") or ""
    block.text = (field.text(block, "text") or "") .. text
    self.texts[#self.texts + 1] = text
    return text ~= "" and text or nil
  elseif kind == "input_json_delta" then
    self.inputs[block] = (self.inputs[block] or "")
      .. (field.text(data, "delta", "partial_json") or "")
  elseif grows[kind] then
    local name = grows[kind]
    block[name] = (field.text(block, name) or "") .. (field.text(data, "delta", name) or "")
  end
end

function handlers.content_block_stop(self, data)
  local block = self.raw.content[(field.count(data, "index") or 0) + 1]
  local text = block and self.inputs[block]
  if not text or not text:find "%S" then return end
  local ok, value = field.decode(text)
  block.input = ok and value or text
end

function handlers.message_delta(self, data)
  for key, value in pairs(field.table(data, "delta") or {}) do
    if key ~= "content" then self.raw[key] = value end -- that is ours
  end
  local usage = field.table(self.raw, "usage") or {}
  for key, value in pairs(field.table(data, "usage") or {}) do -- they are totals
    if field.any(value) ~= nil then usage[key] = value end
  end
  self.raw.usage = usage
end

function handlers.message_stop(self)
  self.done = true
end

---@param data table
---@return string? text that is new
function Reader:event(name, data)
  local handler = handlers[field.text(data, "type") or name or "ping"]
  return handler and handler(self, data)
end

function Reader:text()
  return table.concat(self.texts)
end

---@return table raw a message
function Reader:result()
  return self.raw
end

return function()
  return setmetatable({ raw = { content = {} }, texts = {}, inputs = {} }, Reader)
end
