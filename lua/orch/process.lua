--- Other programs: run one and wait for it, or talk to it while it runs. What a
--- command started ends with it, also when it is cancelled or times out.
---
---     local r = orch.process.run { "git", "rev-parse", "HEAD", timeout = "10s" }
---     print(r.stdout)

local core = require "orch.core.process"
local arg = require "orch.arg"
local place = require "orch.place"
local command = require "orch.process.command"
local failure = require "orch.process.failure"
local flow = require "orch.process.flow"
local quote = require "orch.quote"

---@class orch.ProcessOptions
---@field cwd string? the folder it works in; by default the task's
---@field env table<string, string|number|false>? added to the task's environment; false unsets
---@field stdin string|table|function|nil text; `{path=}`; `{inherit=true}`; a function
---  that gives the next piece or nil; by default nothing (spawn: a pipe for `write`)
---@field stdout string|{path: string, append: boolean?}|nil "capture" (default), "inherit", "null", a file
---@field stderr string|{path: string, append: boolean?}|nil the same, or "stdout": into the same stream
---@field on_stdout fun(line: string)? called for each line instead of capturing
---@field on_stderr fun(line: string)?
---@field timeout number|string? kind `timeout` when it runs for longer
---@field stall number|string? kind `timeout` when it prints nothing for so long
---@field grace number|string? between TERM and KILL; by default the run's `--grace` (10 s)
---@field check boolean? false: a failure is returned, not raised
---@field max_output number|string? what may be captured per stream, "256M" by default

---A plain table, but a field that is not here raises kind `usage`.
---@class orch.ProcessResult
---@field ok boolean exit code 0
---@field exit_code integer? nil when a signal ended it
---@field signal string? such as "SIGSEGV"
---@field stdout string? nil unless it was captured
---@field stderr string? all of it when captured; with `on_stderr` its tail
---@field elapsed number seconds

local process = {}

local run_options = command.run_options

local function run(fname, argv, opts, text)
  local words = {
    stdout = command.output(fname, "stdout", opts.stdout, opts.on_stdout, "capture"),
    stderr = command.output(fname, "stderr", opts.stderr, opts.on_stderr, "capture"),
  }
  if opts.stall and not (words.stdout == "capture" or words.stdout == "stream"
    or words.stderr == "capture" or words.stderr == "stream") then
    arg.fail("%s: `stall` needs output that orch sees; capture stdout or stderr, or use "
      .. "on_stdout", fname)
  end
  local child <close>, source = command.start(fname, argv, opts, words, "null")
  if opts.timeout or opts.stall then child:limit(opts.timeout, opts.stall) end
  local tail = flow.fed(child, source, text, flow.follow, child, opts, text)
  local exit_code, signal, elapsed = child:result()
  local result = setmetatable({
    ok = exit_code == 0, exit_code = exit_code, signal = signal, elapsed = elapsed,
    stdout = words.stdout == "capture" and child:output(1) or nil,
    stderr = words.stderr == "capture" and child:output(2) or opts.on_stderr and tail or nil,
  }, command.result)
  if not result.ok and opts.check ~= false then failure.ended(text, result) end
  return result
end

---Runs a program, without a shell, and waits for its end. Leaving early for any reason
---sends TERM to it and to all it started, and KILL after the grace.
---`process.run{"git", "pull", cwd="x", timeout="1m"}`
---@async
---@param spec orch.ProcessOptions with the program and its arguments as list
---@return orch.ProcessResult
---Raises kind `process` (`exit_code`, `signal`, `command`, `stderr`: its tail) when it
---fails, `timeout` (`stalled=true` for a stall), `os` when it cannot be run.
function process.run(spec, ...)
  if select("#", ...) > 0 then
    arg.fail('process.run takes one table: process.run{"tool", "argument", cwd="..."}')
  end
  local argv, opts = command.split("process.run", spec)
  opts = arg.options("process.run", opts, run_options)
  return run("process.run", argv, opts, quote.command(argv))
end

--- For orch.sh.
---@private
function process.run_shell(text, opts)
  return run("sh", { "/bin/sh", "-c", text }, arg.options("sh", opts, run_options), text)
end

---One word for a shell: `'it'\''s'`; a list gives its items, separated by spaces.
---@param value string|number|(string|number)[]
---@return string
function process.quote(value)
  return quote.value("process.quote", "argument 1", value)
end

process.spawn = require "orch.process.handle"

---Where a program is, as `run` would find it.
---@param name string
---@return string? path nil when there is none
function process.which(name)
  arg.check("process.which", 1, name, "path")
  return (core.find(name, command.search_path(place.env()), command.folder()))
end

return arg.public("orch.process", process)
