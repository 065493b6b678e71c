--- What belongs to Lua and to orch, and is therefore known by its name; and which globals
--- and modules of the script a piece of code mentions.
---
---     names:of(string.format)   --> "string.format"

local code = require "orch.core.code"

local getmetatable, next, rawget, type = debug.getmetatable, next, rawget, type

local standard = {
  _G = true, string = true, table = true, math = true, io = true, os = true,
  coroutine = true, utf8 = true, debug = true, package = true,
}

---@class orch.pipeline.Names
---@field private known table<any, string>
---@field private chunks table<string, function|string|false> modules not loaded yet
local Names = {}
Names.__index = Names

local function is_ours(module)
  return standard[module] or module == "orch" or module:find "^orch%."
end

--- The same function under two names gets that of the more public module, so that it
--- does not matter which internal ones a run has loaded.
local function is_better(name, than)
  local _, dots = name:gsub("%.", "")
  local _, more = than:gsub("%.", "")
  if dots ~= more then return dots < more end
  return name < than
end

local function add(known, value, name)
  local kind = type(value)
  if kind ~= "table" and kind ~= "function" then return end
  if not known[value] or is_better(name, known[value]) then known[value] = name end
end

local function add_fields(known, name, module)
  for key, value in next, module do
    local is_script = type(value) == "function" and code.is_script(value)
    local is_data = name == "_G" and type(value) == "table"
    if type(key) == "string" and not is_script and not is_data then
      add(known, value, name .. "." .. key)
    end
  end
end

---@return orch.pipeline.Names
local function open()
  local known = {}
  for name, module in next, package.loaded do
    if type(name) == "string" and is_ours(name) then
      add(known, module, name)
      -- What orch itself has comes from its modules, but for what a run has put there.
      if type(module) == "table" and name ~= "orch" then add_fields(known, name, module) end
    end
  end
  return setmetatable({ known = known, chunks = {} }, Names)
end

--- Objects of orch that are what was put into them, and therefore count by value.
local data = {
  ["orch.http.response"] = true, ["orch.http.headers"] = true, ["orch.http.client"] = true,
  ["orch.ai.Provider"] = true,
}

--- Objects with a state that is none of the job's: locks, queues, servers. All these
--- classes have names of ours; a table that only complains about unknown fields has none.
local function class_of(meta)
  local name = rawget(meta, "__name")
  return type(name) == "string" and name:find "^orch%." and not data[name] and name or false
end

---The name of what is not the script's own; nil for what is.
---@param value table|function
---@return string?
function Names:of(value)
  local name = self.known[value]
  if name then return name end
  if type(value) == "function" then
    local info = not code.is_script(value) and debug.getinfo(value, "S")
    return info and info.what == "C" and "a C function" or nil
  end
  local meta = getmetatable(value)
  if type(meta) ~= "table" then return nil end
  return class_of(meta) or nil
end

--- As the code would find it, but without calling anything.
local function look_up(env, name)
  for _ = 1, 10 do
    local value = rawget(env, name)
    if value ~= nil then return value end
    local meta = getmetatable(env)
    env = type(meta) == "table" and rawget(meta, "__index")
    if type(env) ~= "table" then return nil end
  end
end

--- A module that is required only while the job runs: its code, which is not run here;
--- the text where that is not Lua; false where there is no such file.
local function read_module(name)
  local path = package.searchpath(name, package.path)
  local file = path and io.open(path, "rb")
  if not file then return false end
  local text = file:read "a" or ""
  file:close()
  return load(text, "@" .. path) or text
end

function Names:module(name, may_load)
  if is_ours(name) then return nil end
  local loaded = package.loaded[name]
  if loaded ~= nil then return loaded end
  if not may_load or not name:find "^[%w_][%w_.%-]*$" then return nil end
  local chunk = self.chunks[name]
  if chunk == nil then
    chunk = read_module(name)
    self.chunks[name] = chunk
  end
  return chunk or nil
end

---Those globals and modules of the script whose names are among the code's constants. A
---field of the same name counts as well: rather once too often than not at all.
---@param strings table<string, boolean>
---@param env table
---@return orch.pipeline.Captured[] sorted by name
function Names:mentioned(strings, env)
  local list, may_load = {}, strings.require
  for name in next, strings do
    local value = look_up(env, name)
    local is_object = type(value) == "table" or type(value) == "function"
    if value ~= nil and not (is_object and self:of(value)) then
      list[#list + 1] = { kind = "global", name = name, value = value }
    end
    value = self:module(name, may_load)
    if value ~= nil then
      list[#list + 1] = { kind = "module", name = name, value = value }
    end
  end
  table.sort(list, function(a, b)
    if a.name ~= b.name then return a.name < b.name end
    return a.kind < b.kind
  end)
  return list
end

return { open = open }
