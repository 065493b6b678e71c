--- The stderr of a command that was spawned in a task with a sink: it goes there, and can
--- be read all the same. Its end is kept for whoever looks when the command has failed.
---
---     local kept = kept.new(sink)
---     kept.taker.add "text\n"
---     kept:read "line"          -- "text"

local park = require "orch.core.park"
local tasks = require "orch.core.task"
local output = require "orch.output"

local TAIL = 64 << 10 -- kept while nobody has read
local WINDOW = 256 << 10 -- ahead of somebody who reads slowly

---@class orch.Kept
---@field taker orch.OutputTaker
---@field text string what was not read
---@field private asked boolean
---@field private over boolean
---@field private waiting integer readers
---@field private stop_waiting table
local Kept = {}
Kept.__index = Kept

--- What is wanted may be more than the window: while somebody waits, all is kept.
---@private
function Kept:wait_for_more()
  self.waiting = self.waiting + 1
  local _ <close> = self.stop_waiting
  self.taken:wake_all()
  self.arrived:wait()
end

---@private
function Kept:add(sink, bytes)
  output.pass(sink, bytes)
  local text = self.text .. bytes
  self.text = self.asked and text or text:sub(-TAIL)
  self.arrived:wake_all()
  while self.asked and self.waiting == 0 and #self.text > WINDOW and not self.over do
    self.taken:wait()
  end
end

function Kept:finish()
  self.over = true
  self.arrived:wake_all()
  self.taken:wake_all()
end

--- How many bytes are the answer, and how many go; nil: not yet.
local function measure(text, over, want, count)
  local size = #text
  if want == "line" then
    local stop = text:find("\n", 1, true)
    if stop then return stop - 1, stop end
  elseif want == "some" and size > 0 then
    return size, size
  elseif want == "count" and size >= count then
    return count, count
  end
  if over then return size, size end
end

---@async
---@param want "some"|"line"|"count"|"all"
---@param count integer? for "count"
---@return string? text nil at the end
function Kept:read(want, count)
  tasks.checkpoint()
  self.asked = true
  local shown, gone = measure(self.text, self.over, want, count)
  while not shown do
    self:wait_for_more()
    shown, gone = measure(self.text, self.over, want, count)
  end
  local text = self.text:sub(1, shown)
  self.text = self.text:sub(gone + 1)
  self.taken:wake_all()
  return (gone > 0 or want == "all") and text or nil
end

local kept = {}

---@param sink orch.Sink
---@return orch.Kept
function kept.new(sink)
  local self = setmetatable({
    text = "", asked = false, over = false, waiting = 0,
    arrived = park.new "process:read", taken = park.new "process",
  }, Kept)
  self.stop_waiting = setmetatable({}, { __close = function()
    self.waiting = self.waiting - 1
  end })
  self.taker = {
    add = function(bytes) self:add(sink, bytes) end,
    finish = function() self:finish() end,
    tail = function() return self.text end,
  }
  return self
end

return kept
