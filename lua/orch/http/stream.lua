--- An answer that is read piece by piece: the server waits for a script that reads slowly.
---
---     local s <close> = orch.http.stream("GET", url)
---     for line in s:lines() do print(line) end

local again = require "orch.http.again"
local arg = require "orch.arg"
local checkpoint = require("orch.core.task").checkpoint
local errors = require "orch.core.error"
local fault = require "orch.http.fault"
local new_response = require "orch.http.response"
local options = require "orch.http.options"
local pieces = require "orch.http.pieces"
local request = require "orch.http.request"
local unclosed = require "orch.unclosed"
local urls = require "orch.http.url"
local wire = require "orch.http.wire"

local MOST_OF_A_FAILURE = 64 << 10
local LONGEST = 64 << 20 -- of a line or an event, unless `limit` says otherwise

---@class orch.http.Stream
---@field status integer
---@field ok boolean 200 to 299
---@field headers orch.http.Headers
---@field url string of the last request
---@field method string
---@field reason string
---@field http_version string?
---@field history {status: integer, url: string, location: string}[]
---@field last_event_id string? after `events` has given one
---@field private raw table
local Stream = { __name = "orch.http.stream",
  leak = "the http.stream of %s was neither read to its end nor closed: write "
    .. "`local s <close> = orch.http.stream(...)`" }

---@class orch.http.Stream
local methods = {}

local known = { "status", "ok", "headers", "url", "method", "reason", "http_version", "history",
  "last_event_id", "read", "chunks", "lines", "events", "text", "json", "save", "progress",
  "close" }
local optional = { last_event_id = true, http_version = true }

function Stream:__index(key)
  local method = methods[key]
  if method then return method end
  if optional[key] or type(key) ~= "string" then return nil end
  -- What it has in common with an answer that is there as a whole.
  if key == "ok" or key == "headers" or key == "url" or key == "reason" or key == "history" then
    return rawget(self, "response")[key]
  end
  local near = arg.suggest(key, known)
  arg.fail("a stream has no '%s'%s", key, near and ("; did you mean '%s'?"):format(near)
    or "; it has " .. table.concat(known, ", "))
end

function Stream.__call()
  arg.fail("a stream is read with for line in s:lines(), s:chunks() or s:events()")
end

local function check_open(self)
  if not self.closed then return end
  errors.throw(errors.make { kind = "closed", url = urls.shown(self.url),
    message = ("the stream of %s %s is closed already"):format(self.method,
      urls.shown(self.url)) })
end

---The next piece, as it came; waits for it.
---@async
---@return string? chunk nil at the end; raises kind `network`, `http` or `timeout` where the
---  answer broke off
function methods:read()
  if self.ended then
    checkpoint()
    return nil
  end
  check_open(self)
  local chunk = self.raw:read()
  if not chunk then
    self.ended = true
    unclosed.remove(self)
  end
  return chunk
end

local function too_long(self, what)
  local limit = self.limit or LONGEST
  fault.http(self.method, self.url, ("%s has more than %d bytes; raise `limit`, or read "
    .. "with chunks()"):format(what, limit), { limit = limit })
end

---The pieces of the body, as they come.
---@async
---@param opts? {size: number|string?, utf8: boolean?} `size`: pieces of exactly so many bytes;
---  `utf8=true`: no piece ends within a character
---@return async fun(): string? for `for chunk in s:chunks() do`
function methods:chunks(opts)
  local function read() return self:read() end
  if opts == nil then return read end
  opts = arg.options("stream:chunks", opts, { size = "size", utf8 = "boolean" })
  if opts.size then
    if opts.utf8 then arg.fail "stream:chunks: `size` and `utf8` exclude each other" end
    if opts.size < 1 then arg.fail "stream:chunks: option `size` should be at least 1" end
    return pieces.equal(read, opts.size)
  end
  if opts.utf8 then return pieces.whole_characters(read) end
  return read
end

---The lines of the body without their ends (LF or CR LF), the last one also without one.
---@async
---@return async fun(): string? for `for line in s:lines() do`
function methods:lines()
  local splitter = require("orch.http.lines").splitter()
  return pieces.items(function() return self:read() end, function(chunk)
    local list = splitter:feed(chunk)
    if splitter.size > (self.limit or LONGEST) then too_long(self, "a line") end
    return list
  end, function() return { splitter:finish() } end)
