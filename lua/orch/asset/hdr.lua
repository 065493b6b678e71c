--- Radiance HDR: lines of text in front of the pixels. 8 bits per channel and a common
--- exponent: `bits` is 32, as what they stand for are floats.

local find, match, sub = string.find, string.match, string.sub

--- Real headers have some hundred bytes.
local LONGEST = 64 << 10

local formats = { ["32-bit_rle_rgbe"] = true, ["32-bit_rle_xyze"] = true }

local function read_lines(source, text)
  local at, info = 1, {}
  while true do
    local stop = find(text, "\n", at, true)
    if not stop then source:fail_at(at - 1, "its header has no end") end
    local line = match(sub(text, at, stop - 1), "^(.-)\r?$")
    at = stop + 1
    if line == "" then return info, at end
    local format = match(line, "^FORMAT=%s*(%S*)")
    if format and not formats[format] then
      source:fail_at(at, "its pixels have an unknown format")
    end
    local gamma = tonumber((match(line, "^GAMMA=%s*(%S+)")))
    if gamma and gamma > 0 and gamma < 1000 then info.gamma = gamma end
  end
end

--- Rows or columns first, each from one end or from the other.
local function read_size(source, text, at)
  local line = match(text, "^([^\n]*)\n", at)
  if not line then source:fail_at(at - 1, "it ends before its size") end
  local first, one, second, other = match(line, "^[-+]([XY])%s+(%d+)%s+[-+]([XY])%s+(%d+)%s*$")
  if not first or first == second then
    source:fail_at(at - 1, "its size should be as -Y 1024 +X 2048")
  end
  one, other = math.tointeger(tonumber(one)), math.tointeger(tonumber(other))
  if first == "Y" then one, other = other, one end
  if not one or not other or one < 1 or other < 1 or one >= 1 << 31 or other >= 1 << 31 then
    source:fail_at(at - 1, "it is %s x %s pixels large", one or "?", other or "?")
  end
  return one, other, at + #line
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local text = source.head
    local whole = find(text, "\n\r?\n[-+][XY][^\n]*\n")
    if not whole then text = source:bytes(0, math.min(source.size, LONGEST)) end
    local info, at = read_lines(source, text)
    info.width, info.height, at = read_size(source, text, at)
    if not source:has(at, 4) then source:fail_at(at, "it is cut off before its pixels") end
    info.channels, info.bits, info.alpha, info.frames = 3, 32, false, 1
    info.palette, info.interlaced = false, false
    info.colorspace, info.compression = "linear", "rle"
    return info
  end,
}
