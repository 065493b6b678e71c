--- The kinds of values a glTF has: each is a function that looks at one property, reports
--- what is wrong with it, and gives what the checks after it may rely on, or nil.
---
---     { "count", value.integer { required = true, min = 1 } }
---
--- A kind is { check =, opts =, required =, default = }; check(report, name, raw, opts, object)
--- is called for what is there and no null.

local document = require "orch.gltf.document"
local schema = require "orch.gltf.schema"

local is_array, is_object = document.is_array, document.is_object
local HUGE = document.HUGE
local huge, mtype, tointeger = math.huge, math.type, math.tointeger

local value = {}

--- A value in the words of a message.
local function shown(raw)
  if type(raw) == "string" then return ("'%s'"):format(raw) end
  if is_array(raw) then return "a list" end
  if type(raw) == "table" then return "an object" end
  if type(raw) == "userdata" then return "null" end
  return raw
end
value.shown = shown

local function mismatch(report, name, raw, wanted)
  report:add("TYPE_MISMATCH", name, shown(raw), wanted)
end

--- 1.0 is a whole number in JSON.
local function whole(raw)
  local kind = mtype(raw)
  if kind == "integer" then return raw end
  if kind == "float" then return tointeger(raw) or (raw % 1 == 0 and raw) or nil end
end

local function kind(defaults, check)
  return function(opts)
    opts = opts or {}
    for key, default in pairs(defaults) do
      if opts[key] == nil then opts[key] = default end
    end
    return { required = opts.required, default = opts.default, opts = opts, check = check }
  end
end

local function member(list, item)
  for i = 1, #list do
    if list[i] == item then return true end
  end
  return false
end

value.index = kind({}, function(report, name, raw)
  local n = whole(raw)
  if not n then return mismatch(report, name, raw, "a whole number") end
  if n >= 0 then return n end
  report:add("INVALID_INDEX", name, n)
end)

local integer = kind({ min = 0 }, function(report, name, raw, opts)
  local n = whole(raw)
  if not n then return mismatch(report, name, raw, "a whole number") end
  if opts.list then
    if opts.set[n] then return n end
    report:add("VALUE_NOT_IN_LIST", name, n, opts.list)
  elseif n < opts.min or (opts.max and n > opts.max) then
    report:add("VALUE_NOT_IN_RANGE", name, n)
  else
    return n
  end
end)

function value.integer(opts)
  if opts and opts.list then
    opts.set = {}
    for _, n in ipairs(opts.list) do opts.set[n] = true end
  end
  return integer(opts)
end

value.number = kind({ min = -huge, max = huge, above = -huge, below = huge },
  function(report, name, raw, opts)
    if type(raw) ~= "number" then return mismatch(report, name, raw, "a number") end
    if raw == opts.also or (raw >= opts.min and raw <= opts.max and raw > opts.above
      and raw < opts.below and raw < HUGE and raw > -HUGE) then
      return raw
    end
    report:add("VALUE_NOT_IN_RANGE", name, raw)
  end)

value.boolean = kind({}, function(report, name, raw)
  if type(raw) == "boolean" then return raw end
  mismatch(report, name, raw, "true or false")
end)

value.text = kind({}, function(report, name, raw, opts)
  if type(raw) ~= "string" then return mismatch(report, name, raw, "a text") end
  if (opts.pattern and not raw:find(opts.pattern)) or (opts.test and not opts.test(raw)) then
    report:add("PATTERN_MISMATCH", name, raw, opts.form)
    return nil
  end
  local list = opts.list
  if type(list) == "function" then list = list(report) end
  if list and not member(list, raw) then report:add("VALUE_NOT_IN_LIST", name, raw, list) end
  return raw
end)

