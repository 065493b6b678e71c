--- Answers as data: `json=true` for any JSON, `json=schema` for one of a certain shape.
---
---     local r = provider:chat("Three names for a cat", { json = { type = "object",
---       properties = { names = { type = "array", items = { type = "string" } } },
---       required = { "names" } } })
---     print(r.json.names[1])

local field = require "orch.ai.field"

local format = {}

---Said to models that have no switch for JSON without a schema.
format.request = "Answer with one JSON value and nothing else: no text around it, no code fence."

local function copy(value, change)
  if type(value) ~= "table" then return value end
  local new = {}
  for k, v in pairs(value) do new[k] = copy(v, change) end
  setmetatable(new, getmetatable(value))
  if change then change(new) end
  return new
end

local function is_object(part)
  local kind = part.type
  if type(kind) == "table" then
    for _, name in ipairs(kind) do
      if name == "object" then kind = name end
    end
  end
  return kind == "object" and type(part.properties) == "table"
end

---The schema with `additionalProperties=false` wherever it names properties and does not
---say: OpenAI and Anthropic take no other.
---@param schema table
---@return table schema a copy
function format.close(schema)
  return copy(schema, function(part)
    if is_object(part) and part.additionalProperties == nil then
      part.additionalProperties = false
    end
  end)
end

---Whether every object requires all its properties and allows no others: what OpenAI
---wants of a schema that is to be kept strictly.
---@param schema any closed
---@return boolean
function format.is_strict(schema)
  if type(schema) ~= "table" then return true end
  if is_object(schema) then
    local required = {}
    if type(schema.required) == "table" then
      for _, name in ipairs(schema.required) do required[name] = true end
    end
    for name in pairs(schema.properties) do
      if not required[name] then return false end
    end
    if schema.additionalProperties ~= false then return false end
  end
  for _, part in pairs(schema) do
    if not format.is_strict(part) then return false end
  end
  return true
end

---@param fname string
---@param wanted boolean|table|nil
---@return {schema: table?}? format nil when text is wanted
function format.read(fname, wanted)
  if not wanted then return nil end
  if wanted == true then return {} end
  if next(wanted) == nil then
    require("orch.arg").fail("%s: option `json` should be true or a JSON schema, not an empty "
      .. "table", fname)
  end
  return { schema = wanted }
end

---The value of an answer; a code fence around it is taken off.
---@param text string
---@return boolean ok
---@return any value or the Error of kind `json`
function format.decode(text)
  local inner = text:match "^%s*```%w*%s*\n(.-)\n?%s*```%s*$"
  return field.decode(inner or text)
end

return format
