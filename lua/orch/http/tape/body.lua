--- Bytes as a tape shows them, and back: JSON as JSON, text as its lines, anything
--- else as base64, what is too large in a file of its own.
---
---     body.encode('{"a":1}', "application/json")   --> { { "json", raw = '{"a":1}' } }

local json = require "orch.json"
local layout = require "orch.http.tape.layout"

local body = {}

local BASE64_LINE = 57 -- bytes, 76 characters

--- What an editor shows as it is.
local function is_text(bytes)
  return utf8.len(bytes) and not bytes:find("[\0-\8\14-\31\127]")
end
body.is_text = is_text

--- One string, or a list of its lines.
local function lines(text)
  local stop = text:find("\n", 1, true)
  if not stop or stop == #text then return text end
  local list = {}
  for line in text:gmatch("[^\n]*\n?") do
    if line ~= "" then list[#list + 1] = line end
  end
  return list
end

local function base64(bytes)
  local encode = require("orch.hash").base64
  if #bytes <= BASE64_LINE then return encode(bytes) end
  local list = {}
  for at = 1, #bytes, BASE64_LINE do
    list[#list + 1] = encode(bytes:sub(at, at + BASE64_LINE - 1))
  end
  return list
end

local values
local function decode_base64(text)
  if not values then
    values = {}
    for i = 0, 63 do
      values[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):byte(i + 1)] = i
    end
  end
  local out, bits, count = {}, 0, 0
  for i = 1, #text do
    local value = values[text:byte(i)]
    if value then
      bits, count = (bits << 6 | value) & 0xffffff, count + 6
      if count >= 8 then
        count = count - 8
        out[#out + 1] = string.char(bits >> count & 255)
      end
    end
  end
  return table.concat(out)
end

---The value of a body that is JSON.
---@param bytes string
---@return boolean ok
---@return any value
function body.json(bytes)
  if not bytes:find("^%s*[{%[]") then return false end
  return pcall(json.decode, bytes, { big_floats = true })
end

---The fields that say what the bytes are: a list of {name, value}, in the order in which
---they are written; `raw` instead of a value is JSON text.
---@param bytes string
---@param as_json "exact"|"loosely"|nil whether JSON is shown as such, and its white space
---  has to come back
---@return table[] fields
function body.encode(bytes, as_json)
  if not is_text(bytes) then return { { "base64", base64(bytes) } } end
  if as_json and body.json(bytes) then
    if as_json == "loosely" then return { { "json", raw = layout.compact(bytes) } } end
    local compact, name = layout.of(bytes)
    if compact then
      local fields = { { "json", raw = compact } }
      if name then table.insert(fields, 1, { "layout", name }) end
      return fields
    end
  end
  return { { "text", lines(bytes) } }
end

local function joined(value)
  return type(value) == "table" and table.concat(value) or value
end

---The bytes of a block of a tape; nil when it has no body.
---@param block table decoded
---@param raw string? the text of its field "json"
---@return string?
function body.decode(block, raw)
  if block.json ~= nil then
    local is_whole = raw and body.json(raw) -- whoever edits a tape may have put more behind it
    local compact = is_whole and layout.compact(raw) or json.encode(block.json)
    return layout.apply(compact, block.layout)
  elseif block.text ~= nil then
    return joined(block.text)
  elseif block.base64 ~= nil then
    return decode_base64(joined(block.base64))
  end
end

return body
