--- The answer to a request. Headers and everything else that is not always read are made
--- when they are asked for.
---
---     local r = orch.http.get(url)
---     print(r.status, r.headers["content-type"], r:json().name)

local errors = require "orch.core.error"
local arg = require "orch.arg"

---@class orch.http.Response
---@field status integer
---@field ok boolean 200 to 299
---@field headers orch.http.Headers
---@field body string as it came, decompressed
---@field url string of the last request: redirects are in `history`
---@field method string of the last request
---@field reason string "OK"
---@field http_version "1.0"|"1.1"|"2"
---@field elapsed number seconds, of the last request
---@field timings {dns: number, connect: number, tls: number, first_byte: number, total: number}
---@field history {status: integer, url: string, location: string}[] redirects that were followed
---@field private raw table
local methods = {}

local function snippet(text, err)
  local line, n = nil, 0
  for one in (text .. "\n"):gmatch "([^\n]*)\n" do
    n = n + 1
    if n == (err.line or 1) then
      line = one
      break
    end
  end
  line = (line or ""):gsub("%c", " ")
  local at = utf8.offset(line, err.column or 1) or 1
  local from = math.max(1, at - 20)
  from = utf8.offset(line, 0, from) or from
  local to = utf8.offset(line, 0, math.min(#line + 1, at + 40)) or math.min(#line + 1, at + 40)
  return (from > 1 and "..." or "") .. line:sub(from, to - 1) .. (to <= #line and "..." or "")
end

local function not_json(self, err)
  local shown = require("orch.http.url").shown(self.url)
  local near = self.body ~= "" and snippet(self.body, err) or ""
  errors.throw(errors.make {
    kind = "json", url = shown, method = self.method, status = self.status, response = self,
    line = err.line, column = err.column, snippet = near,
    message = ("%s %s: the answer (%d%s) is not JSON: %s%s"):format(self.method, shown,
      self.status, self.headers["content-type"] and ", " .. self.headers["content-type"] or "",
      self.body == "" and "it is empty" or tostring(err.message),
      near ~= "" and (", at: %s"):format(near) or ""),
  })
end

---The value of a JSON answer.
---@param opts? JsonDecodeOptions
---@return any value raises kind `json` (`url`, `line`, `column`, `snippet`)
function methods:json(opts)
  local o = opts and arg.options("response:json", opts, { big_floats = "boolean" })
  local decode = require("orch.core.json").decode
  local ok, value = pcall(decode, self.body, o and o.big_floats)
  if ok then return value end
  if type(value) ~= "table" or value.kind ~= "json" then error(value, 0) end
  not_json(self, value)
end

local function latin1(c)
  return utf8.char(c:byte())
end

---The body as UTF-8 text: without a byte order mark, and converted where the server says
---that it is ISO-8859-1.
---@return string
function methods:text()
  local body = self.body
  local charset = (self.headers["content-type"] or ""):lower():match 'charset="?([%w_-]+)'
  if charset == "iso-8859-1" or charset == "latin1" then
    return (body:gsub("[\128-\255]", latin1))
  end
  return (body:gsub("^\xEF\xBB\xBF", ""))
end

---Raises kind `status` for a status of 400 or more: what a request does by itself unless it
---was made with `check=false`.
---@return orch.http.Response self
function methods:check()
  if self.status >= 400 then require("orch.http.fault").status(self) end
  return self
end

local lazy = {
  ok = function(self) return self.status >= 200 and self.status < 300 end,
  headers = function(self) return require "orch.http.headers"(self.raw.head or "") end,
  reason = function(self)
    return require("orch.http.fault").reason(self.status, self.raw.head)
  end,
  url = function(self) return self.raw.url or self.request_url end,
  http_version = function(self) return self.raw.http_version or "1.1" end,
  elapsed = function(self) return self.raw.elapsed or 0 end,
  history = function() return {} end,
  timings = function(self)
    local raw = self.raw
    local timings = raw.timings
    if type(timings) == "function" then timings = timings(raw) end
    return timings or {}
  end,
}

local known = { "status", "ok", "headers", "body", "url", "method", "reason", "http_version",
  "elapsed", "timings", "history", "json", "text", "check" }

local Response = {
  __name = "orch.http.response",
  __tostring = function(self)
    return ("%s %s: %d %s, %d bytes"):format(self.method,
      require("orch.http.url").shown(self.url), self.status, self.reason, #self.body)
  end,
  __index = function(self, key)
    local method = methods[key]
    if method then return method end
    local make = lazy[key]
    if make then
      local value = make(self)
      rawset(self, key, value)
      return value
    end
    if type(key) ~= "string" then return nil end
    local near = arg.suggest(key, known)
    arg.fail("an answer has no '%s'%s", key, near and ("; did you mean '%s'?"):format(near)
      or "; it has " .. table.concat(known, ", "))
  end,
}

---@param raw table of the wire
---@param method string
---@return orch.http.Response
return function(raw, method)
  return setmetatable({ status = raw.status, body = raw.body, method = method, raw = raw },
    Response)
end
