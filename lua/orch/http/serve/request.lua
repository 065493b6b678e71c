--- A request as a handler sees it. What few handlers look at is made when it is asked for.

local arg = require "orch.arg"
local core = require "orch.core.serve"
local errors = require "orch.core.error"
local url = require "orch.http.url"

---@class orch.Request
---@field method string "GET", "POST", ...
---@field target string path and query as they were sent
---@field path string decoded, without the query
---@field query table<string, string> decoded; of several with one name the last
---@field headers orch.http.Headers by name in any case; several of one name joined by ", "
---@field body string "" when there is none
---@field remote string? the client's address and port, "127.0.0.1:50412"
---@field private handle userdata
---@field private id integer
---@field private name string for people: "GET /path"
local Request = { __name = "orch.Request" }

---@class orch.Request
local methods = {}

local function decode_form(text)
  return url.decode((text:gsub("%+", " ")))
end

--- name -> values of "a=1&b=2".
local function parse_pairs(text)
  local map = {}
  for part in text:gmatch "[^&]+" do
    local name, value = part:match "^([^=]*)=?(.*)$"
    name = decode_form(name)
    local values = map[name]
    if not values then
      values = {}
      map[name] = values
    end
    values[#values + 1] = decode_form(value)
  end
  return map
end

local function last_of(map)
  local last = {}
  for name, values in next, map do last[name] = values[#values] end
  return last
end

--- A proxy is asked for a whole URL.
local function path_and_query(target)
  local rest = target:match "^%a[%w+.-]*://[^/?]*(.*)$" or target
  local path, query = rest:match "^([^?]*)%??(.*)$"
  return path == "" and "/" or path, query
end

local lazy = {}

function lazy.path(self)
  local path = path_and_query(self.target)
  return path:find("%", 1, true) and url.decode(path) or path
end

---@private
function lazy.queried(self)
  local _, query = path_and_query(self.target)
  return parse_pairs(query)
end

function lazy.query(self)
  return last_of(self.queried)
end

function lazy.headers(self)
  return require "orch.http.headers"(core.headers(self.handle))
end

function lazy.remote(self)
  return core.remote(self.handle)
end

--- Secrets in the query do not belong into reports.
function lazy.name(self)
  return self.method .. " " .. url.shown(self.target)
end

local known = { "method", "target", "path", "query", "headers", "body", "remote", "json",
  "form", "queries" }

function Request.__index(self, key)
  local method = methods[key]
  if method then return method end
  local make = lazy[key]
  if not make then
    local near = type(key) == "string" and arg.suggest(key, known)
    arg.fail("a request has no '%s'%s", tostring(key),
      near and ("; did you mean '%s'?"):format(near) or "; it has " .. table.concat(known, ", "))
  end
  local value = make(self)
  if value ~= nil then rawset(self, key, value) end
  return value
end

---The body, decoded.
---@return any value raises kind `json`
function methods:json()
  local ok, value = pcall(require("orch.json").decode, self.body)
  if ok then return value end
  if errors.is(value) and value.kind == "json" then
    value.message = self.body == "" and "the request has no body, so no JSON"
      or "the body of the request is not JSON: " .. value.message
  end
  error(value, 0)
end

---All values of one name in the query, in their order.
---@param name string
---@return string[]
function methods:queries(name)
  arg.check("request:queries", 1, name, "string")
  return self.queried[name] or {}
end

---The fields of a form in the body, urlencoded or multipart; of several with one name the
---last. A file of a multipart form is {filename=, type=, body=}.
---@return table<string, string|{filename: string, type: string?, body: string}>
function methods:form()
  local kind = self.headers["content-type"] or ""
  if kind:lower():find("^multipart/form%-data") then
    return require "orch.http.serve.multipart"(self.body, kind)
  end
  return last_of(parse_pairs(self.body))
end

---For the library: cancels the task that handles it, which may not have begun.
---@private
---@param reason string
function methods:abandon(reason)
  self.task:cancel(reason)
  if not self.started then self:__close() end
end

--- A handler that ends without an answer was cancelled.
function Request:__close()
  self.live[self.id] = nil
  core.fail(self.handle, 503, "the handler of this request was cancelled\n")
end
methods.__close = Request.__close

local requests = {}

---@param handle userdata
---@param live table<integer, orch.Request> has it until it is closed
---@return orch.Request
function requests.new(handle, live)
  local id, method, target, body = core.about(handle)
  local request = setmetatable({ handle = handle, id = id, method = method, target = target,
    body = body, live = live, started = false }, Request)
  live[id] = request
  return request
end

return requests
