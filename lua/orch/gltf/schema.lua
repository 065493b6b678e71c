--- Reads one object of a glTF by its shape: which properties it has, of which kinds; and its
--- extensions and extras, which every object may have.
---
---     local shape = schema.shape { kind = "scene", { "nodes", value.indices() } }
---     local scene = schema.read(report, shape, raw)
---
--- What comes back has the properties that are right, `raw` (what stood there), and `extensions`
--- (those that were understood, by name).

local document = require "orch.gltf.document"

local is_object = document.is_object
local null = require("orch.core.json").null

local schema = {}

---@class orch.gltf.Shape
---@field kind string what extensions call it
---@field known table<string, true> its properties
---@field loose? boolean its unexpected properties are reported elsewhere
---@field before? fun(report, object, raw)
---@field after? fun(report, object, raw) what holds between its properties
---@field finally? fun(report, object, raw) the same, once its extensions are read

---@param shape table a list of { name, kind }, and the other fields
---@return orch.gltf.Shape
function schema.shape(shape)
  shape.known = { extensions = true, extras = true }
  shape.names, shape.kinds, shape.absent = {}, {}, {}
  for i, field in ipairs(shape) do
    local name, kind = field[1], field[2]
    shape.known[name], shape.names[i], shape.kinds[i] = true, name, kind
    shape.absent[i] = kind.required or kind.default ~= nil
  end
  return shape
end

---Reports the properties that a shape does not have.
function schema.unexpected(report, shape, raw)
  local known, names = shape.known, nil
  for name in next, raw do
    if not known[name] then
      names = names or {}
      names[#names + 1] = name
    end
  end
  if not names then return end
  table.sort(names)
  for _, name in ipairs(names) do report:add("UNEXPECTED_PROPERTY", name) end
end

--- An extension that is understood, at an object where it belongs.
local function read_extension(report, shape, object, name, raw, count)
  local known = report.extensions[name]
  if not known then
    if not report.declared[name] then report:add("UNDECLARED_EXTENSION", name) end
    object.extensions[name] = { raw = raw, unknown = true }
    return
  end
  local inner = known[shape.kind]
  if not inner then return report:add("UNEXPECTED_EXTENSION_OBJECT", name) end
  if count > 1 and inner.alone then report:add("MULTIPLE_EXTENSIONS", name) end
  report:push(name)
  local extension = schema.read(report, inner, raw)
  object.extensions[name] = extension
  if inner.link then
    local list = report.links[shape.kind] or {}
    report.links[shape.kind] = list
    list[#list + 1] = { link = inner.link, extension = extension, object = object,
      path = report:here() }
  end
  report:pop()
end

local function read_extensions(report, shape, object, raw)
  if not is_object(raw) then
    return report:add("TYPE_MISMATCH", "extensions", "something else", "an object")
  end
  object.extensions = {}
  local names = {}
  for name in next, raw do names[#names + 1] = name end
  table.sort(names)
  report:push "extensions"
  for _, name in ipairs(names) do
    local inner = raw[name]
    if not is_object(inner) then
      report:add("TYPE_MISMATCH", name, inner == null and "null" or "something else",
        "an object")
      inner = {}
    end
    read_extension(report, shape, object, name, inner, #names)
  end
  report:pop()
end

local NONE = {}

---One property: `object[name]` is what it has, if that is right.
local function property(report, object, raw, name, kind)
  local item = raw[name]
  if item == null then
    report:add("TYPE_MISMATCH", name, "null", "a value")
    item = nil
  end
  if item ~= nil then
    object[name] = kind.check(report, name, item, kind.opts, object)
  elseif kind.required then
    report:add("UNDEFINED_PROPERTY", nil, name)
  else
    object[name] = kind.default
  end
end
schema.property = property

---@param report orch.gltf.Report
---@param shape orch.gltf.Shape
---@param raw table an object
---@return table object
function schema.read(report, shape, raw)
  local object = { raw = raw, extensions = NONE }
  if not shape.loose then schema.unexpected(report, shape, raw) end
  if shape.before then shape.before(report, object, raw) end
  local names, kinds, absent = shape.names, shape.kinds, shape.absent
  for i = 1, #names do
    local name = names[i]
    local item = raw[name]
    if item ~= nil and item ~= null then
      local kind = kinds[i]
      object[name] = kind.check(report, name, item, kind.opts, object)
    elseif item ~= nil or absent[i] then
      property(report, object, raw, name, kinds[i])
    end
  end
  if shape.after then shape.after(report, object, raw) end
  if raw.extensions ~= nil then read_extensions(report, shape, object, raw.extensions) end
  local extras = raw.extras
  if extras ~= nil and extras ~= null and not is_object(extras) then
    report:add("NON_OBJECT_EXTRAS", "extras")
  end
  if shape.finally then shape.finally(report, object, raw) end
  return object
end

return schema
