--- ICC profiles, as pictures carry them: only what they are called.
---
---     icc.apply(info, bytes)        -- info.icc = "Display P3"; info.colorspace = "icc"

local find, sub, unpack = string.find, string.sub, string.unpack
local tag = require "orch.asset.tag"

local icc = {}

--- A real profile has about twenty.
local MOST_TAGS = 100

local function text_at(data, at)
  local kind = sub(data, at, at + 3)
  if kind == "desc" and at + 11 <= #data then
    return tag.text(sub(data, at + 12, at + 11 + unpack(">I4", data, at + 8)))
  elseif kind == "mluc" and at + 27 <= #data then
    local length, offset = unpack(">I4I4", data, at + 20)
    return tag.utf16(sub(data, at + offset, at + offset + length - 1), ">")
  end
end

---What a profile is called.
---@param data string the profile, or its beginning
---@return string? name UTF-8; nil when it is not in there
function icc.name(data)
  if #data < 132 or sub(data, 37, 40) ~= "acsp" then return nil end
  local count = unpack(">I4", data, 129)
  for i = 0, (count < MOST_TAGS and count or MOST_TAGS) - 1 do
    local at = 133 + i * 12
    if at + 11 > #data then return nil end
    if sub(data, at, at + 3) == "desc" then
      local name = text_at(data, unpack(">I4", data, at + 4) + 1)
      return name ~= "" and name or nil
    end
  end
end

--- Programs write the profile of sRGB where one byte would do, under names of their own ("GIMP
--- built-in sRGB"; scRGB and e-sRGB are others). "-g10" has a gamma of 1, "c2" is a tiny sRGB.
local function colorspace(name)
  name = name:lower()
  if find(name, "linear", 1, true) or find(name, "-g10", 1, true) then return "linear" end
  if find((name:gsub("e%-srgb", "")), "%f[%w]srgb%f[%W]") or name == "c2" or name == "uc2" then
    return "srgb"
  end
  return "icc"
end

---Notes a profile in an image's info.
---@param info table
---@param data? string the profile, or its beginning
---@param name? string what it is called, where the file itself says so
function icc.apply(info, data, name)
  info.icc = data and icc.name(data) or name and tag.text(name) or "unnamed"
  info.colorspace = colorspace(info.icc)
end

return icc
