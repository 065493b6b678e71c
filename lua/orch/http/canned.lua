--- An answer that is known beforehand, in the shape in which the wire gives one: what a
--- tape replays and what a fake in a test says.
---
---     return canned.send { status = 200, head = head, url = url, next = pieces }
---
--- `next() -> chunk or nil` gives the body; it may wait and raise. `before()` waits for
--- the head and may raise.

local errors = require "orch.core.error"
local task = require "orch.core.task"

local canned = {}

local ENOENT = 2
local codes = { [ENOENT] = "ENOENT", [13] = "EACCES", [21] = "EISDIR", [28] = "ENOSPC" }

---@class orch.http.Canned
---@field status integer
---@field head string status line and header lines, each with CR LF, and an empty one
---@field url string
---@field http_version string?
---@field redirect_url string?
---@field elapsed number? seconds as they are told
---@field expected integer? bytes of the body
---@field sent integer? bytes of the request's body
---@field jar any? gets the answer's cookies
---@field meter table? gets what tells how far it is, as the wire's does
---@field before async fun()?
---@field next async fun(): string?

local function timings_of(elapsed)
  return function()
    return { dns = 0, connect = 0, tls = 0, first_byte = elapsed, total = elapsed,
      reused = false }
  end
end

local Meter = {
  __index = { progress = function(self)
    local one = self.one
    return one.received, one.expected, one.sent, one.sent
  end },
}

local function head_of(answer)
  local elapsed = answer.elapsed or 0
  local raw = {
    status = answer.status, head = answer.head, url = answer.url,
    http_version = answer.http_version or "1.1", redirect_url = answer.redirect_url,
    elapsed = elapsed, timings = timings_of(elapsed), sent = answer.sent or 0,
    expected = answer.expected, received = 0,
  }
  if answer.jar then require("orch.http.cookie").store(answer.jar, answer.url, answer.head) end
  if answer.meter then answer.meter.exchange = setmetatable({ one = raw }, Meter) end
  return raw
end

--- Bytes, as the wire counts them.
local function progress(self)
  return { received = self.received, expected = self.expected, sent = self.sent,
    total_upload = self.sent > 0 and self.sent or nil }
end

---The whole answer, as `wire.send` gives it.
---@async
---@param answer orch.http.Canned
---@return table raw
function canned.send(answer)
  if answer.before then answer.before() end
  local raw, parts = head_of(answer), {}
  for chunk in answer.next do
    parts[#parts + 1] = chunk
    raw.received = raw.received + #chunk
  end
  raw.body = table.concat(parts)
  raw.progress = progress
  return raw
end

local Stream = {}
Stream.__index = Stream

---The next piece of the body; nil at its end.
---@async
---@return string?
function Stream:read()
  task.checkpoint()
  if self.is_closed then
    errors.throw(errors.make { kind = "closed", url = self.url,
      message = "the answer of " .. self.url .. " was closed already" })
  end
  local chunk = not self.at_end and self.answer.next() or nil
  if chunk then
    self.received = self.received + #chunk
  else
    self.at_end = true
  end
  return chunk
end

local function fail_to_write(path, problem, code)
  errors.throw(errors.make { kind = "os", path = path, code = codes[code],
    message = ("cannot write '%s': %s"):format(path, (problem:gsub("^.-: ", ""):lower())) })
end

--- As the wire does: what the file has beyond stays.
local function open_at(path, offset)
  local file, problem, code = io.open(path, "r+b")
  if not file and code == ENOENT then file, problem, code = io.open(path, "wb") end
  if not file then fail_to_write(path, problem, code) end
  file:seek("set", offset)
  return file
end

---The rest of the body goes into a file.
---@async
---@param path string
---@param offset integer? where in the file
---@return integer size of the file
function Stream:save(path, offset)
  local at = offset or 0
  local file <close> = open_at(path, at)
  for chunk in self.read, self do
    local ok, problem, code = file:write(chunk)
    if not ok then fail_to_write(path, problem, code) end
    at = at + #chunk
  end
  local ok, problem, code = file:flush()
  if not ok then fail_to_write(path, problem, code) end
  return at
end

Stream.progress = progress

function Stream:close()
  if self.is_closed then return end
  self.is_closed = true
  if self.answer.close then self.answer.close() end
end

Stream.__close = Stream.close

---The answer once its head is there, as `wire.open` gives it.
---@async
---@param answer orch.http.Canned
---@return table stream
function canned.open(answer)
  if answer.before then answer.before() end
  local stream = head_of(answer)
  stream.answer = answer
  return setmetatable(stream, Stream)
end

return canned
