--- Puts a streamed answer of Gemini together. There is no last event: the reason for
--- which the model has ended is the end.

local field = require "orch.ai.field"

local Reader = {}
Reader.__index = Reader
Reader.ending = "a finishReason"
Reader.ends_with_body = true -- what follows the reason may hold the usage

--- Texts grow together; a part with a signature must stay as it came.
local function add_part(parts, part)
  local last = parts[#parts]
  if field.text(last, "text") and field.text(part, "text") and last.thought == part.thought
    and not last.thoughtSignature and not part.thoughtSignature then
    last.text = last.text .. part.text
  else
    parts[#parts + 1] = part
  end
end

---@param chunk table
---@return string? text that is new
function Reader:event(_, chunk)
  for _, name in ipairs { "usageMetadata", "modelVersion", "promptFeedback", "responseId" } do
    if field.any(chunk, name) ~= nil then self.raw[name] = chunk[name] end
  end
  local candidate = field.table(chunk, "candidates", 1)
  local texts = {}
  for _, part in ipairs(field.list(candidate, "content", "parts") or {}) do
    if field.any(part, "thought") ~= true then texts[#texts + 1] = field.text(part, "text") end
    add_part(self.parts, part)
  end
  for _, name in ipairs { "finishReason", "finishMessage" } do
    self.candidate[name] = field.text(candidate, name) or self.candidate[name]
  end
  self.done = self.candidate.finishReason ~= nil
    or field.text(self.raw, "promptFeedback", "blockReason") ~= nil
  local text = table.concat(texts)
  if text ~= "" then
    self.texts[#self.texts + 1] = text
    return text
  end
end

function Reader:text()
  return table.concat(self.texts)
end

---@return table raw an answer of generateContent
function Reader:result()
  self.raw.candidates = { self.candidate }
  return self.raw
end

return function()
  local parts = {}
  return setmetatable({ raw = {}, texts = {}, parts = parts,
    candidate = { index = 0, content = { role = "model", parts = parts } } }, Reader)
end
