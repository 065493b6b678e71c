--- From what a handler returns to what the client gets.

local arg = require "orch.arg"
local core = require "orch.core.serve"
local tasks = require "orch.core.task"

local answer = {}

---@class orch.Answer
---@field status integer? 200, or 204 where there is nothing to send
---@field headers table<string, string|number|(string|number)[]>?
---@field body string? one of these says what is sent:
---@field json any?
---@field file orch.Path? its type by its ending; single ranges are served; 404 if missing
---@field root orch.Path? the folder that `file` is in and cannot leave, whatever it says
---@field stream (async fun(send: async fun(chunk: string)): orch.Answer?)? sent as it is made;
---  `send` waits while more than 64 KB are unsent and raises kind `closed` when the client
---  has gone; returning {reset=true} or {close=true} breaks off here
---@field events (async fun(send: async fun(event: string|orch.ServerEvent)))? server-sent events
---@field reset boolean? the client sees a connection reset by peer
---@field close boolean? the connection is closed without an answer

---@class orch.ServerEvent
---@field data any a string; anything else is sent as JSON
---@field event string?
---@field id string|number|nil
---@field retry integer? milliseconds
---@field comment string?

local FNAME = "an answer of http.serve"

local spec = {
  status = "integer", headers = "table", body = "string|number", json = "any", file = "path",
  root = "path", stream = "callable", events = "callable", reset = "boolean", close = "boolean",
}
local bodies = { "body", "json", "file", "stream", "events" }

--- Belong to the server.
local refused = {
  ["transfer-encoding"] = "a stream is sent in chunks anyway", date = "the server says it",
}

local function check_value(name, value)
  if math.type(value) then value = tostring(value) end
  if type(value) ~= "string" then
    arg.fail("%s: the header '%s' should be a string, a number or a list of them, not %s",
      FNAME, tostring(name), arg.describe(value))
  end
  if value:find "[\r\n\0]" then
    arg.fail("%s: the header '%s' has a line end or a NUL byte in its value, which would end "
      .. "the header early", FNAME, name)
  end
  return value
end

