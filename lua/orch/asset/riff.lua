--- Files made of chunks: four letters, a size, that many bytes. RIFF and IFF.
---
---     for chunk in riff.chunks(source, 12, "<") do print(chunk.id, chunk.at, chunk.size) end

local riff = {}

--- No sound has so many; a file of zeros would have millions.
local MOST = 2000

---@class orch.asset.Chunk
---@field id string four bytes
---@field at integer offset of its content
---@field size integer bytes as it says, which may be more than there are

---The chunks from an offset on; a header that is cut off ends them.
---@param source orch.asset.Source
---@param offset integer
---@param order "<"|">"
---@param sizes? table<string, integer> of chunks that do not fit in 32 bits
---@return fun(): orch.asset.Chunk?
function riff.chunks(source, offset, order, sizes)
  local format, n = order .. "c4I4", 0
  return function()
    n = n + 1
    if n > MOST or not source:has(offset, 8) then return nil end
    local id, size = source:unpack(format, offset)
    if size == 0xFFFFFFFF and sizes and sizes[id] then size = sizes[id] end
    local chunk = { id = id, at = offset + 8, size = size }
    offset = offset + 8 + size + (size & 1)
    return chunk
  end
end

return riff
