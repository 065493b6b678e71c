--- A command that runs while the script talks to it: process.spawn.

local core = require "orch.core.process"
local tasks = require "orch.core.task"
local park = require "orch.core.park"
local scopes = require "orch.scope"
local arg = require "orch.arg"
local command = require "orch.process.command"
local failure = require "orch.process.failure"
local flow = require "orch.process.flow"
local quote = require "orch.quote"
local unclosed = require "orch.unclosed"

local spawn_options = {
  cwd = "path", env = "table", stdin = "string|table|callable",
  stdout = "string|table", stderr = "string|table",
  grace = "duration", check = "boolean",
}

---@class orch.Process
---@field pid integer
---@field stdout orch.ProcessOutput
---@field stderr orch.ProcessOutput
local Process = {}
Process.__index = Process
Process.__name = "orch.Process"
Process.leak = "the process.spawn of %s was never waited for: write "
  .. "`local p <close> = process.spawn{...}`, or call `p:wait()`"

---@class orch.ProcessOutput
local Output = {}
Output.__index = Output
Output.__name = "orch.ProcessOutput"

local function count_of(what)
  local count = math.tointeger(what)
  if not count or count < 1 then
    arg.fail('process:read: argument 1 should be "line", "all" or a number of bytes, not %s',
      arg.describe(what))
  end
  return count
end

---Reads from the output of the command.
---@async
---@param what "line"|"all"|integer|nil a line without its end, all that is left, at most
---  so many bytes; by default whatever is there, at least a byte
---@return string? text nil at the end
function Output:read(what)
  local child = self.process.child
  if self.kept then return self:read_kept(what) end
  if what == nil then return child:read(self.which, "some") end
  if what == "line" or what == "all" then return child:read(self.which, what) end
  return child:read(self.which, "count", count_of(what))
end

--- What goes to the sink of a job meanwhile.
---@private
function Output:read_kept(what)
  if what == nil then return self.kept:read "some" end
  if what == "line" or what == "all" then return self.kept:read(what) end
  return self.kept:read("count", count_of(what))
end

---`for line in p:lines() do`
---@return fun(): string?
function Output:lines()
  return function() return self:read "line" end
end

---@async
---@see orch.ProcessOutput.read
function Process:read(what)
  return self.stdout:read(what)
end

---@return fun(): string?
function Process:lines()
  return self.stdout:lines()
end

---Writes to the command's stdin, waiting while it does not read.
---@async
---@param text string|number
---@return boolean reads false once it has closed its stdin or ended
function Process:write(text)
  text = math.type(text) and tostring(text) or text
  arg.check("process:write", 1, text, "string")
  while self.writing do self.writers:wait() end
  self.writing = true
  local _ <close> = self.write_end
  return self.child:write(text)
end

---The command sees the end of its stdin.
function Process:close_stdin()
  self.child:close_stdin()
end

---Waits for its end; more than one task may.
---@async
---@return orch.ProcessResult result its `stderr` is what nobody has read, at most 64 KB
---Raises kind `process` as `run` does, unless `check=false` or it was ended by `kill`.
function Process:wait()
  unclosed.remove(self)
  if self.ended then tasks.checkpoint() end
  while not self.ended do self.waiters:wait() end
  local result = self.result or error("not enough memory", 0)
  if not result.ok and self.check and not self.killed then
    failure.ended(self.command, result,
      result.stderr and { name = "stderr", text = result.stderr })
  end
  return result
end

---Ends it and all it started (TERM, then KILL) and waits until nothing is left.
---@async
---@param grace number|string? between TERM and KILL
---@return orch.ProcessResult
function Process:kill(grace)
  grace = arg.check("process:kill", 1, grace, "duration?")
  self.killed = true
  if not self.ended then self.child:stop(grace) end
  return self:wait()
end

---Sends a signal to its process group.
---@param name string|integer "HUP", "SIGHUP" or a number
---@return boolean sent false when it has ended already
function Process:signal(name)
  local number = math.tointeger(name)
    or type(name) == "string" and core.signal_number(name:upper())
  if not number or number < 1 or number > 64 then
    arg.fail('process:signal: argument 1 should be a signal such as "HUP", not %s',
      arg.describe(name))
  end
  return not self.ended and self.child:signal(number)
end

function Process:__close()
  unclosed.remove(self)
  if self.ended then return end
  self.killed = true
  self.child:stop()
  local shield <close> = scopes.scope { name = "process:close", shield = true, grace = math.huge }
  while not self.ended do self.waiters:wait() end
end

--- What is known at the end. Whoever waits is told first: they run later.
local function note_end(self, child, words)
  local kept = self.stderr.kept
  self.ended = true
  self.waiters:wake_all()
  if kept then kept:finish() end
  local exit_code, signal, elapsed = child:result()
  self.result = setmetatable({
    ok = exit_code == 0, exit_code = exit_code, signal = signal, elapsed = elapsed,
    stderr = kept and kept.text or words.stderr == "tail" and child:output(2) or nil,
  }, command.result)
end

--- Owns the command on behalf of the scope it was started in: whatever ends the scope
--- ends this task, and this task ends the command.
local function keep(self, argv, opts, words, takers, tee, started)
  local rest <close> = tee
  local over <close> = setmetatable({}, { __close = function()
    if self.child then note_end(self, self.child, words) end
  end })
  local ok, child, source = pcall(command.start, "process.spawn", argv, opts, words, "pipe")
  if not ok then
    self.error = child
    return started:wake_all()
  end
  local _ <close> = child
  self.child, self.pid = child, child:pid()
  if tee then tee.child = child end
  started:wake_all()
  flow.fed(child, source, self.command, flow.follow, child, takers)
  -- It has ended by itself; a failure that nobody has waited for is still told.
  if not self.check or child:result() == 0 then unclosed.remove(self) end
end

---Starts a program and returns while it runs. It ends at the latest with the scope it
---was started in; one that was neither closed nor waited for is told when the run ends.
---Nobody has to read stderr: its last 64 KB are kept.
---@async
---@param spec orch.ProcessOptions with the program and its arguments as list
---@return orch.Process `<close>`-able
---Raises kind `os` when it cannot be run.
local function spawn(spec, ...)
  if select("#", ...) > 0 then
    arg.fail('process.spawn takes one table: process.spawn{"tool", "argument", cwd="..."}')
  end
  local argv, opts = command.split("process.spawn", spec)
  opts = arg.options("process.spawn", opts, spawn_options)
  local words = {
    stdout = command.output("process.spawn", "stdout", opts.stdout, nil, "pull"),
    stderr = command.output("process.spawn", "stderr", opts.stderr, nil, "tail"),
  }
  local self = setmetatable({
    command = quote.command(argv), check = opts.check ~= false, ended = false,
    writing = false, waiters = park.new "process", writers = park.new "process",
  }, Process)
  self.write_end = setmetatable({}, { __close = function()
    self.writing = false
    self.writers:wake()
  end })
  self.stdout = setmetatable({ process = self, which = 1 }, Output)
  self.stderr = setmetatable({ process = self, which = 2 }, Output)
  local started = park.new "process.spawn"
  local takers, tee, sink = {}, nil, command.sink()
  if sink then
    local plan = require("orch.process.tee").plan_spawned
    tee, self.stderr.kept = plan(words, takers, opts, sink)
  end
  tasks.spawn("process " .. failure.show(self.command), 1, keep, self, argv, opts, words, takers,
    tee, started)
  while not self.child and not self.error do started:wait() end
  if self.error then error(self.error, 0) end
  if not self.ended then unclosed.add(self) end
  return self
end

return spawn
