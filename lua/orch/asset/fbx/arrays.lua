--- Arrays of numbers in binary FBX, plain or compressed, given to a function batch by batch:
--- neither the packed bytes nor the numbers are ever in memory all at once.
---
---     arrays.read(context, "d", { count = 24, packed = 1, at = 900, length = 61 }, sink)

local core = require "orch.core.task"
local errors = require "orch.error"

local unpack = string.unpack

local arrays = {}

--- Code -> bytes of a value.
arrays.sizes = { f = 4, d = 8, l = 8, i = 4, b = 1, c = 1 }

local formats = { f = "f", d = "d", l = "i8", i = "i4", b = "B", c = "B" }

--- Values of a batch: few enough for Lua's stack, whole triples, whole pairs.
local BATCH = 240
--- Compressed bytes that are looked at, and unpacked ones that are made, in one go.
local PIECE, OUTPUT = 60 << 10, 240 << 10
--- Unpacked bytes of all arrays of a file: so much, and so many times its size. What has
--- more was made to keep somebody busy.
local ALWAYS, RATIO = 64 << 20, 64

--- Gives whole batches of `text` to the sink; what is left over comes back.
local function give(text, size, format, sink)
  local stride = BATCH * size
  local batch = "<" .. format:rep(BATCH)
  local at, last = 1, #text - stride + 1
  while at <= last do
    local list = { unpack(batch, text, at) }
    list[BATCH + 1] = nil -- the position
    sink(list, BATCH)
    at = at + stride
  end
  return text:sub(at)
end

local function give_rest(text, size, format, sink)
  local n = #text // size
  if n == 0 then return end
  local list = { unpack("<" .. format:rep(n), text) }
  list[n + 1] = nil
  sink(list, n)
end

local function read_plain(context, bytes, at, size, format, sink)
  local rest = ""
  while bytes > 0 do
    local n = math.min(bytes, PIECE)
    rest = give(rest .. context.file:bytes(at, n), size, format, sink)
    at, bytes = at + n, bytes - n
  end
  give_rest(rest, size, format, sink)
end

--- Pieces of what the compressed bytes hold. An unpacked piece is a checkpoint.
local function unpacked(context, array)
  local stream = require "orch.core.inflate".new()
  local at, left, file = array.at, array.length, context.file
  return function()
    while true do
      local ok, piece = errors.try(stream.take, stream, OUTPUT)
      if not ok then file:fail_at(array.at, "%s", piece.message) end
      if piece ~= "" then
        if piece then core.checkpoint() end
        return piece
      end
      if left == 0 then file:fail_at(at, "a compressed array in it is cut off") end
      local n = math.min(left, PIECE)
      stream:feed(file:bytes(at, n))
      at, left = at + n, left - n
    end
  end, stream
end

local function read_packed(context, array, bytes, size, format, sink)
  local rest, next_piece, stream = "", unpacked(context, array)
  local _ <close> = stream
  for piece in next_piece do
    bytes = bytes - #piece
    if bytes < 0 then break end
    rest = give(rest .. piece, size, format, sink)
  end
  if bytes ~= 0 then
    context.file:fail_at(array.at, "a compressed array in it has another size than it says")
  end
  give_rest(rest, size, format, sink)
end

local function take_budget(context, bytes, at)
  local file = context.file
  context.budget = (context.budget or ALWAYS + RATIO * file.size) - bytes
  if context.budget < 0 then
    file:fail_at(at, "its arrays unpack to more than %d bytes", ALWAYS + RATIO * file.size)
  end
end

---The numbers of an array.
---@async
---@param context {file: orch.asset.Source, budget: integer?}
---@param code "f"|"d"|"l"|"i"|"b"|"c"
---@param array {count: integer, packed: integer, at: integer, length: integer}
---@param sink fun(list: number[], n: integer)
function arrays.read(context, code, array, sink)
  local size, format = arrays.sizes[code], formats[code]
  local bytes = array.count * size
  if array.packed > 1 then
    context.file:fail_at(array.at, "an array in it has the unknown encoding %d", array.packed)
  end
  if array.packed == 0 and bytes ~= array.length then
    context.file:fail_at(array.at, "an array in it has another size than it says")
  end
  take_budget(context, bytes, array.at)
  if array.packed == 0 then return read_plain(context, bytes, array.at, size, format, sink) end
  read_packed(context, array, bytes, size, format, sink)
end

---The numbers between `at` and `stop` that have a byte with their type in front of each.
---@async
---@param context table
---@param format string of `string.unpack`, for one
---@param size integer bytes of one, the type included
---@param at integer
---@param stop integer
---@param sink fun(list: number[], n: integer)
function arrays.spaced(context, format, size, at, stop, sink)
  local file, code = context.file, context.file:bytes(at, 1)
  format = "c1" .. format:gsub("<", "")
  while at < stop do
    local n = math.min(BATCH // 2, (stop - at) // size)
    local both = { unpack("<" .. format:rep(n), file:bytes(at, n * size)) }
    local list = {}
    for i = 1, n do
      if both[2 * i - 1] ~= code then
        file:fail_at(at, "an array in it has values of several types")
      end
      list[i] = both[2 * i]
    end
    sink(list, n)
    at = at + n * size
  end
end

return arrays
