--- What a Lua value is, in 16 bytes: functions as their code with what they capture and
--- the globals they name, plain data by value, whatever belongs to orch or to Lua by name.
---
---     local memo = fingerprint.memo()   -- for one planning: nothing may change meanwhile
---     local before = fingerprint.encode(memo, { version = "1.0", build = build })

local arg = require "orch.arg"
local code = require "orch.core.code"
local names = require "orch.pipeline.names"

local getmetatable, getupvalue, next, rawget, rawlen, type =
  debug.getmetatable, debug.getupvalue, next, rawget, rawlen, type
local concat, sort, math_type, min = table.concat, table.sort, math.type, math.min
local hash_of, of_script = code.hash, code.of_script

local fingerprint = {}

local DEEPEST = 10000

---@class orch.pipeline.Memo what is known already; a walk of shared values happens once
---@field digests table<table|function, string>
---@field circular table<table|function, boolean> those that can be reached from themselves
---@field names orch.pipeline.Names
---@field mentioned table<table, table<string, orch.pipeline.Captured[]>>

---@return orch.pipeline.Memo
function fingerprint.memo()
  return { digests = {}, circular = {}, names = names.open(), mentioned = {} }
end

--- Every encoding ends by itself, so that several in a row are not ambiguous.
local function plain(value)
  local kind = math_type(value) or type(value)
  if kind == "string" then return "s" .. #value .. ":" .. value end
  if kind == "integer" then return "i" .. value .. ";" end
  if kind == "float" then return ("d%a;"):format(value) end
  return kind == "boolean" and (value and "t" or "f") or "n"
end

--- Bytes for what needs no walk; the object itself for what does.
local function bytes_or_object(memo, value)
  local kind = type(value)
  if kind == "table" or kind == "function" then
    if memo.digests[value] then return value end
    local name = memo.names:of(value)
    return name and "l" .. #name .. ":" .. name or value
  elseif kind == "userdata" or kind == "thread" then
    local meta = getmetatable(value)
    local name = type(meta) == "table" and rawget(meta, "__name") or kind
    return "u" .. tostring(name) .. ";"
  end
  return plain(value)
end

--- A node is its head, values in order and, behind those, values with labels.
local function read_table(memo, object)
  local node, labels, n = {}, {}, rawlen(object)
  for i = 1, n do node[i] = bytes_or_object(memo, rawget(object, i)) end
  local ordered = n
  for key, value in next, object do
    local is_item = math_type(key) == "integer" and key >= 1 and key <= ordered
    if not is_item then
      local label = bytes_or_object(memo, key)
      n = n + 1
      if type(label) == "string" then
        labels[n], node[n] = label, bytes_or_object(memo, value)
      else
        labels[n], node[n] = "k", { label, value }
      end
    end
  end
  local meta = getmetatable(object)
  if meta then
    n = n + 1
    labels[n], node[n] = "m", bytes_or_object(memo, meta)
  end
  node.kind, node.head, node.labels, node.ordered = "T", ordered .. ";", labels, ordered
  return node
end

---@class orch.pipeline.Captured
---@field kind "upvalue"|"global"|"module"
---@field name string
---@field value any

--- Globals and modules that the code names; the same for all closures of one function.
local function mentioned_by(memo, fn, print, env)
  local by_code = memo.mentioned[env]
  if not by_code then
    by_code = {}
    memo.mentioned[env] = by_code
  end
  local mentioned = by_code[print]
  if not mentioned then
    mentioned = memo.names:mentioned(code.strings(fn), env)
    by_code[print] = mentioned
  end
  return mentioned
end

