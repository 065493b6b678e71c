--- Values that `<close>` must close. What was never closed is told when the run or the
--- test case ends, with the line that made it.
---
---     return unclosed.add(setmetatable({ fn = fn }, deferred))
---
--- The metatable's `leak` is the sentence, with %s for that line; its `__close` calls
--- `unclosed.remove(self)`.

local errors = require "orch.core.error"

local unclosed = {}

--- value -> "file:line"
local open = {}

---@generic T
---@param value T
---@return T value
function unclosed.add(value)
  local where = errors.where()
  if where ~= "?" then open[value] = where end -- otherwise it is orch's own
  return value
end

---@param value any
function unclosed.remove(value)
  open[value] = nil
end

---Adds a sentence for each that is still open, and forgets them.
---@param list string[]
function unclosed.take(list)
  local sentences = {}
  for value, where in next, open do
    sentences[#sentences + 1] = getmetatable(value).leak:format(where)
  end
  open = {}
  table.sort(sentences)
  table.move(sentences, 1, #sentences, #list + 1, list)
end

return unclosed
