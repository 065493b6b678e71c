--- Reading fields of what a server has sent: a field that is missing, null or of another
--- type than the documents say is nil, never an error.
---
---     local text = field.text(answer, "choices", 1, "message", "content")

local json = require "orch.json"

local null = json.null

local field = {}

---@param value any
---@param ... string|integer the way to the field
---@return any value nil when there is none, or null
function field.any(value, ...)
  for i = 1, select("#", ...) do
    if type(value) ~= "table" then return nil end
    value = value[(select(i, ...))]
  end
  if value == null then return nil end
  return value
end

local function of_type(kind)
  return function(value, ...)
    value = field.any(value, ...)
    return type(value) == kind and value or nil
  end
end

---@type fun(value: any, ...): string?
field.text = of_type "string"
---@type fun(value: any, ...): table?
field.table = of_type "table"

--- The items of a list that are tables; nil when it is none.
---@return table[]?
function field.list(value, ...)
  local list, items = field.table(value, ...), {}
  if not list or list[1] == nil and next(list) ~= nil then return nil end
  for _, item in ipairs(list) do
    if type(item) == "table" then items[#items + 1] = item end
  end
  return items
end

---@return integer?
function field.count(value, ...)
  value = field.any(value, ...)
  return math.type(value) and math.tointeger(value) or nil
end

---Tokens that an answer says it took; a provider of one's own may say anything.
---@param usage any
---@param name string
---@return number?
function field.tokens(usage, name)
  local value = field.any(usage, name)
  return math.type(value) and value >= 0 and value < math.huge and value or nil
end

---Decodes what may be no JSON.
---@param text string
---@return boolean ok
---@return any value or the Error of kind `json`
function field.decode(text)
  local ok, value = pcall(json.decode, text, { big_floats = true })
  if not ok and field.any(value, "kind") ~= "json" then error(value, 0) end -- no memory
  return ok, value
end

return field
