--- The parameters of a statement: a list, or a table by name, and the sentences for those
--- that do not fit.
---
---     local list, n = params.order("db:query", { "id", "name" }, { id = 7, name = "ada" })

local arg = require "orch.arg"
local value = require "orch.db.value"

local params = {}

---Whether parameters are given by name: `{name = value}`. An empty table is a list; so is one
---with a place in it, such as `table.pack` makes.
---@param given table
---@return boolean
function params.is_named(given)
  if next(given) == nil then return false end
  for key in next, given do
    if math.type(key) then return false end
  end
  return true
end

---@param fname string
---@param name string|integer of the parameter
---@param v any
---@return any v raises kind `usage` when it is no value
function params.check(fname, name, v)
  local problem = value.problem(v)
  if not problem then return v end
  arg.fail("%s: parameter %s %s", fname, type(name) == "string" and ":" .. name or name, problem)
end

local function shown(names)
  if #names == 0 then return "none" end
  return ":" .. table.concat(names, ", :")
end

---Raises kind `usage`: the statement has another number of parameters.
---@param fname string
---@param wanted integer
---@param count integer
function params.wrong_count(fname, wanted, count)
  arg.fail("%s: the statement has %d parameter%s, %d %s given", fname, wanted,
    wanted == 1 and "" or "s", count, count == 1 and "was" or "were")
end

---Raises kind `usage` when names and the names given are not the same; each of `wanted`
---must be given, and nothing else. A nil cannot be given: db.null can.
---@param fname string
---@param wanted string[] the names in the statement, without their mark
---@param given table<string, any>
function params.same_names(fname, wanted, given)
  local known = {}
  for _, name in ipairs(wanted) do known[name] = true end
  for _, name in ipairs(arg.keys_of(given)) do
    if not known[name] then
      local near = arg.suggest(name, wanted)
      arg.fail("%s: the statement has no parameter :%s; %s", fname, name,
        near and ("did you mean :%s?"):format(near)
        or (#wanted == 0 and "it has none by name" or "it has " .. shown(wanted)))
    end
  end
  for key in next, given do
    if type(key) ~= "string" then
      arg.fail("%s: the parameters have names and places; they are either a list or by name",
        fname)
    end
  end
  for _, name in ipairs(wanted) do
    if given[name] == nil then
      arg.fail("%s: parameter :%s was not given (was it nil? for SQL's null give db.null)",
        fname, name)
    end
  end
end

---The values of named parameters in the order of `wanted`.
---@param fname string
---@param wanted string[] each name once
---@param given table<string, any>
---@return any[] list raises kind `usage`, also for a value that is none
---@return integer n how many, nulls included
function params.order(fname, wanted, given)
  params.same_names(fname, wanted, given)
  local list = {}
  for i, name in ipairs(wanted) do list[i] = params.check(fname, name, given[name]) end
  return list, #wanted
end

---Checks a list of values for a statement with `wanted` parameters.
---@param fname string
---@param wanted integer? nil: the database knows, and says so
---@param given any[] `n`, if set, counts what may be nil
---@return any[] list
---@return integer n
function params.list(fname, wanted, given)
  local n = math.tointeger(rawget(given, "n")) or #given
  for key in next, given do
    local place = math.type(key) == "integer" and key
    if key ~= "n" and not (place and place >= 1 and place <= n) then
      arg.fail(place and "%s: parameter %s is behind a hole in the list; for SQL's null give "
        .. "db.null" or "%s: the parameters have places and a name, %s; they are either a list "
        .. "or by name", fname, tostring(key))
    end
  end
  if wanted and n ~= wanted then params.wrong_count(fname, wanted, n) end
  for i = 1, n do params.check(fname, i, given[i]) end
  return given, n
end

return params
