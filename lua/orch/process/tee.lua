--- A command in a task whose prints go to a sink: what it prints goes there as well,
--- while it comes. What the script sends elsewhere by name (a file, "null") stays there.
---
---     local tee = tee.plan(words, takers, opts, sink)      -- changes words and takers
---     local rest <close> = tee                             -- around the command

local output = require "orch.output"
local flow = require "orch.process.flow"

local tee = {}

local function nothing() end

---@return orch.OutputTaker
local function to_sink(sink)
  local tail = ""
  local function add(bytes)
    tail = flow.tail(tail, bytes)
    output.pass(sink, bytes)
  end
  return { add = add, finish = nothing, tail = function() return tail end }
end

--- The same, keeping all of it for the result, up to `max_output`.
local function to_both(sink, opts)
  local parts, size = {}, 0
  local function add(bytes)
    size = size + #bytes
    if size > opts.max_output then return "overflow" end
    parts[#parts + 1] = bytes
    output.pass(sink, bytes)
  end
  local function text()
    parts = { table.concat(parts) }
    return parts[1]
  end
  return { add = add, finish = nothing, tail = text, text = text }
end

--- The same for a callback, line by line: what it prints about a line stands below it.
local function to_callback(sink, callback)
  return flow.to_lines(function(line)
    output.pass(sink, line .. "\n")
    callback(line)
  end)
end

---@class orch.Tee
---@field merged boolean both streams come as stdout, in order
---@field child any? set once it runs
---@field private sink orch.Sink
---@field private taken table<integer, boolean>
local Tee = {}
Tee.__index = Tee

--- What it said while it was being ended: the reason for a timeout, as a rule. The error
--- that is under way matters more than one of the sink's.
function Tee:__close(err)
  if err == nil or not self.child then return end
  for which = 1, 2 do
    local text = self.taken[which] and self.child:output(which) or ""
    if text ~= "" then pcall(self.sink.write, self.sink, text) end
  end
end

local function new(words, sink)
  if words.stdout == "inherit" and words.stderr == "inherit" then words.stderr = "&1" end
  return setmetatable({
    sink = sink, taken = {}, merged = words.stdout == "inherit" and words.stderr == "&1",
  }, Tee)
end

---For `process.run`.
---@param words {stdout: string, stderr: string} for the core
---@param takers {stdout: orch.OutputTaker?, stderr: orch.OutputTaker?}
---@param opts orch.ProcessOptions
---@param sink orch.Sink
---@return orch.Tee `<close>`-able, to be closed after the command
function tee.plan(words, takers, opts, sink)
  local self = new(words, sink)
  for which, name in ipairs { "stdout", "stderr" } do
    local word = words[name]
    if word == "inherit" then
      takers[name] = to_sink(sink)
    elseif word == "capture" then
      takers[name] = to_both(sink, opts)
    elseif word == "stream" then
      takers[name] = to_callback(sink, opts["on_" .. name])
    end
    if takers[name] then words[name], self.taken[which] = "stream", true end
  end
  return self
end

---For `process.spawn`: what is inherited goes to the sink, and so does a stderr that
---nobody has asked for, which can be read all the same.
---@param words {stdout: string, stderr: string} for the core
---@param takers {stdout: orch.OutputTaker?, stderr: orch.OutputTaker?}
---@param opts orch.ProcessOptions
---@param sink orch.Sink
---@return orch.Tee `<close>`-able, to be closed after the command
---@return orch.Kept? kept
function tee.plan_spawned(words, takers, opts, sink)
  local self = new(words, sink)
  local kept = opts.stderr == nil and require("orch.process.kept").new(sink) or nil
  if words.stdout == "inherit" then takers.stdout = to_sink(sink) end
  if words.stderr == "inherit" then takers.stderr = to_sink(sink) end
  if kept then takers.stderr = kept.taker end
  for which, name in ipairs { "stdout", "stderr" } do
    if takers[name] then words[name], self.taken[which] = "stream", true end
  end
  return self, kept
end

return tee
