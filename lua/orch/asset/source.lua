--- A file as a reader sees it: bytes by offset, checked against its end. What is asked for is
--- read in windows; the first 4 KiB, which hold most headers, are one read.
---
---     local source = source.open "Assets/rock.png"
---     local width, height = source:unpack(">I4I4", 16)

local arg = require "orch.arg"
local errors = require "orch.core.error"
local kind = require "orch.asset.kind"
local part = require "orch.core.part"
local place = require "orch.place"

local match, packsize, sub, unpack = string.match, string.packsize, string.sub, string.unpack
local max, min = math.max, math.min

local HEAD = 4 << 10
local WINDOW = 64 << 10
local PIECE = 64 << 10
--- No header needs more at once; what claims to is broken, or wants `pieces`.
local MOST = 64 << 20

---@class orch.asset.Source
---@field path string as it was given
---@field name string
---@field size integer bytes
---@field head string its first bytes, at most 4 KiB
---@field format string? what it is read as, once that is known
---@field others string[]? paths of files that were opened with it
---@field private full string
---@field private window string
---@field private window_at integer
local Source = {}
Source.__index = Source

local sizes = setmetatable({}, { __index = function(known, format)
  local n = packsize(format)
  known[format] = n
  return n
end })

---Raises kind `format`: what is wrong with the file, in words that complete "it ...".
---@param text string a format string
---@param ... any its values
function Source:fail(text, ...)
  self:fail_at(nil, text, ...)
end

---The same, at a place.
---@param offset integer? bytes from the beginning
---@param text string
---@param ... any
function Source:fail_at(offset, text, ...)
  local detail = select("#", ...) > 0 and text:format(...) or text
  local what = self.format and "is not a valid " .. kind.title(self.format) or "cannot be read"
  errors.throw(errors.make { kind = "format", path = self.path, offset = offset,
    message = ("'%s' %s: %s"):format(self.path, what, detail) })
end

local function too_short(self, offset, n)
  if n < 0 or offset < 0 then
    self:fail_at(nil, "a size or an offset in it is negative")
  end
  self:fail_at(self.size, "it ends after %d bytes, but %d are needed at offset %d", self.size,
    n, offset)
end

--- Makes a window that has the bytes; the head is one that stays.
local function load(self, offset, n)
  if n > MOST then
    self:fail_at(offset, "%d bytes at offset %d are more than a header has", n, offset)
  end
  local data = part.read(self.full, offset, max(n, min(WINDOW, self.size - offset)))
  if #data < n then self:fail "it became shorter while it was read" end
  self.window, self.window_at = data, offset
  return data
end

---Exactly `n` bytes.
---@async
---@param offset integer from 0
---@param n integer
---@return string bytes raises kind `format` where the file is shorter
function Source:bytes(offset, n)
  local head = self.head
  if offset >= 0 and n >= 0 and offset <= #head - n then
    return sub(head, offset + 1, offset + n)
  end
  if offset < 0 or n < 0 or n > self.size - offset then too_short(self, offset, n) end
  local window, at = self.window, offset - self.window_at
  if at < 0 or at + n > #window then window, at = load(self, offset, n), 0 end
  if n == #window then return window end
  return sub(window, at + 1, at + n)
end

---What `string.unpack` gives for a format of fixed size.
---@async
---@param format string such as ">I4I2"
---@param offset integer from 0
---@return any ... the values (behind them, as with string.unpack, a position: of no use here)
function Source:unpack(format, offset)
  local n, head = sizes[format], self.head
  if offset >= 0 and offset <= #head - n then return unpack(format, head, offset + 1) end
  return unpack(format, self:bytes(offset, n))
end

---Whether the file has so many bytes there.
---@param offset integer
---@param n integer
---@return boolean
function Source:has(offset, n)
  return offset >= 0 and n >= 0 and n <= self.size - offset
end

---The whole content, for formats that are text.
---@async
---@param limit? number|string bytes; default 64M
---@return string content raises kind `format` for a larger file
function Source:all(limit)
  limit = limit and arg.check("source:all", 1, limit, "size") or MOST
  if self.size <= #self.head then return self.head end
  if self.size > limit then
    self:fail("it has %d bytes; more than %d are not read at once", self.size, limit)
  end
  return (part.read(self.full, 0, self.size))
end

---The content in pieces of 64 KiB, in constant memory; each is a checkpoint.
---@param offset? integer where to begin; default 0
---@return async fun(): string?, integer? next_piece with its offset
function Source:pieces(offset)
  offset = offset or 0
  return function()
    if offset >= self.size then return nil end
    local at, data = offset, part.read(self.full, offset, PIECE)
    if data == "" then return nil end
    offset = at + #data
    return data, at
  end
end

local source = {}

---Opens another file that belongs to this one, such as a model's library of materials: what
---is known of this file holds for as long as that one stays as it is.
---@async
---@param path orch.Path
---@return orch.asset.Source other raises kind `os`
function Source:open(path)
  self.others = self.others or {}
  table.insert(self.others, path)
  return source.open(path)
end

---Opens a file: its head is read.
---@async
---@param path orch.Path
---@return orch.asset.Source source raises kind `os`
function source.open(path)
  local full = place.resolve(path)
  local head, size = part.read(full, 0, HEAD)
  local name = match(path, "^.*/(.*)$") or path
  return setmetatable({ path = path, full = full, name = name, size = size,
    head = head, window = "", window_at = 0 }, Source)
end

return source
