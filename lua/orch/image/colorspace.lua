--- What a PNG says about its colours, apart from the pixels: `strip` takes it out, `carry`
--- takes it along. No pixel is decoded.
---
---     orch.image.strip_colorspace "Assets/T_Rock_N.png"

local arg = require "orch.arg"
local errors = require "orch.core.error"
local fs = require "orch.fs"

local colorspace = {}

local SIGNATURE = "\137PNG\r\n\26\n"
local saying = { sRGB = true, gAMA = true, cHRM = true, iCCP = true, cICP = true }

local function fail(path, text, ...)
  errors.throw(errors.make { kind = "format", path = path,
    message = ("'%s' is not a valid PNG: "):format(path) .. text:format(...) })
end

--- The chunks of a PNG, as the bytes that they are: an iterator of type, first, last.
local function chunks(path, data)
  local at = #SIGNATURE + 1
  return function()
    if at > #data then return nil end
    if at + 11 > #data then fail(path, "it ends within a chunk") end
    local size, kind = (">I4c4"):unpack(data, at)
    local first, last = at, at + size + 11
    if last > #data then fail(path, "its chunk %q ends after the file", kind) end
    at = last + 1
    return kind, first, last
  end
end

local function check(path, data)
  if data:sub(1, 8) ~= SIGNATURE then
    errors.throw(errors.make { kind = "format", path = path,
      message = ("'%s' is no PNG; only of a PNG can orch take away what it says about colours")
        :format(path) })
  end
end

---Takes out of a PNG what it says about its colour space (the chunks sRGB, gAMA, cHRM, iCCP
---and cICP). Everything else stays as it is, byte for byte, and a PNG that says nothing is not
---written at all.
---@async
---@param path orch.Path
---@return string[] removed the names of the chunks; raises kinds `format` and `os`
function colorspace.strip(path)
  arg.check("image.strip_colorspace", 1, path, "path")
  local data = fs.read(path)
  check(path, data)
  local kept, removed, from = {}, {}, 1
  for kind, first, last in chunks(path, data) do
    if saying[kind] then
      kept[#kept + 1] = data:sub(from, first - 1)
      removed[#removed + 1] = kind
      from = last + 1
    end
    if kind == "IEND" then break end
  end
  if #removed > 0 then
    kept[#kept + 1] = data:sub(from)
    fs.write(path, table.concat(kept))
  end
  return removed
end

--- Where pixels begin; what says something about colours stands before.
local function read_chunks(path)
  local data = fs.read(path)
  check(path, data)
  local found = {}
  for kind, first, last in chunks(path, data) do
    if kind == "IDAT" or kind == "IEND" then break end
    if saying[kind] then found[#found + 1] = data:sub(first, last) end
  end
  return table.concat(found)
end

---For the library: a new PNG with what an older one says about colours.
---@async
---@param path orch.Path the older one
---@param bytes string the new one
---@return string bytes
function colorspace.carry(path, bytes)
  local said = read_chunks(path)
  local head = #SIGNATURE + 25 -- with IHDR
  return said == "" and bytes or bytes:sub(1, head) .. said .. bytes:sub(head + 1)
end

return colorspace
