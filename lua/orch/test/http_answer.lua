-- What a fake says, from what a test writes down to what the wire would give.
--
--   local answer = answers.check("GET /", { status = 200, json = { name = "Ada" } })
--   return canned.send(answers.canned(answer, raw, request, clock.now()))

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local url = require "orch.http.url"

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

local kinds = { network = true, tls = true, http = true, timeout = true }

local function check_error(what, value)
  if type(value) ~= "string" or kinds[value] then return end
  local near = arg.suggest(value, arg.keys_of(kinds))
  arg.fail("%s: `error` should be network, tls, http, timeout or a table with kind and message, "
    .. "not %q%s", what, value, near and ("; did you mean %q?"):format(near) or "")
end

local answers = {}

---Whether it is several answers, one after the other.
---@return boolean
function answers.is_list(answer)
  return type(answer) == "table" and getmetatable(answer) == nil and answer[1] ~= nil
end

---The answer as a table, checked.
---@param key string of the fake
---@param answer any
---@return table
function answers.check(key, answer)
  local what = ("test.http: the answer to %q"):format(key)
  if type(answer) == "string" then return { body = answer } end
  if math.type(answer) == "integer" then return { status = answer } end
  if type(answer) ~= "table" then
    arg.fail("%s should be a table such as { status = 200, json = {} }, a text, a status or a "
      .. "function that returns one of these, not %s", what, arg.describe(answer))
  end
  check_error(what, answer.error)
  return arg.options(what, answer, answer_options)
end

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
  return require("orch.json").encode(value, { sorted = true })
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
    check_error(("test.http: %s[%d]"):format(what, i), piece.error)
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

-- Waits as the server would let us wait, within the request's `timeout`.
local function waiter(raw, started)
  local limit = raw.settings and raw.settings.timeout
  return function(seconds)
    local left = limit and started + limit - clock.now() or math.huge
    clock.sleep(math.max(0, math.min(seconds, left)))
    if seconds < left then return end
    fail({ kind = "timeout", elapsed = limit, message = ("timed out after %g s while waiting "
      .. "for the answer"):format(limit) }, raw)
  end
end

---The answer as the wire would give it.
---@param answer table checked
---@param raw table the request
---@param request orch.TestHttpRequest
---@param started number
---@return orch.http.Canned
function answers.canned(answer, raw, request, started)
  local pieces, i = pieces_of(answer), 0
  local wait = waiter(raw, started)
  local lines = head_lines(answer, pieces)
  if raw.method == "HEAD" then pieces = {} end
  local result = {
    status = answer.status or 200, head = table.concat(lines, "\r\n") .. "\r\n\r\n",
    url = raw.url, redirect_url = redirect_of(answer, raw), expected = expected(answer, pieces),
    elapsed = 0, sent = #request.body, meter = raw.meter, jar = raw.jar,
  }
  function result.before()
    if answer.delay then wait(answer.delay) end
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
    if piece.delay then wait(piece.delay) end
    if piece.error then fail(piece.error, raw) end
    return piece.text or result.next()
  end
  return result
end

return answers