--- A list of numbers; one of them that is wrong spoils it.
value.numbers = kind({ min = -huge, max = huge }, function(report, name, raw, opts)
  if not is_array(raw) then return mismatch(report, name, raw, "a list") end
  if #raw == 0 then return report:add("EMPTY_ENTITY", name) end
  if opts.length and #raw ~= opts.length then
    return report:add("ARRAY_LENGTH_NOT_IN_LIST", name, #raw, opts.length)
  end
  local good, min, max = true, opts.min, opts.max
  for i = 1, #raw do
    local n = raw[i]
    if type(n) ~= "number" then
      report:add("ARRAY_TYPE_MISMATCH", name, shown(n), "a number")
      good = false
    elseif not (n >= min and n <= max and n < HUGE and n > -HUGE) then
      report:push(name)
      report:add("VALUE_NOT_IN_RANGE", i - 1, n)
      report:pop()
      good = false
    end
  end
  return good and raw or nil
end)

--- A list of whole numbers of a component type (min and max of accessors).
function value.whole_numbers(report, name, raw, length, component)
  if not is_array(raw) then return mismatch(report, name, raw, "a list") end
  if #raw ~= length then
    return report:add("ARRAY_LENGTH_NOT_IN_LIST", name, #raw, length)
  end
  local good = true
  for i = 1, #raw do
    local n = whole(raw[i])
    if not n then
      report:add("ARRAY_TYPE_MISMATCH", name, shown(raw[i]), "a whole number")
      good = false
    elseif n < component.min or n > component.max then
      report:add("INVALID_GL_VALUE", name, n, component.name)
      good = false
    end
  end
  return good and raw or nil
end

--- A list of texts.
value.texts = kind({}, function(report, name, raw)
  if not is_array(raw) then return mismatch(report, name, raw, "a list") end
  if #raw == 0 then return report:add("EMPTY_ENTITY", name) end
  local good, seen = true, {}
  report:push(name)
  for i = 1, #raw do
    local item = raw[i]
    if type(item) ~= "string" then
      report:add("ARRAY_TYPE_MISMATCH", i - 1, shown(item), "a text")
      good = false
    elseif seen[item] then
      report:add("DUPLICATE_ELEMENTS", i - 1)
    end
    seen[item] = true
  end
  report:pop()
  return good and raw or nil
end)

--- A list of indices: those that are none become -1.
value.indices = kind({}, function(report, name, raw)
  if not is_array(raw) then return mismatch(report, name, raw, "a list") end
  if #raw == 0 then return report:add("EMPTY_ENTITY", name) end
  local list, seen = {}, {}
  report:push(name)
  for i = 1, #raw do
    local n = whole(raw[i])
    if n and n >= 0 then
      if seen[n] then report:add("DUPLICATE_ELEMENTS", i - 1) end
      seen[n], list[i] = true, n
    else
      report:add("INVALID_INDEX", i - 1, shown(raw[i]))
      list[i] = -1
    end
  end
  report:pop()
  return list
end)

--- The indices of an object's names; `each` looks at the names.
local function named_indices(report, raw, each)
  local map, names = {}, {}
  for name in next, raw do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    each(report, name)
    local n = whole(raw[name])
    if n and n >= 0 then
      map[name] = n
    else
      report:add("INVALID_INDEX", name, shown(raw[name]))
      map[name] = -1
    end
  end
  return { map = map, names = names }
end

value.attributes = kind({}, function(report, name, raw, opts)
  if not is_object(raw) then return mismatch(report, name, raw, "an object") end
  if next(raw) == nil then return report:add("EMPTY_ENTITY", name) end
  report:push(name)
  local map = named_indices(report, raw, opts.each)
  report:pop()
  return map
end)

value.targets = kind({}, function(report, name, raw, opts)
  if not is_array(raw) then return mismatch(report, name, raw, "a list") end
  if #raw == 0 then return report:add("EMPTY_ENTITY", name) end
  local good, list = true, {}
  report:push(name)
  for i = 1, #raw do
    local one = raw[i]
    if not is_object(one) then
      report:add("ARRAY_TYPE_MISMATCH", nil, shown(one), "an object")
      good = false
    elseif next(one) == nil then
      report:add("EMPTY_ENTITY", i - 1)
      good = false
    else
      report:push(i - 1)
      list[i] = named_indices(report, one, opts.each)
      report:pop()
    end
  end
  report:pop()
  return good and list or nil
end)

--- An object of its own shape.
function value.object(shape, opts)
  return {
    required = opts and opts.required,
    check = function(report, name, raw)
      if not is_object(raw) then return mismatch(report, name, raw, "an object") end
      report:push(name)
      local object = schema.read(report, shape, raw)
      report:pop()
      return object
    end,
  }
end

--- A list of objects; with one that is none there is no list.
function value.objects(shape, opts)
  return {
    required = not opts or opts.required ~= false,
    check = function(report, name, raw)
      if not is_array(raw) then return mismatch(report, name, raw, "a list") end
      if #raw == 0 then return report:add("EMPTY_ENTITY", name) end
      local good, list = true, {}
      for i = 1, #raw do
        if not is_object(raw[i]) then
          report:add("ARRAY_TYPE_MISMATCH", name, shown(raw[i]), "an object")
          good = false
        end
      end
      report:push(name)
      for i = 1, good and #raw or 0 do
        report:push(i - 1)
        list[i] = schema.read(report, shape, raw[i])
        report:pop()
      end
      report:pop()
      return good and list or nil
    end,
  }
end

--- A list at the root of the document: what is no object is false in it.
function value.collection(shape)
  return {
    check = function(report, name, raw)
      if not is_array(raw) then return mismatch(report, name, raw, "a list") end
      if #raw == 0 then return report:add("EMPTY_ENTITY", name) end
      local list = {}
      report:push(name)
      for i = 1, #raw do
        if is_object(raw[i]) then
          report:push(i - 1)
          list[i] = schema.read(report, shape, raw[i])
          report:pop()
        else
          mismatch(report, i - 1, raw[i], "an object")
          list[i] = false
        end
      end
      report:pop()
      return list
    end,
  }
end

return value
