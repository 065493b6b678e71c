--- Iterators over the pieces of a stream: cut to size, at characters, into items.

local checkpoint = require("orch.core.task").checkpoint
local unfinished = require("orch.http.lines").unfinished

local pieces = {}

---Pieces that end with a whole character.
---@param read async fun(): string?
---@return async fun(): string?
function pieces.whole_characters(read)
  local rest = ""
  return function()
    while rest do
      local chunk = read()
      if not chunk then
        local last = rest
        rest = nil
        return last ~= "" and last or nil
      end
      chunk = rest .. chunk
      local cut = unfinished(chunk)
      rest = cut > 0 and chunk:sub(-cut) or ""
      if cut < #chunk then return chunk:sub(1, #chunk - cut) end
    end
  end
end

---Pieces of one size; the last is shorter.
---@param read async fun(): string?
---@param size integer bytes
---@return async fun(): string?
function pieces.equal(read, size)
  local text, at, at_end = "", 1, false -- from `at` on it is still to be given

  local function refill()
    local parts, have = { text:sub(at) }, #text - at + 1
    while have < size and not at_end do
      local chunk = read()
      at_end = chunk == nil
      parts[#parts + 1] = chunk
      have = have + (chunk and #chunk or 0)
    end
    text, at = table.concat(parts), 1
  end

  return function()
    if #text - at + 1 < size and not at_end then refill() end
    if at > #text then return nil end
    local piece = text:sub(at, at + size - 1)
    at = at + size
    return piece
  end
end

---Items out of pieces.
---@param read async fun(): string?
---@param feed fun(chunk: string): any[] those that are whole; raises when it keeps too much
---@param rest fun(): any[] what is left at the end
---@return async fun(): any
function pieces.items(read, feed, rest)
  local list, i, at_end = {}, 0, false
  return function()
    while true do
      i = i + 1
      local item = list[i]
      if item ~= nil then
        if i > 1 then checkpoint() end
        return item
      end
      if at_end then return nil end
      local chunk = read()
      if chunk then
        list, i = feed(chunk), 0
      else
        at_end = true
        list, i = rest(), 0
      end
    end
  end
end

return pieces
