-- Fakes for HTTP: what a case's requests are answered, without a network.
--
--   local fake = test.http {
--     ["GET https://api.example.com/users/7"] = { json = { name = "Ada" } },
--     ["POST *"] = function(request) return { status = 201, json = request:json() } end,
--   }
--   expect(#fake.requests):equals(1)
--
-- They end with the case. A request that has no fake fails.

local arg = require "orch.arg"
local canned = require "orch.http.canned"
local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local rules = require "orch.test.http_rule"
local url = require "orch.http.url"
local wire = require "orch.http.wire"

local answer_options = {
  status = "integer", headers = "table", body = "string", json = "any", chunks = "table",
  events = "table", delay = "duration", error = "string|table", pass = "boolean",
}
local piece_options = { data = "any", event = "string", id = "string|integer",
  retry = "integer", delay = "duration", error = "string|table" }

local reasons = { [200] = "OK", [201] = "Created", [202] = "Accepted", [204] = "No Content",
  [301] = "Moved Permanently", [302] = "Found", [304] = "Not Modified",
  [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found",
  [409] = "Conflict", [429] = "Too Many Requests", [500] = "Internal Server Error",
  [502] = "Bad Gateway", [503] = "Service Unavailable", [504] = "Gateway Timeout" }

local http = {}

-- Those of the running case.
local open = {}

---- requests ----

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

local function new_request(raw)
  local address, query = raw.url:match "^([^?#]*)%??([^#]*)"
  return setmetatable({
    method = raw.method, url = raw.url, query = rules.query(query),
    path = address:match "^%a[%w+.%-]*://[^/]*(.*)$", headers = headers_of(raw.headers),
    body = body_of(raw.body),
  }, Request)
end

---- answers ----

local function fail(what, raw)
  local err = type(what) == "string" and { kind = what } or {}
  for key, value in next, type(what) == "table" and what or {} do err[key] = value end
  err.kind = err.kind or "network"
  err.url, err.method = err.url or raw.url, err.method or raw.method
  err.detail = err.detail or err.message or err.kind
  err.phase = err.phase or "waiting"
  err.message = ("%s %s: %s"):format(raw.method, url.shown(raw.url), err.message or err.kind)
  errors.throw(errors.make(err))
end

local function text_of(value)
  if type(value) == "string" then return value end
  return require("orch.json").encode(value)
end

-- One server-sent event, as it is on the wire.
local function event_text(event)
  local lines = {}
  if event.event then lines[1] = "event: " .. event.event end
  if event.id then lines[#lines + 1] = "id: " .. event.id end
  if event.retry then lines[#lines + 1] = "retry: " .. event.retry end
  if event.data ~= nil then
    for line in (text_of(event.data) .. "\n"):gmatch "([^\n]*)\n" do
      lines[#lines + 1] = "data: " .. line
    end
  end
  return table.concat(lines, "\n") .. "\n\n"
end

-- What the pieces of a body are: text, or a table that may also wait or break off.
local function pieces_of(answer)
  local what = answer.events and "events" or answer.chunks and "chunks"
  if not what then
    local body = answer.body or answer.json ~= nil and text_of(answer.json) or ""
    return body ~= "" and { { text = body } } or {}
  end
  local list = {}
  for i, item in ipairs(answer[what]) do
    local piece = item
    if type(item) ~= "table" then piece = { data = tostring(item) } end
    piece = arg.options(("test.http: %s[%d]"):format(what, i), piece, piece_options)
    local is_pause = piece.data == nil and piece.event == nil and not piece.id
    if not is_pause then
      piece.text = what == "events" and event_text(piece) or text_of(piece.data)
    end
    list[i] = piece
  end
  return list
end

local function head_lines(answer, pieces)
  local status = answer.status or 200
  local lines = { ("HTTP/1.1 %d %s"):format(status, reasons[status] or "") }
  local seen = {}
  for _, name in ipairs(arg.keys_of(answer.headers or {})) do
    local values = answer.headers[name]
    seen[name:lower()] = true
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      lines[#lines + 1] = name .. ": " .. tostring(value)
    end
  end
  local kind = answer.json ~= nil and "application/json" or answer.events and "text/event-stream"
  if kind and not seen["content-type"] then lines[#lines + 1] = "Content-Type: " .. kind end
  local is_stream = answer.events or answer.chunks
  if not is_stream and not seen["content-length"] then
    lines[#lines + 1] = ("Content-Length: %d"):format(pieces[1] and #pieces[1].text or 0)
  end
  return lines
end

local function redirect_of(answer, raw)
  if not answer.status or answer.status < 300 or answer.status > 399 then return nil end
  for name, value in pairs(answer.headers or {}) do
    if name:lower() == "location" then return url.resolve(raw.url, value) end
  end
end

local function expected(answer, pieces)
  if answer.events or answer.chunks then return nil end
  return pieces[1] and #pieces[1].text or 0
end

-- An answer of a fake as the wire would give it.
local function to_canned(answer, raw, started)
  local pieces, i = pieces_of(answer), 0
  local lines = head_lines(answer, pieces)
  if raw.method == "HEAD" then pieces = {} end
  local result = {
    status = answer.status or 200, head = table.concat(lines, "\r\n") .. "\r\n\r\n",
    url = raw.url, redirect_url = redirect_of(answer, raw), expected = expected(answer, pieces),
    elapsed = 0,
  }
  function result.before()
    if answer.delay then clock.sleep(answer.delay) end
    if answer.error and #pieces == 0 then fail(answer.error, raw) end
    result.elapsed = clock.now() - started
  end
  function result.next()
    i = i + 1
    local piece = pieces[i]
    if not piece then
      if answer.error then fail(answer.error, raw) end
      return nil
    end
    if piece.delay then clock.sleep(piece.delay) end
    if piece.error then fail(piece.error, raw) end
    return piece.text or result.next()
  end
  return result
end

---- fakes ----

local function is_list(answer)
  return type(answer) == "table" and getmetatable(answer) == nil and answer[1] ~= nil
end

-- Answers one after the other; the last one stays.
local function next_answer(self, rule)
  local answer = rule.answer
  if not is_list(answer) then return answer end
  rule.turn = math.min((rule.turn or 0) + 1, #answer)
  return answer[rule.turn]
end

local function check_answer(key, answer)
  local what = ("test.http: the answer to %q"):format(key)
  if type(answer) == "string" then return { body = answer } end
  if math.type(answer) == "integer" then return { status = answer } end
  if type(answer) ~= "table" then
    arg.fail("%s should be a table such as { status = 200, json = {} }, a text, a status or a "
      .. "function that returns one of these, not %s", what, arg.describe(answer))
  end
  return arg.options(what, answer, answer_options)
end

local function check_rule(key, answer)
  if arg.is_callable(answer) then return end
  for _, one in ipairs(is_list(answer) and answer or { answer }) do
    if not arg.is_callable(one) then check_answer(key, one) end
  end
end

---@class orch.TestHttp
---@field requests orch.TestHttpRequest[] in the order in which they came, those without a
---  fake included
local Fake = { __name = "orch.test.http" }
Fake.__index = Fake

local function nearest(self, raw)
  local best, best_cost, difference
  for _, rule in ipairs(self.rules) do
    local cost, words = rule:differs(raw.method, raw.url)
    if not best or cost < best_cost then best, best_cost, difference = rule, cost, words end
  end
  return best, difference
end

local function unfaked(self, raw)
  local shown = url.shown(raw.url)
  local best, difference = nearest(self, raw)
  local near = best and ("the nearest fake is %q, but %s differs"):format(best.key, difference)
    or "there are no fakes at all"
  if difference and difference:find " is " then near = near:gsub(" differs$", "") end
  errors.throw(errors.make { kind = "usage", url = shown, method = raw.method,
    message = ("no fake answers %s %s; %s"):format(raw.method, shown, near) })
end

local function serve(self, how, raw)
  local started = clock.now()
  local request = new_request(raw)
  if type(raw.body) == "function" then -- it was read
    local copy = {}
    for key, value in next, raw do copy[key] = value end
    copy.body = request.body
    raw = copy
  end
  self.requests[#self.requests + 1] = request
  for _, rule in ipairs(self.rules) do
    if rule:differs(raw.method, raw.url) == 0 then
      local answer = next_answer(self, rule)
      if arg.is_callable(answer) then answer = answer(request) end
      answer = check_answer(rule.key, answer)
      if answer.pass then return self.inner[how](raw) end
      return canned[how](to_canned(answer, raw, started))
    end
  end
  return unfaked(self, raw)
end

---The network is back. The end of the case calls it.
function Fake:close()
  if not self.swap then return end
  do local _ <close> = self.swap end
  self.swap = nil
  for i = #open, 1, -1 do
    if open[i] == self then table.remove(open, i) end
  end
end

Fake.__close = Fake.close

---Fakes for the requests of the case. Of those that fit, the most specific one answers.
---@param answers table<string, any> "METHOD address" -> answer
---@return orch.TestHttp fake
function http.new(answers)
  arg.check("test.http", 1, answers, "table")
  local self = setmetatable({ requests = {}, rules = {} }, Fake)
  for key, answer in pairs(answers) do
    local rule = rules.parse(key)
    check_rule(key, answer)
    rule.answer = answer
    self.rules[#self.rules + 1] = rule
  end
  rules.sort(self.rules)
  self.inner = wire.transport
  self.swap = wire.with {
    send = function(raw) return serve(self, "send", raw) end,
    open = function(raw) return serve(self, "open", raw) end,
  }
  open[#open + 1] = self
  return self
end

---Removes what the case has left.
function http.clean_up()
  while #open > 0 do open[#open]:close() end
end

return http
