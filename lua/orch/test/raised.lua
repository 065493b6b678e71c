-- Whether a raised value is the one that a test expected, and what it is instead.
--
--   raised.fits(err, { kind = "os", code = "ENOENT" })

local diff = require "orch.test.diff"
local show = require "orch.test.show"

local raised = {}

local function fits_text(err, wanted)
  if type(err) == "table" and err.kind == wanted then return true end
  local text = tostring(err)
  if text:find(wanted, 1, true) then return true end
  local ok, found = pcall(string.find, text, wanted)
  return ok and found ~= nil
end

-- `message` is a pattern or a part of it; every other field is compared.
local function fits_fields(err, wanted)
  if type(err) ~= "table" then return false end
  for key, value in pairs(wanted) do
    local got = err[key]
    if key == "message" and type(got) == "string" then
      if not fits_text(got, value) then return false end
    elseif not diff.equal(value, got) then
      return false
    end
  end
  return true
end

---@param err any what was raised
---@param wanted? string|table a kind or a pattern; fields; nil: anything
---@return boolean
function raised.fits(err, wanted)
  if wanted == nil then return true end
  if type(wanted) == "table" then
    return rawequal(err, wanted) or fits_fields(err, wanted)
  end
  return fits_text(err, wanted)
end

-- What a raised value is, with the fields that were asked for.
---@param err any
---@param wanted? string|table
---@return string
function raised.describe(err, wanted)
  if type(err) ~= "table" then return show(err) end
  local out = {}
  if err.kind then out[1] = "kind " .. show(err.kind) end
  if type(wanted) == "table" then
    for _, key in ipairs(show.sorted_keys(wanted)) do
      if key ~= "kind" and key ~= "message" then
        out[#out + 1] = tostring(key) .. " " .. show(err[key], 100)
      end
    end
  end
  out[#out + 1] = show(tostring(err))
  return table.concat(out, ", ")
end

return raised
