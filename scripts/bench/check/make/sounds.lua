--- Sounds for the benchmark: WAV of a tone, OGG from a real file with an identity of its own.
---
---     local bytes = sounds.wav { rate = 48000, channels = 2, bits = 16, seconds = 1.5 }

local pack, rep = string.pack, string.rep

local sounds = {}

--- A tone of 100 periods a second, so that a period is whole at every usual rate.
local function period(rate, channels, bits, loud)
  local parts, n = {}, rate // 100
  local most = (1 << bits - 1) - 1
  for i = 0, n - 1 do
    local level = math.floor(math.sin(2 * math.pi * i / n) * most * loud + 0.5)
    local format = "<i" .. bits // 8
    parts[#parts + 1] = rep(pack(format, level), channels)
  end
  return table.concat(parts)
end

local periods = {}

---@param opts {rate: integer, channels: integer, bits: integer, seconds: number, loud: number?}
---@return string bytes
function sounds.wav(opts)
  local key = table.concat({ opts.rate, opts.channels, opts.bits, opts.loud or 0.5 }, " ")
  periods[key] = periods[key] or period(opts.rate, opts.channels, opts.bits, opts.loud or 0.5)
  local data = rep(periods[key], math.max(1, math.floor(opts.seconds * 100)))
  local frame = opts.channels * opts.bits // 8
  return "RIFF" .. pack("<I4", 36 + #data) .. "WAVEfmt " .. pack("<I4I2I2I4I4I2I2", 16, 1,
    opts.channels, opts.rate, opts.rate * frame, frame, opts.bits) .. "data"
    .. pack("<s4", data)
end

local steps = {}
for n = 0, 255 do
  local value = n << 24
  for _ = 1, 8 do
    value = (value << 1 ~ (value & 0x80000000 ~= 0 and 0x04C11DB7 or 0)) & 0xFFFFFFFF
  end
  steps[n] = value
end

local function crc(text)
  local value = 0
  for i = 1, #text do
    value = (value << 8 & 0xFFFFFFFF) ~ steps[value >> 24 ~ text:byte(i)]
  end
  return value
end

---The same sound under another serial number: another file, and a valid one.
---@param template string the bytes of an OGG file
---@param serial integer
---@return string bytes
function sounds.ogg(template, serial)
  local pages, at = {}, 1
  while at <= #template do
    local segments = template:byte(at + 26)
    local size = 27 + segments
    for i = 0, segments - 1 do size = size + template:byte(at + 27 + i) end
    local page = template:sub(at, at + 13) .. pack("<I4", serial)
      .. template:sub(at + 18, at + 21) .. "\0\0\0\0" .. template:sub(at + 26, at + size - 1)
    pages[#pages + 1] = page:sub(1, 22) .. pack("<I4", crc(page)) .. page:sub(27)
    at = at + size
  end
  return table.concat(pages)
end

return sounds
