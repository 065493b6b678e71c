--- `orch.stdin`: standard input, read without stopping other tasks.
---
---     for line in orch.stdin:lines() do print(#line) end

local core = require "orch.core.stdin"
local park = require "orch.core.park"
local arg = require "orch.arg"

---@class orch.Stdin
local stdin = {}

local busy, queue = false, park.new "stdin"

--- Readers take turns, in the order they came.
local turn = setmetatable({}, { __close = function()
  busy = queue:wake()
end })

local function take(want, count)
  if busy then
    queue:wait()
  else
    busy = true
  end
  local _ <close> = turn
  return core.read(want, count)
end

---Reads from standard input.
---@async
---@param what "line"|"all"|integer|nil a line without its end (the default), all that
---  is left, or so many bytes (fewer at the end)
---@return string? text nil at the end; "all" gives "" there
---Raises kind `os`.
function stdin:read(what)
  if self ~= stdin then arg.fail "stdin.read: write orch.stdin:read(), with a colon" end
  if what == nil or what == "line" then return take "line" end
  if what == "all" then return take "all" end
  local count = math.tointeger(what)
  if not count or count < 1 then
    arg.fail('stdin:read: argument 1 should be "line", "all" or a number of bytes, not %s',
      arg.describe(what))
  end
  return take("count", count)
end

---`for line in orch.stdin:lines() do`
---@return fun(): string?
function stdin:lines()
  if self ~= stdin then arg.fail "stdin.lines: write orch.stdin:lines(), with a colon" end
  return function() return take "line" end
end

return arg.public("orch.stdin", stdin)
