--- Errors: raising one, and looking at one.
---
---     orch.error { kind = "build", message = "no such scene", scene = name }

local core = require "orch.core.error"
local arg = require "orch.arg"

---@class orch.errors
---@overload fun(fields: {kind: string?, message: string?, [string]: any}) raises
local errors = {}

---@class orch.Error
---@field kind string what went wrong, in a word: "timeout", "os", "usage", "error", ...
---@field message string one sentence; `tostring(err)` gives it
---@field cause any the value that was raised, when it was no table
---@field suppressed any[]? what else failed in the same scope
---@field traceback string? taken at the raise
---@field where string? "file:line" of the script
---@field attempts integer? how often `retry` has tried
---@field [string] any what belongs to the kind

--- Makes an Error of the table itself.
local function complete(err)
  if err.kind == nil then err.kind = "error" end
  if err.message == nil then err.message = err[1] or err.kind end
  return core.make(err)
end

---Builds an Error without raising it.
---@param fields {kind: string?, message: string?, [string]: any}
---@return orch.Error
function errors.new(fields)
  arg.check("error.new", 1, fields, "table")
  local err = {}
  for key, value in pairs(fields) do err[key] = value end
  return complete(err)
end

---Raises an Error at the caller's line; the table itself, or an Error once more.
---@param fields string|orch.Error|{kind: string?, message: string?, [string]: any}
function errors.raise(fields)
  arg.check("error", 1, fields, "table|string")
  if type(fields) == "string" then fields = { message = fields } end
  if getmetatable(fields) == nil then complete(fields) end
  core.throw(fields)
end

---Whether a value is an Error (a Cancelled is one).
---@param value any
---@return boolean
function errors.is(value)
  return core.is(value)
end

---Whether an error says that work was cancelled: the kind `cancelled`.
---@param err any
---@return boolean
function errors.is_cancelled(err)
  return core.is_cancelled(err) or (core.is(err) and err.kind == "cancelled")
end

---Whether an error is a timeout: the kind `timeout`.
---@param err any
---@return boolean
function errors.is_timeout(err)
  return core.is(err) and err.kind == "timeout"
end

---`pcall` whose error is always an Error. A cancellation passes through.
---@async
---@param fn function
---@param ... any arguments of `fn`
---@return boolean ok
---@return any ... the results, or the Error
function errors.try(fn, ...)
  arg.check("try", 1, fn, "callable")
  return (function(ok, ...)
    if ok then return true, ... end
    return false, core.normalize((...))
  end)(xpcall(fn, core.handler, ...))
end

return setmetatable(errors, { __call = function(_, fields) errors.raise(fields) end })
