--- What an ETag says of an object: the MD5 of its bytes, or, of one that came in parts, the MD5
--- of the MD5s of these and their number. Encrypted objects and some services have others; then
--- there is nothing to compare, and that is what is said.

local core = require "orch.core.hash"

local etag = {}

local MIB <const> = 1 << 20
etag.LEAST_PART = 5 * MIB
etag.MOST_PART = 5 << 30
etag.MOST_PARTS = 10000

---@param text string?
---@return string
function etag.clean(text)
  return ((text or ""):gsub("^W/", ""):gsub('^"(.*)"$', "%1"):lower())
end

local function raw(digits)
  return (digits:gsub("..", function(c) return string.char(tonumber(c, 16)) end))
end

---For the header Content-MD5.
---@param digits string
---@return string
function etag.base64(digits)
  return core.base64(raw(digits))
end

---Of an object that came in parts.
---@param list string[] the MD5s of the parts, in digits
---@return string
function etag.of_parts(list)
  local bytes = {}
  for i, digits in ipairs(list) do bytes[i] = raw(digits) end
  return ("%s-%d"):format(core.digest("md5", table.concat(bytes)), #list)
end

---Whether it is one that can be compared, and of how many parts.
---@return boolean
---@return integer? parts nil: it came in one piece
function etag.is_md5(text)
  if text:find "^%x+$" and #text == 32 then return true end
  local digits, parts = text:match "^(%x+)%-(%d+)$"
  if not digits or #digits ~= 32 then return false end
  return true, math.tointeger(tonumber(parts))
end

---The size of the parts of a file: that which is wanted, or more where there would be too many.
---@param size integer
---@param wanted integer
---@return integer
function etag.part_size(size, wanted)
  local least = (size + etag.MOST_PARTS - 1) // etag.MOST_PARTS
  if wanted >= least then return wanted end
  return (least + MIB - 1) // MIB * MIB
end

---The parts of a file.
---@return {number: integer, offset: integer, length: integer}[]
function etag.parts(size, part_size)
  local list = {}
  for offset = 0, size - 1, part_size do
    list[#list + 1] = { number = #list + 1, offset = offset,
      length = math.min(part_size, size - offset) }
  end
  return list
end

---The MD5 of a part of a file.
---@async
function etag.of_part(path, part)
  return core.file("md5", path, part.offset, part.length)
end

--- Parts as other programs make them: aws, mc, rclone, s3cmd.
local usual = { 8 * MIB, 16 * MIB, 5 * MIB, 15 * MIB, 64 * MIB, 10 * MIB, 32 * MIB, 128 * MIB }

local function came_in_parts(file, count, wanted, part_size)
  if (file.size + part_size - 1) // part_size ~= count then return false end
  local list = {}
  for i, part in ipairs(etag.parts(file.size, part_size)) do
    list[i] = etag.of_part(file.path, part)
  end
  return etag.of_parts(list) == wanted
end

---Whether an object is this file, as far as size and ETag say.
---@async
---@param file {path: string, size: integer}
---@param object {size: integer, etag: string}
---@param part_size integer ours
---@return boolean same false where it is not known
function etag.same(file, object, part_size)
  if file.size ~= object.size then return false end
  local known, count = etag.is_md5(object.etag)
  if not known then return false end
  if not count then
    file.md5 = file.md5 or core.file("md5", file.path)
    return file.md5 == object.etag
  end
  if came_in_parts(file, count, object.etag, part_size) then return true end
  for _, one in ipairs(usual) do
    if one ~= part_size and came_in_parts(file, count, object.etag, one) then return true end
  end
  return false
end

return etag
