-- Which requests a fake is for: "METHOD address", either of which may be left out.
--
--   local rule = rules.parse("GET https://api.example.com/users/*?page=1")
--   rule:fits("GET", "https://api.example.com/users/7?page=1&size=10")   --> true
--
-- `*` is anything; an address without a query is for every query, one with a query
-- for those that have at least these parameters. "/path" is on any host.

local arg = require "orch.arg"

local methods = { GET = true, HEAD = true, POST = true, PUT = true, PATCH = true,
  DELETE = true, OPTIONS = true, ["*"] = true }

---@class orch.TestHttpRule
---@field key string as it was written
---@field method string? nil: any
---@field address string
---@field query table<string, string>
local Rule = {}
Rule.__index = Rule

local rules = {}

local function pattern_of(text)
  return "^" .. text:gsub("[^%w*]", "%%%0"):gsub("%*", ".*") .. "$"
end

local function unescape(text)
  return (text:gsub("%+", " "):gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

---The parameters of a query.
---@param text string?
---@return table<string, string>
function rules.query(text)
  local found = {}
  for part in (text or ""):gmatch "[^&]+" do
    local name, value = part:match "^([^=]*)=?(.*)$"
    found[unescape(name)] = unescape(value)
  end
  return found
end

-- Scheme and host do not depend on case, and a host alone is its root.
local function normal(address)
  address = address:gsub("#.*$", "")
  local origin, path = address:match "^(%a[%w+.%-]*://[^/]*)(.*)$"
  if not origin then return address end
  origin = origin:lower():gsub("^(http://.*):80$", "%1"):gsub("^(https://.*):443$", "%1")
  return origin .. (path == "" and not origin:find("*", 1, true) and "/" or path)
end

local function refuse(key, why, ...)
  arg.fail('test.http: %q is no request to answer: ' .. why
    .. '; write "GET https://host/path", "POST *" or "/path"', key, ...)
end

---@param key string
---@return orch.TestHttpRule
function rules.parse(key)
  if type(key) ~= "string" then
    arg.fail('test.http: a fake stands under its request, ["GET https://host/path"] = answer; '
      .. "%s is none", arg.describe(key))
  end
  local method, target = key:match "^(%S+)%s+(%S+)$"
  if not method then method, target = "*", key:match "^%S+$" end
  if not target then refuse(key, "it should be a method and an address") end
  if not methods[method] then
    local near = arg.suggest(method, arg.keys_of(methods))
    refuse(key, "there is no method %s%s", method, near and (" (%s?)"):format(near) or "")
  end
  if not target:find "^%a[%w+.%-]*://" and not target:find "^[*/]" then
    refuse(key, "the address has no scheme")
  end
  local address, query = target:match "^([^?]*)%??(.*)$"
  return setmetatable({
    key = key, method = method ~= "*" and method or nil, address = normal(address),
    query = rules.query(query), length = #target:gsub("%*", ""),
    is_exact = not address:find("*", 1, true),
  }, Rule)
end

local function matches(wanted, text)
  return wanted == text or wanted:find("*", 1, true) and text:find(pattern_of(wanted)) ~= nil
end

-- What does not fit, in words, and how bad that is.
---@param method string
---@param url string
---@return number cost 0: it fits
---@return string? difference
function Rule:differs(method, url)
  local address, query = url:match "^([^?#]*)%??([^#]*)"
  address = normal(address)
  local path = address:match "^%a[%w+.%-]*://[^/]*(.*)$" or address
  local target = self.address:sub(1, 1) == "/" and path or address
  if not matches(self.address, target) then
    local same = 0
    while self.address:byte(same + 1) == target:byte(same + 1) do same = same + 1 end
    return 100 + math.max(#self.address, #target) - same, "the address"
  elseif self.method and self.method ~= method then
    return 10, "the method"
  end
  local given = rules.query(query)
  for _, name in ipairs(arg.keys_of(self.query)) do
    if not given[name] then return 5, ("the query parameter %s is missing"):format(name) end
    if not matches(self.query[name], given[name]) then
      return 4, ("the query parameter %s is %q"):format(name, given[name])
    end
  end
  return 0
end

---Sorts rules so that the first one that fits is the most specific one.
---@param list orch.TestHttpRule[]
function rules.sort(list)
  table.sort(list, function(a, b)
    if a.is_exact ~= b.is_exact then return a.is_exact end
    if a.length ~= b.length then return a.length > b.length end
    if (a.method == nil) ~= (b.method == nil) then return a.method ~= nil end
    return a.key < b.key
  end)
end

return rules
