--- Sends requests on and writes down what comes of them: an answer, a failure, or that
--- it was cancelled.

local exchange = require "orch.http.tape.exchange"
local scope = require "orch.scope"

--- An answer that is read piece by piece, on its way to the script.
local Stream = {}

function Stream:read()
  local taken = self.taken
  taken.is_reading = true
  local ok, chunk = pcall(self.inner.read, self.inner)
  taken.is_reading = false
  if not ok then
    taken:finish(chunk)
    error(chunk, 0)
  end
  if chunk then taken:add(chunk) else taken:finish() end
  return chunk
end

function Stream:save(path, offset, sync)
  local taken = self.taken
  taken.is_reading = true
  local ok, size = pcall(self.inner.save, self.inner, path, offset, sync)
  taken.is_reading = false
  taken:add_file(path, offset or 0, ok and size or math.huge)
  taken:finish(not ok and size or nil)
  if not ok then error(size, 0) end
  return size
end

function Stream:progress() return self.inner:progress() end

function Stream:timings() return self.inner:timings() end

function Stream:close()
  self.inner:close()
  self.taken:finish(nil, true)
end

Stream.__close = Stream.close

Stream.__index = function(self, key) return Stream[key] or self.inner[key] end

local record = {}

---@async
---@param tape table
---@param raw table a request of the wire
---@return table answer
function record.send(tape, raw)
  tape:start()
  local taken = exchange(tape, raw)
  local _ <close> = scope.defer(function(err) taken:finish(err) end)
  local answer = tape.inner.send(taken.raw)
  taken.answer = answer
  if answer.body and answer.body ~= "" then
    taken.is_whole = true
    taken:add(answer.body)
  end
  return answer
end

---@async
---@param tape table
---@param raw table
---@return table stream
function record.open(tape, raw)
  tape:start()
  local taken = exchange(tape, raw)
  local _ <close> = scope.defer(function(err)
    if err ~= nil then taken:finish(err) end
  end)
  taken:begin(tape.inner.open(taken.raw))
  return setmetatable({ inner = taken.answer, taken = taken }, Stream)
end

return record
