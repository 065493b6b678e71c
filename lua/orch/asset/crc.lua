--- The checksum of PNG's chunks (CRC-32). In Lua a byte takes some ten nanoseconds: for
--- headers, not for pixels.
---
---     crc.of("IEND") == 0xAE426082

local byte = string.byte

local crc = {}

local steps = {}
for n = 0, 255 do
  local value = n
  for _ = 1, 8 do
    value = value & 1 == 1 and value >> 1 ~ 0xEDB88320 or value >> 1
  end
  steps[n] = value
end

---@param text string
---@param first? integer default 1
---@param last? integer default its end
---@return integer checksum
function crc.of(text, first, last)
  local value, map = 0xFFFFFFFF, steps
  for i = first or 1, last or #text do
    value = map[(value ~ byte(text, i)) & 0xFF] ~ value >> 8
  end
  return value ~ 0xFFFFFFFF
end

return crc