---What a function of the script reaches beyond its arguments.
---@param memo orch.pipeline.Memo
---@param fn function
---@return orch.pipeline.Captured[]
function fingerprint.captured(memo, fn)
  local list, env = {}, nil
  for i = 1, math.huge do
    local name, value = getupvalue(fn, i)
    if not name then break end
    if name == "_ENV" and type(value) == "table" then
      env = value
    else
      list[#list + 1] = { kind = "upvalue", name = name, value = value }
    end
  end
  local mentioned = env and mentioned_by(memo, fn, code.fingerprint(fn), env) or {}
  return table.move(mentioned, 1, #mentioned, #list + 1, list)
end

--- A function that the library made for the script has no code of its own to read;
--- what it was given is among its upvalues.
local function read_library_function(memo, fn)
  local node, labels = {}, {}
  for i = 1, math.huge do
    local name, value = getupvalue(fn, i)
    if not name then break end
    if type(value) == "string" or type(value) == "function" and code.is_script(value) then
      labels[#node + 1], node[#node + 1] = name .. "=", bytes_or_object(memo, value)
    end
  end
  node.kind, node.head = "L", debug.getinfo(fn, "S").source .. ";"
  node.labels, node.ordered = labels, 0
  return node
end

--- On the path of every job: what `captured` does, without a table for each value.
local function read_function(memo, fn)
  local print = of_script(fn)
  if not print then return read_library_function(memo, fn) end
  local node, n, env = { kind = "F", head = print }, 0, nil
  for i = 1, 255 do
    local name, value = getupvalue(fn, i)
    if not name then break end
    if name == "_ENV" and type(value) == "table" then
      env = value
    else
      n = n + 1
      node[n] = bytes_or_object(memo, value)
    end
  end
  node.ordered = n
  local mentioned = env and mentioned_by(memo, fn, print, env)
  if not mentioned or not mentioned[1] then return node end
  local labels = {}
  for i = 1, #mentioned do
    local one = mentioned[i]
    labels[n + i] = one.kind .. " " .. one.name .. "="
    node[n + i] = bytes_or_object(memo, one.value)
  end
  node.labels = labels
  return node
end

--- `of` gives the bytes of an object that has no digest yet.
local function bytes_of(memo, node, of)
  local digests, labels, ordered, n = memo.digests, node.labels, node.ordered, #node
  local out = { node.kind, node.head }
  for i = 1, n do
    local value = node[i]
    if type(value) ~= "string" then
      local digest = digests[value]
      value = digest and "o" .. digest or of(value)
    end
    out[i + 2] = i > ordered and labels[i] .. value or value
  end
  if n - ordered > 1 then
    local rest = table.move(out, ordered + 3, n + 2, 1, {})
    sort(rest)
    table.move(rest, 1, #rest, ordered + 3, out)
  end
  return concat(out)
end

local function hash(memo, node, of)
  return hash_of(bytes_of(memo, node, of))
end

--- Objects that refer to each other in a circle: a few rounds in which each takes in what
--- its neighbours were in the round before. So it does not matter where a walk came in.
local function hash_circle(memo, nodes)
  local now = {}
  for object in next, nodes do now[object] = "*" end
  for _ = 1, 4 do
    local before = now
    now = {}
    local function of(object) return "c" .. before[object] end
    for object, node in next, nodes do now[object] = hash(memo, node, of) end
  end
  local all = {}
  for _, one in next, now do all[#all + 1] = one end
  sort(all)
  local whole = hash_of(concat(all))
  for object, one in next, now do
    memo.digests[object], memo.circular[object] = hash_of(one .. whole), true
  end
end

--- Tarjan's search for circles: `low` is the earliest object on the way here that can be
--- reached from an object; where that is itself, a circle is complete.
local visit

local function visit_children(walk, node, own)
  local low, index, digests = own, walk.index, walk.memo.digests
  for i = 1, #node do
    local child = node[i]
    if type(child) ~= "string" and not digests[child] then
      if not index[child] then visit(walk, child) end
      if walk.too_deep then return own end
      if not digests[child] then low = min(low, walk.low[child]) end
    end
  end
  return low
end

local function close_circle(walk, object, node, alone)
  local path, nodes = walk.path, {}
  local top
  repeat
    top = path[#path]
    path[#path], nodes[top] = nil, walk.nodes[top]
  until top == object
  if alone and next(nodes, object) == nil and next(nodes) == object then
    walk.memo.digests[object] = hash(walk.memo, node)
  else
    hash_circle(walk.memo, nodes)
  end
end

local function refers_to(node, object)
  for i = 1, #node do if node[i] == object then return true end end
  return false
end

local function is_complete(memo, node)
  for i = 1, #node do
    if type(node[i]) ~= "string" and not memo.digests[node[i]] then return false end
  end
  return true
end

function visit(walk, object)
  local memo = walk.memo
  local node = (type(object) == "table" and read_table or read_function)(memo, object)
  if is_complete(memo, node) then
    memo.digests[object] = hash(memo, node)
    return
  end
  walk.count, walk.depth = walk.count + 1, walk.depth + 1
  if walk.depth > DEEPEST then -- not raised here: a traceback of all the levels takes seconds
    walk.too_deep = true
    return
  end
  local own = walk.count
  walk.index[object], walk.low[object], walk.nodes[object] = own, own, node
  walk.path[#walk.path + 1] = object
  local low = visit_children(walk, node, own)
  walk.low[object], walk.depth = low, walk.depth - 1
  if walk.too_deep then return end
  if low == own then close_circle(walk, object, node, not refers_to(node, object)) end
end

local function look_through(memo, object)
  if memo.digests[object] then return end
  local walk = { memo = memo, count = 0, depth = 0, index = {}, low = {}, nodes = {}, path = {} }
  visit(walk, object)
  if walk.too_deep then
    arg.fail("a job captures a value that is nested more than %d levels deep", DEEPEST)
  end
end

---A value as bytes that are the same whenever the value is.
---@param memo orch.pipeline.Memo
---@param value any
---@return string bytes; raises kind `usage` for data nested beyond 10,000 levels
function fingerprint.encode(memo, value)
  value = bytes_or_object(memo, value)
  if type(value) == "string" then return value end
  look_through(memo, value)
  return "o" .. memo.digests[value]
end

---The same for the function of one job, in more bytes and less time: as it is hashed with
---the rest of the job, it gets no digest of its own.
---@param memo orch.pipeline.Memo
---@param fn function
---@return string bytes
function fingerprint.unfold(memo, fn)
  local name = memo.names:of(fn)
  if name then return plain(name) end
  local node = read_function(memo, fn)
  if not is_complete(memo, node) then look_through(memo, fn) end
  if memo.circular[fn] then return "o" .. memo.digests[fn] end
  return bytes_of(memo, node)
end

return fingerprint
