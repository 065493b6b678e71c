--- Binary FBX: records with the offset of their end, so that whatever nobody asks for costs
--- nothing. Arrays may be compressed; they are unpacked in pieces.
---
---     binary(file, 7400, scene)        -- tells the scene of the nodes it wants

local arrays = require "orch.asset.fbx.arrays"

local unpack = string.unpack

--- Bytes of a text that are kept: no name or path is longer.
local LONGEST = 4096
--- Values of a node that are kept: the numbers of a property come last, and are at most four.
local MOST = 8

--- Code of a scalar -> its size and how it is unpacked.
local scalars = { C = { 1, "B" }, B = { 1, "B" }, Y = { 2, "<i2" }, I = { 4, "<i4" },
  L = { 8, "<i8" }, F = { 4, "<f" }, D = { 8, "<d" } }

--- A text, or how many bytes there are of raw data.
local function text(file, code, at, stop)
  local length = file:unpack("<I4", at)
  if length > stop - at - 4 then file:fail_at(at, "a text in it is longer than its node") end
  if code == "R" then return length, at + 4 + length end
  return file:bytes(at + 4, math.min(length, LONGEST)), at + 4 + length
end

local function array(context, code, at, stop, sink)
  local file = context.file
  if stop - at < 12 then file:fail_at(at, "an array in it is longer than its node") end
  local count, encoding, length = file:unpack("<I4I4I4", at)
  if length > stop - at - 12 then
    file:fail_at(at, "an array in it is longer than its node")
  end
  if sink then
    arrays.read(context, code, { count = count, packed = encoding, at = at + 12,
      length = length }, sink)
  end
  return at + 12 + length
end

--- The values of a record up to `stop`; numbers of arrays go to `sink`, if there is one.
local function values(context, at, stop, count, sink)
  local file, list = context.file, {}
  for i = 1, count do
    if at >= stop then file:fail_at(at, "a node in it ends before its values") end
    local code = file:bytes(at, 1)
    local scalar = scalars[code]
    local value
    if scalar then
      if at + 1 + scalar[1] > stop then
        file:fail_at(at, "a node in it ends before its values")
      end
      if i <= MOST then value = unpack(scalar[2], file:bytes(at + 1, scalar[1])) end
      at = at + 1 + scalar[1]
    elseif code == "S" or code == "R" then
      if stop - at < 5 then file:fail_at(at, "a node in it ends before its values") end
      value, at = text(file, code, at + 1, stop)
    elseif arrays.sizes[code] then
      at = array(context, code, at + 1, stop, sink)
    else
      file:fail_at(at, "a value in it has the unknown type 0x%02X", code:byte())
    end
    if i <= MOST then list[i] = value end
  end
  return list
end

--- Version 6 writes arrays as so many single values.
local function single_values(context, at, stop, count, sink)
  local file, code = context.file, context.file:bytes(at, 1)
  local scalar = scalars[code]
  if not scalar then return values(context, at, stop, count, sink) end
  local size = scalar[1] + 1
  if count * size ~= stop - at then
    file:fail_at(at, "an array in it has values of several types")
  end
  arrays.spaced(context, scalar[2], size, at, stop, sink)
  return {}
end

local children

--- One record; gives its end, or nil for the one that closes a list.
local function node(context, wanted, at, limit)
  local file = context.file
  local stop, count, length, name_length = file:unpack(context.header, at)
  local body = at + context.header_size
  if stop == 0 then return nil end
  if stop < 0 or stop > limit or stop < body + name_length then
    file:fail_at(at, "a node in it ends at %d, which is not behind it or too far", stop)
  end
  local spec = wanted[name_length > 0 and file:bytes(body, name_length) or ""]
  if not spec then return stop end
  body = body + name_length
  if count < 0 or length < 0 or length > stop - body then
    file:fail_at(at, "the values of a node in it go beyond its end")
  end
  local sink = spec.array and spec.array(context.scene)
  local list = count == 0 and {} or
    (sink and single_values or values)(context, body, body + length, count, sink)
  if not spec.open or spec.open(context.scene, list) ~= false then
    if spec.children then children(context, spec.children, body + length, stop) end
    if spec.close then spec.close(context.scene) end
  end
  return stop
end

function children(context, wanted, at, limit)
  while at < limit do
    if at + context.header_size > limit then
      context.file:fail_at(at, "a node in it is cut off")
    end
    local stop = node(context, wanted, at, limit)
    if not stop then return true end
    at = stop
  end
end

---Reads the nodes of a file that the scene wants.
---@async
---@param file orch.asset.Source
---@param version integer such as 7400
---@param scene table of `fbx.scene`
return function(file, version, scene)
  local large = version >= 7500
  local context = { file = file, scene = scene, header = large and "<i8i8i8B" or "<I4I4I4B",
    header_size = large and 25 or 13 }
  scene:set_version(version)
  if not children(context, scene.wanted, 27, file.size) then
    file:fail_at(file.size, "it ends without its last node")
  end
end