local function check_name(name)
  if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+%-.^_`|~]+$" then
    arg.fail("%s: `headers` should be { Name = value }; %s cannot be a name", FNAME,
      arg.describe(name))
  end
  local why = refused[name:lower()]
  if why then arg.fail("%s: the header '%s' cannot be set: %s", FNAME, name, why) end
end

--- {name, value, ...} in the order of the names; the length that they declare.
local function list_of(headers, defaults)
  local list, given, length = {}, {}, nil
  for name in next, headers do
    check_name(name)
    given[name:lower()] = true
  end
  for _, name in ipairs(arg.keys_of(headers)) do
    local value = headers[name]
    if name:lower() == "content-length" then
      length = math.tointeger(tonumber(value))
      if not length or length < 0 then
        arg.fail("%s: the header '%s' should be a number of bytes, not %s", FNAME, name,
          arg.describe(value))
      end
    else
      for _, item in ipairs(type(value) == "table" and value or { value }) do
        list[#list + 1] = name
        list[#list + 1] = check_value(name, item)
      end
    end
  end
  for i = 1, #(defaults or ""), 2 do
    if not given[defaults[i]:lower()] then
      list[#list + 1] = defaults[i]
      list[#list + 1] = defaults[i + 1]
    end
  end
  return list, length
end

local PLAIN = { "Content-Type", "text/plain; charset=utf-8" }
local JSON = { "Content-Type", "application/json" }
local EVENTS = { "Content-Type", "text/event-stream", "Cache-Control", "no-cache" }
local BINARY = { "Content-Type", "application/octet-stream" }

local function headers_of(value, defaults)
  if not value.headers then return defaults end
  return list_of(value.headers, defaults)
end

--- `respond` for a body in memory.
local function respond(request, status, headers, length, body)
  if length and length ~= #body then
    if request.method == "HEAD" then -- only the length of what a GET would give
      core.start(request.handle, status, headers, length)
      return core.finish(request.handle, "well")
    end
    arg.fail("%s: the header 'Content-Length' says %d, but the body has %d bytes; leave it "
      .. "out, or use `stream`", FNAME, length, #body)
  end
  return core.respond(request.handle, status, headers, body)
end

local function how_to_end(result)
  if type(result) ~= "table" then return "well" end
  result = arg.options("the end of a stream of http.serve", result,
    { reset = "boolean", close = "boolean" })
  return result.reset and "reset" or result.close and "close" or "well"
end

--- Runs `fn(send)` while the client reads.
local function stream(request, status, headers, length, fn, encode)
  local handle, left = request.handle, length or math.huge
  core.start(handle, status, headers, length or -1)
  if request.method == "HEAD" then return core.finish(handle, "well") end
  local result = fn(function(chunk)
    chunk = encode(chunk)
    left = left - #chunk
    if left < 0 then
      arg.fail("send: that is %d bytes more than the header 'Content-Length' said", -left)
    end
    core.send(handle, chunk)
  end)
  core.finish(handle, how_to_end(result))
end

local function chunk_text(chunk)
  if math.type(chunk) then return tostring(chunk) end
  return arg.check("send", 1, chunk, "string")
end

local event_spec = {
  event = "string", data = "any", id = "string|number", retry = "integer", comment = "string",
}

local function lines_of(name, text, parts)
  for line in (text:gsub("\r\n?", "\n") .. "\n"):gmatch "(.-)\n" do
    parts[#parts + 1] = name .. ": " .. line
  end
end

local function one_line(name, text)
  text = tostring(text)
  if text:find "[\r\n\0]" then
    arg.fail("send: the `%s` of an event has to be one line", name)
  end
  return name .. ": " .. text
end

--- An event as it goes over the wire.
local function event_text(event)
  if type(event) ~= "table" then event = { data = event } end
  event = arg.options("send", event, event_spec)
  local parts = {}
  if event.comment then lines_of("", event.comment, parts) end
  for _, name in ipairs { "event", "id", "retry" } do
    if event[name] ~= nil then parts[#parts + 1] = one_line(name, event[name]) end
  end
  local data = event.data
  if data ~= nil then
    if type(data) ~= "string" then data = require("orch.json").encode(data) end
    lines_of("data", data, parts)
  end
  if #parts == 0 then
    arg.fail "send: an event needs `data`, `event`, `id`, `retry` or `comment`"
  end
  return table.concat(parts, "\n") .. "\n\n"
end

--- Which of the ways to answer it is.
local function way_of(value)
  local way
  for _, name in ipairs(bodies) do
    if value[name] ~= nil then
      if way then arg.fail("%s has both `%s` and `%s`; it takes one", FNAME, way, name) end
      way = name
    end
  end
  return way
end

local function check_status(status)
  if status < 200 or status > 999 then
    arg.fail("%s: `status` should be from 200 to 999, not %d", FNAME, status)
  end
  return status
end

local ways = {}

function ways.body(request, value, status)
  local headers, length = headers_of(value, PLAIN)
  return respond(request, status, headers, length, tostring(value.body))
end

function ways.json(request, value, status)
  local text = require("orch.json").encode(value.json)
  local headers, length = headers_of(value, JSON)
  return respond(request, status, headers, length, text)
end

function ways.stream(request, value, status)
  local headers, length = headers_of(value, BINARY)
  return stream(request, status, headers, length, value.stream, chunk_text)
end

function ways.events(request, value, status)
  local headers, length = headers_of(value, EVENTS)
  return stream(request, status, headers, length, value.events, event_text)
end

function ways.file(request, value, status)
  local files = require "orch.http.serve.file"
  local file <close>, what, defaults = files.open(request, value, status)
  if not file then return respond(request, what, defaults, nil, "") end
  local headers, length = headers_of(value, defaults)
  if length and length ~= what.size then
    arg.fail("%s: leave the header 'Content-Length' to the server, who knows the file", FNAME)
  end
  return stream(request, what.status, headers, what.size,
    function(send) return files.copy(file, what, send) end, chunk_text)
end

local function send_table(request, value)
  value = arg.options(FNAME, value, spec)
  if value.reset or value.close then
      return core.finish(request.handle, value.reset and "reset" or "close")
  end
  local way = way_of(value)
  if value.root and way ~= "file" then
    arg.fail("%s: `root` is the folder of a `file`; there is none", FNAME)
  end
  local status = check_status(value.status or (way and 200 or 204))
  if way then return ways[way](request, value, status) end
  local headers, length = headers_of(value)
  return respond(request, status, headers, length, "")
end

---Answers a request and waits until the client has it.
---@async
---@param request orch.Request
---@param value any what the handler returned
function answer.send(request, value)
  local kind = math.type(value) or type(value)
  if kind == "string" then return respond(request, 200, PLAIN, nil, value) end
  if kind == "nil" then return respond(request, 204, nil, nil, "") end
  if kind == "integer" then return respond(request, check_status(value), nil, nil, "") end
  if kind == "table" then return send_table(request, value) end
  arg.fail("http.serve: the handler of %s should return a string, nil, a status or a table "
    .. "such as { status = 200, body = \"...\" }, not %s", request.name, arg.describe(value))
end

return answer
