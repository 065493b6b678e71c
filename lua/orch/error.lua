--- Errors: raising one, and looking at one.
---
---     orch.error { kind = "build", message = "no such scene", scene = name }

local core = require "orch.core.error"
local arg = require "orch.arg"

local errors = {}

---Builds an Error without raising it.
---@param fields {kind: string?, message: string?, [string]: any}
---@return orch.Error
function errors.new(fields)
  arg.check("error.new", 1, fields, "table")
  local err = {}
  for key, value in pairs(fields) do err[key] = value end
  if err.kind == nil then err.kind = "error" end
  if err.message == nil then err.message = fields[1] or err.kind end
  return core.make(err)
end

---Raises an Error at the caller's line.
---@param fields string|{kind: string?, message: string?, [string]: any}
function errors.raise(fields)
  if type(fields) == "string" then fields = { message = fields } end
  core.throw(errors.new(arg.check("error", 1, fields, "table|string")))
end

---Whether a value is an Error (a Cancelled is one).
---@return boolean
function errors.is(value)
  return core.is(value)
end

---Whether an error says that work was cancelled: the kind `cancelled`.
---@return boolean
function errors.is_cancelled(err)
  return core.is_cancelled(err) or (core.is(err) and err.kind == "cancelled")
end

---Whether an error is a timeout: the kind `timeout`.
---@return boolean
function errors.is_timeout(err)
  return core.is(err) and err.kind == "timeout"
end

---pcall whose error is always an Error.
---@async
---@param fn function
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