end

---Server-sent events. `s.last_event_id` is what a later request sends as `Last-Event-ID`.
---@async
---@return async fun(): orch.http.Event? for `for event in s:events() do`; raises kind `http`
---  where the answer is JSON or a page instead
function methods:events()
  local kind = (self.headers["content-type"] or ""):lower()
  if kind:find "^application/json" or kind:find "^text/html" then
    fault.http(self.method, self.url, ("the answer is %s, not server-sent events"):format(kind))
  end
  local parser = require("orch.http.events").parser()
  local next_event = pieces.items(function() return self:read() end, function(chunk)
    local list = parser:feed(chunk)
    if parser:pending() > (self.limit or LONGEST) then too_long(self, "an event") end
    return list
  end, function() return parser:finish() end)
  return function()
    local event = next_event()
    self.last_event_id = (event or parser).id
    return event
  end
end

local function rest_of(self, limit)
  local parts, size = {}, 0
  for chunk in methods.read, self do
    size = size + #chunk
    if limit and size > limit then too_long(self, "the answer") end
    parts[#parts + 1] = chunk
  end
  return table.concat(parts)
end

--- What is left, as an answer that is there as a whole.
local function whole(self)
  local response = rawget(self, "response")
  response.body = rest_of(self, self.limit)
  return response
end

---What is left of the body, as UTF-8 text.
---@async
---@return string
function methods:text() return whole(self):text() end

---The value of a JSON answer of which nothing has been read yet.
---@async
---@param opts? JsonDecodeOptions
---@return any value raises kind `json`
function methods:json(opts) return whole(self):json(opts) end

---What is left of the body into a file, as it comes; `http.download` is the call that leaves
---no broken file behind.
---@async
---@param path orch.Path
---@return integer bytes; raises kind `os`
function methods:save(path)
  path = require("orch.place").resolve(arg.check("stream:save", 1, path, "path"))
  check_open(self)
  local size = self.raw:save(path, 0)
  self.ended = true
  unclosed.remove(self)
  return size
end

---@return {received: integer, expected: integer?, sent: integer, total_upload: integer?} bytes
function methods:progress() return self.raw:progress() end

---Lets go of the connection. No effect the second time.
function methods:close()
  unclosed.remove(self)
  if self.closed then return end
  self.closed = true
  self.raw:close()
end

Stream.__close = methods.close

local function new(job, raw, last, history)
  local response = new_response(raw, last.method)
  if history then response.history = history end
  return setmetatable({
    raw = raw, response = response, status = raw.status, method = last.method,
    http_version = raw.http_version, limit = job.limit or false, ended = false, closed = false,
  }, Stream)
end

--- A bad status: what the server says about it is read, as far as it is short.
local function refuse(self, check, sent)
  local response = rawget(self, "response")
  if not check then
    response = self
  else
    local _ <close> = self
    local parts, size = {}, 0
    for chunk in methods.read, self do
      parts[#parts + 1], size = chunk, size + #chunk
      if size >= MOST_OF_A_FAILURE then break end
    end
    response.body = table.concat(parts):sub(1, MOST_OF_A_FAILURE)
  end
  fault.status(response, sent)
end

local function attempt(job)
  if job.left_open then job.left_open:close() end
  local raw, last, history = request.exchange(job, wire.open)
  local self = new(job, raw, last, history)
  if self.status < 400 or not (job.check or job.retry) then return self end
  job.left_open = not job.check and self or nil
  refuse(self, job.check, last)
end

local stream = {}

stream.spec = options.with {
  json = "any", form = "table", multipart = "table", body = "string|callable|table",
  cookies = "table",
}

---Opens a job's answer.
---@async
---@param job orch.http.Job
---@return orch.http.Stream
function stream.run(job)
  local settings = job.request.settings
  if settings.limit then -- counts what is kept at once, here, not what has been received
    job.limit = settings.limit
    local copy = {}
    for key, value in next, settings do copy[key] = value end
    copy.limit = nil
    job.request.settings = copy
  end
  return job.retry and again.run(job, attempt) or attempt(job)
end

---@async
---@return orch.http.Stream
function stream.open(fname, method, target, opts, client)
  local job = options.read(fname, method, target, opts, client, stream.spec)
  return unclosed.add(stream.run(job))
end

return stream
