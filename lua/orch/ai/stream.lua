--- An answer that comes piece by piece.
---
---     for text in provider:stream "Tell me a story" do io.write(text) end
---
---     local s <close> = provider:stream "Tell me a story"
---     for text in s do io.write(text) end
---     print(s.response.usage.output_tokens)

local clock = require "orch.core.clock"
local http = require "orch.http"
local call = require "orch.ai.call"
local failure = require "orch.ai.failure"
local field = require "orch.ai.field"
local scopes = require "orch.scope"
local unclosed = require "orch.unclosed"

---@class orch.ai.Stream
---@field response orch.ai.Response? after the end what `chat` would have returned
---@operator call: string?
local Stream = { __name = "orch.ai.Stream" }
Stream.__index = Stream
Stream.leak = "the provider:stream of %s was neither read to its end nor closed: write "
  .. "`local s <close> = provider:stream(...)`"

local ERROR_BODY = 1 << 20 -- bytes that are read of an answer that is an error

local function read_all(source, limit)
  local chunks, size = {}, 0
  for chunk in source:chunks() do
    chunks[#chunks + 1], size = chunk, size + #chunk
    if limit and size > limit then break end
  end
  return table.concat(chunks)
end

--- The head of the answer is there; an error is dealt with at once.
local function open(self)
  local c = self.call
  local ok, source = pcall(http.stream, "POST", c.url, call.request(c))
  if not ok then failure.pass(c, source) end
  self.source = source
  unclosed.remove(source) -- ours to watch
  local good = source.status >= 200 and source.status <= 299
  local is_page = (source.headers["content-type"] or ""):find("html", 1, true)
  if good and not is_page then return end
  local _ <close> = source
  local read, body = pcall(read_all, source, ERROR_BODY)
  if good then failure.nonsense(c, read and body or "") end
  failure.status(c, { status = source.status, headers = source.headers,
    body = read and body or "" })
end

function Stream:close()
  unclosed.remove(self)
  if self.source then self.source:close() end
end

Stream.__close = Stream.close

--- What follows the last event is the end of the body, and with it the connection can be
--- used again; a server that does not end it is not waited for.
local function drain(events)
  pcall(scopes.move_on_after, 0.1, function()
    while events() ~= nil do end
  end)
end

local function finish(self, raw, body)
  self.call.ended = clock.now()
  if self.events and not self.reader.ends_with_body then drain(self.events) end
  self:close()
  self.response = call.response(self.call, raw, call.request_id(self.source.headers), body)
end

--- A server that does not stream sends all at once.
local function read_whole(self)
  local body = read_all(self.source)
  finish(self, call.decode(self.call, body), body)
  if self.response.text ~= "" then return self.response.text end
end

--- The text of the next event, if it holds some; true at the end.
local function take(self)
  local event, reader = self.events(), self.reader
  if event == nil then
    if not reader.done then failure.broken(self.call, reader) end
    return nil, true
  end
  if event.data == reader.last then return nil, true end
  if event.data == "" then return nil end
  local ok, data = field.decode(event.data)
  if not ok or type(data) ~= "table" then
    failure.nonsense(self.call, event.data, reader:text())
  end
  if event.event == "error" or field.any(data, "error") ~= nil then
    failure.inside(self.call, data, reader:text())
  end
  local text = reader:event(event.event, data)
  return text, reader.done and not reader.ends_with_body
end

local function next_text(self)
  if not self.events then return read_whole(self) end
  while true do
    local text, is_end = take(self)
    if is_end then
      finish(self, self.reader:result())
      return text
    end
    if text then return text end
  end
end

---The next piece of text.
---@async
---@return string? text nil at the end, when `response` is there; raises kinds `status`
---  (an error in mid-stream), `http` (it broke off), `refused`, `network`, `timeout`; what had
---  come until then is the error's `text`
function Stream:read()
  if self.response then return nil end
  if self.failed then error(self.failed, 0) end
  local ok, text = pcall(next_text, self)
  if ok then return text end
  self.failed = text
  self:close()
  failure.pass(self.call, text, self.reader)
end

Stream.__call = Stream.read

---All that is left, in one text.
---@async
---@return string text raises as `read` does
function Stream:text()
  local texts = {}
  for text in self do texts[#texts + 1] = text end
  return table.concat(texts)
end

--- What is not handed over is closed.
local Opening = {
  __close = function(opening, err)
    if err ~= nil then opening.stream:close() end
  end,
}

---@async
---@param c orch.ai.Call
---@return orch.ai.Stream
return function(c)
  local self = setmetatable({ call = c, source = false, events = false,
    reader = c.adapter.reader() }, Stream)
  local _ <close> = setmetatable({ stream = self }, Opening)
  unclosed.add(self)
  call.attempt(c, function() open(self) end)
  local kind = self.source.headers["content-type"] or ""
  if not kind:find("json", 1, true) then self.events = self.source:events() end
  return self
end
