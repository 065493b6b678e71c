--- Where requests leave for the network, one hop each: the only user of the C client,
--- and the seam that tapes and fakes replace.
---
---     local raw = wire.send { method = "GET", url = "http://127.0.0.1/", headers = {} }
---     local _ <close> = wire.with { send = fake_send, open = fake_open }

local core = require "orch.core.http"
local failure = require "orch.http.wire_failure"
local feeder = require "orch.http.feeder"
local place = require "orch.place"

core.raise_with(failure.raise)
failure.parse = core.parse

local wire = {}

---@class orch.http.Segment
---@field path string a file
---@field offset integer bytes into it
---@field size integer bytes from there

---@class orch.http.WireRequest
---@field method string
---@field url string
---@field headers string[] lines "Name: value"
---@field body string|(string|orch.http.Segment)[]|(fun(): string?)|nil
---@field rewindable boolean? libcurl may send the body again by itself
---@field jar any? cookies
---@field resolve string[]? "host:port:address"
---@field meter table? gets `exchange`, whose progress() may be asked meanwhile
---@field settings table<string, any>? options of the C client, already checked

---@class orch.http.Raw
---@field status integer
---@field head string status line and header lines
---@field body string
---@field http_version string? "1.0", "1.1" or "2"
---@field elapsed number seconds
---@field url string
---@field redirect_url string? absolute
local Raw = {}
Raw.__index = Raw

---@return {dns: number, connect: number, tls: number, first_byte: number, total: number, reused: boolean}
---  seconds since the start
function Raw:timings() return self.exchange:timings() end

---@return {received: integer, expected: integer?, sent: integer, total_upload: integer?} bytes
function Raw:progress()
  local received, expected, sent, total = self.exchange:progress()
  return { received = received, expected = expected, sent = sent, total_upload = total }
end

--- An answer whose body follows.
---@class orch.http.RawStream: orch.http.Raw
local Stream = setmetatable({}, Raw)
Stream.__index = Stream

---@async
---@return string? chunk nil at the end; raises what broke it off
function Stream:read()
  local exchange, feeding = self.exchange, self.feeding
  if not feeding then return exchange:read() end
  return feeder.result(feeding, pcall(exchange.read, exchange))
end

---The rest of the body into a file; what came before a failure is in it as well.
---@async
---@param path string
---@param offset integer where in the file
---@param sync boolean? it is on the disk at the return
---@return integer size of the file
function Stream:save(path, offset, sync)
  local exchange, feeding = self.exchange, self.feeding
  if not feeding then return exchange:save(path, offset, sync) end
  return feeder.result(feeding, pcall(exchange.save, exchange, path, offset, sync))
end

---Lets go of the connection. No effect the second time.
function Stream:close()
  if self.feeding then self.feeding.task:cancel() end
  self.exchange:close()
end

function Stream:__close() self:close() end

---The absolute URL of a Location header, or nil; an empty one leads nowhere.
local function redirect_url(request, status, head)
  if status < 300 or status > 399 then return nil end
  local location = head:match("\n[Ll][Oo][Cc][Aa][Tt][Ii][Oo][Nn]:[ \t]*([^\r\n]*)")
  if not location or location == "" then return nil end
  location = location:gsub("[ \t]+$", ""):gsub(" ", "%%20") -- for libcurl, "+" in a query
  return core.join(request.url, location) or location
end

--- libcurl writes those of a jar into a line of its own, and one line is all that there may be.
local function set_cookies(exchange, headers)
  local others, values = {}, {}
  for _, line in ipairs(headers) do
    local value = line:match "^[Cc][Oo][Oo][Kk][Ii][Ee]: (.*)$"
    table.insert(value and values or others, value or line)
  end
  if values[1] then exchange:set("cookie", table.concat(values, "; ")) end
  return others
end

local function prepare(request)
  local exchange = core.new(request.method, request.url)
  local headers, body = request.headers, request.body
  if headers and request.jar then headers = set_cookies(exchange, headers) end
  if headers and headers[1] then exchange:headers(headers) end
  if request.settings then
    for name, value in next, request.settings do exchange:set(name, value) end
  end
  if request.rewindable then exchange:set("rewindable", true) end
  if request.jar then exchange:jar(request.jar) end
  if request.resolve then exchange:resolve(request.resolve) end
  if request.meter then request.meter.exchange = exchange end
  if type(body) == "function" then
    exchange:body(nil)
  elseif body then
    exchange:body(body)
  end
  return exchange
end

local real = {}

function real.send(request)
  local exchange = prepare(request)
  if type(request.body) == "function" then return feeder.send(exchange, request, real.raw) end
  return real.raw(request, exchange, exchange:send())
end

function real.raw(request, exchange, status, head, body, version, elapsed)
  return setmetatable({
    exchange = exchange, url = request.url, status = status, head = head, body = body,
    http_version = version, elapsed = elapsed,
    redirect_url = redirect_url(request, status, head),
  }, Raw)
end

local function stream(request, exchange, status, head, version)
  return setmetatable({
    exchange = exchange, url = request.url, status = status, head = head,
    http_version = version, redirect_url = redirect_url(request, status, head),
  }, Stream)
end

function real.open(request)
  local exchange = prepare(request)
  if type(request.body) ~= "function" then return stream(request, exchange, exchange:open()) end
  local feeding = feeder.start(exchange, request.body)
  local raw = stream(request, exchange, feeder.result(feeding, pcall(exchange.open, exchange)))
  raw.feeding = feeding
  return raw
end

--- The network itself.
wire.real = real

--- What `send` and `open` go to: `real`, unless a tape or a fake stands in.
wire.transport = real

---One exchange, its answer whole in memory. Redirects are not followed.
---@async
---@param request orch.http.WireRequest
---@return orch.http.Raw raw raises the kinds network, tls, http, timeout and os
function wire.send(request)
  place.touch()
  return wire.transport.send(request)
end

---One exchange; returns when the head of the answer is there.
---@async
---@param request orch.http.WireRequest
---@return orch.http.RawStream stream raises the kinds network, tls, http, timeout and os
function wire.open(request)
  place.touch()
  return wire.transport.open(request)
end

local Swap = {
  __close = function(self) wire.transport = self.before end,
}

---Lets `transport` answer from now on, for the whole run.
---@param transport {send: fun(request: orch.http.WireRequest): orch.http.Raw, open: fun(request: orch.http.WireRequest): orch.http.RawStream}
---@return {before: table} swap `<close>`-able: restores what was there
function wire.with(transport)
  local before = wire.transport
  wire.transport = transport
  return setmetatable({ before = before }, Swap)
end

wire.jar = core.jar
wire.parse_url = core.parse
wire.join_url = core.join

return wire
