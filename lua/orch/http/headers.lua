--- The headers of an answer: names in any case, and several lines of a name as one value.
---
---     response.headers["content-type"]      -- "text/html"
---     response.headers:all "set-cookie"     -- { "a=1; Path=/", "b=2" }

local find, gmatch, lower = string.find, string.gmatch, string.lower

---@class orch.http.Headers: {[string]: string}
---@field all fun(self: orch.http.Headers, name: string): string[] each line's value, as it came
local methods = {}

--- headers -> { list of {name, value}, lower-case name -> joined value }
local parsed = setmetatable({}, { __mode = "k" })

---Every line of that name, in the order in which they came; Set-Cookie cannot be told
---apart otherwise.
---@param name string
---@return string[] values empty when there is none
function methods:all(name)
  local values = {}
  name = lower(name)
  for _, line in ipairs(parsed[self].lines) do
    if lower(line[1]) == name then values[#values + 1] = line[2] end
  end
  return values
end

local Headers = {
  __name = "orch.http.headers",
  __index = function(self, name)
    if type(name) ~= "string" then return nil end
    return parsed[self].joined[lower(name)] or methods[name]
  end,
  __newindex = function()
    require("orch.arg").fail "the headers of an answer cannot be changed"
  end,
  --- Names in lower case, in the order in which they came.
  __pairs = function(self)
    local state = parsed[self]
    local i = 0
    return function()
      i = i + 1
      local name = state.order[i]
      if name then return name, state.joined[name] end
    end
  end,
}

---@param head string the status line and the header lines
---@return orch.http.Headers
return function(head)
  if find(head, "\n[ \t]") then head = head:gsub("\r?\n[ \t]+", " ") end -- folded lines
  local lines, joined, order = {}, {}, {}
  for name, value in gmatch(head, "\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    if find(value, "[ \t]$") then value = value:match "^(.-)[ \t]*$" end
    lines[#lines + 1] = { name, value }
    local key = lower(name)
    local before = joined[key]
    if not before then order[#order + 1] = key end
    joined[key] = before and before .. ", " .. value or value
  end
  local self = setmetatable({}, Headers)
  parsed[self] = { lines = lines, joined = joined, order = order }
  return self
end
