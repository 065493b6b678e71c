--- Whether an exchange is what a tape should hold: people edit tapes, and a slip of the
--- pen should be told with its place.
---
---     check { n = 1, request = { method = "GET", url = "http://host/" } }   --> nil
---     check { n = "1" }   --> 'n should be a number, not the string "1"'

local arg = require "orch.arg"
local json = require "orch.json"

local function typed(words, is_good)
  return function(value)
    if not is_good(value) then return "", words, value end
  end
end

local text = typed("a text", function(value) return type(value) == "string" end)
local number = typed("a number", math.type)
local integer = typed("an integer", function(value) return math.type(value) == "integer" end)
local boolean = typed("true or false", function(value) return type(value) == "boolean" end)

local function is_list(value)
  return type(value) == "table" and (value[1] ~= nil or next(value) == nil)
end

local function list_of(item)
  return function(value)
    if not is_list(value) then return "", "a list", value end
    for i, one in ipairs(value) do
      local where, words, given = item(one)
      if where then return ("[%d]%s"):format(i, where), words, given end
    end
  end
end

--- Lines may stand in one text.
local function lines(value)
  if type(value) == "string" then return nil end
  if not is_list(value) then return "", "a text or a list of lines", value end
  return list_of(text)(value)
end

--- Fields whose names end in `!` must be there; what has another name does not matter.
local function object(fields)
  local names = arg.keys_of(fields)
  return function(value)
    if type(value) ~= "table" or is_list(value) then return "", "an object", value end
    for _, name in ipairs(names) do
      local key, needed = name:gsub("!$", "")
      if value[key] ~= nil or needed > 0 then
        local where, words, given = fields[name](value[key])
        if where then return "." .. key .. where, words, given end
      end
    end
  end
end

local block = { text = lines, base64 = lines, size = integer, sha256 = text, file = text }

local function with_block(fields)
  for name, check in pairs(block) do fields[name] = check end
  return object(fields)
end

local exchange = object {
  n = number, elapsed = number, ended = text,
  ["request!"] = with_block { ["method!"] = text, ["url!"] = text, headers = list_of(text),
    cut = boolean, parts = list_of(with_block {}) },
  response = with_block { ["status!"] = integer, redirect_url = text, head = list_of(text),
    head_at = number, layout = text, chunks = list_of(with_block { at = number }) },
  error = object { ["kind!"] = text, ["message!"] = text },
}

---@param value any
---@return string? problem nil when all is well
return function(value)
  local where, words, given = exchange(value)
  if not where then return nil end
  local place = where == "" and "the exchange" or where:gsub("^%.", "")
  if given == nil then return place .. " is missing" end
  return ("%s should be %s, not %s"):format(place, words,
    given == json.null and "null" or arg.describe(given))
end
