-- A request as a fake sees it, and as a test looks at it afterwards.
--
--   local request = seen(raw)
--   print(request.method, request.path, request.query.page, request:json().name)

local rules = require "orch.test.http_rule"

---@class orch.TestHttpRequest
---@field method string
---@field url string
---@field path string without host and query
---@field query table<string, string>
---@field headers table<string, string> names in any case
---@field body string "" when there is none
---@field json fun(self: orch.TestHttpRequest): any the body's value; raises kind `json`
---@field form fun(self: orch.TestHttpRequest): table<string, string> of a body that is a form
local Request = {}
Request.__index = Request
Request.__name = "orch.test.http.request"

function Request:json() return require("orch.json").decode(self.body) end

function Request:form() return rules.query(self.body) end

local Headers = {
  __index = function(self, name)
    return type(name) == "string" and rawget(self, name:lower()) or nil
  end,
}

local function headers_of(lines)
  local headers = setmetatable({}, Headers)
  for _, line in ipairs(lines or {}) do
    local name, value = line:match "^([^:]+):%s*(.-)%s*$"
    if name then
      local key = name:lower()
      local before = rawget(headers, key)
      headers[key] = before and before .. ", " .. value or value
    end
  end
  return headers
end

local function region(segment)
  local handle <close> = assert(io.open(segment.path, "rb"))
  handle:seek("set", segment.offset or 0)
  return handle:read(segment.size or "a") or ""
end

-- A body as the server would see it.
local function body_of(body)
  if type(body) == "string" then return body end
  local parts = {}
  if type(body) == "function" then
    for chunk in body do parts[#parts + 1] = chunk end
  end
  for i, segment in ipairs(type(body) == "table" and body or {}) do
    parts[i] = type(segment) == "string" and segment or region(segment)
  end
  return table.concat(parts)
end

---@param raw table a request of the wire; a body from a function is read
---@return orch.TestHttpRequest
return function(raw)
  local address, query = raw.url:match "^([^?#]*)%??([^#]*)"
  local headers = headers_of(raw.headers)
  local cookies = raw.jar and require("orch.http.cookie").header(raw.jar, raw.url)
  if cookies then
    headers.cookie = headers.cookie and headers.cookie .. "; " .. cookies or cookies
  end
  return setmetatable({
    method = raw.method, url = raw.url, query = rules.query(query),
    path = address:match "^%a[%w+.%-]*://[^/]*(.*)$", headers = headers,
    body = body_of(raw.body),
  }, Request)
end
