--- Whose what a task prints is: inside a job it goes to the job's sink, everywhere else
--- to the terminal.
---
---     local _ <close> = output.with(sink)
---     print "hello"                         -- sink:write "hello\n"

local context = require "orch.context"
local core = require "orch.core.print"
local tasks = require "orch.core.task"
local clock = require "orch.core.clock"

local PROGRESS_EVERY = 0.5 -- seconds
local LARGE = 16 << 10 -- from here on a piece is worth a trip to another thread

---Gets what the tasks print that have it. None of its methods may wait, except the last.
---@class orch.Sink
---@field write fun(self: orch.Sink, text: string) any bytes, in no particular pieces
---@field progress? fun(self: orch.Sink, label: string?, done: number, total: number?)
---@field message? fun(self: orch.Sink, level: string, text: string, fields: table?) of orch.log
---@field write_later? fun(self: orch.Sink, text: string) large pieces; may wait, which
---  holds back the command that prints them

local output = {}

local sinks = context "output"

--- More than none: what is printed now is printed by the sinks themselves.
local aside = 0

local function current()
  if aside > 0 then return nil end
  local locals = tasks.locals()
  return locals and locals[sinks] or nil
end

core.ask(current)

---The sink of the running task.
---@return orch.Sink? sink nil: the terminal
output.current = current

---`local _ <close> = output.with(sink)`: where this task and those that it spawns
---meanwhile print, until the block is left.
---@param sink orch.Sink|false|nil false or nil: to the terminal
---@return table restore to be closed
function output.with(sink)
  return sinks:set(sink or false)
end

local back = setmetatable({}, { __close = function() aside = aside - 1 end })

---Calls a function whose own prints go to the terminal whatever task it runs in: a view
---that is told of a job's output.
---@generic T
---@param fn fun(...): T... must not wait
---@return T ...
function output.aside(fn, ...)
  aside = aside + 1
  local _ <close> = back
  return fn(...)
end

---Hands a piece of a command's output to a sink; waits where the piece is large, so that
---a command does not print faster than its output is stored.
---@async
---@param sink orch.Sink
---@param text string
function output.pass(sink, text)
  if #text >= LARGE and sink.write_later then
    sink:write_later(text)
  else
    sink:write(text)
  end
end

---For bars: tells `sink` how far they are, at most twice a second.
---@param sink orch.Sink
---@param label string?
---@return fun(done: number, total: number?, last: boolean?) report `last`: in any case
function output.reporter(sink, label)
  local told = -math.huge
  return function(done, total, last)
    local now = clock.now()
    if not sink.progress or (now - told < PROGRESS_EVERY and not last) then return end
    told = now
    sink:progress(label, done, total)
  end
end

return output
