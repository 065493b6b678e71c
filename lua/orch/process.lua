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
---@field on_stdout fun(line: string)? called for each line instead of capturing; in a job the
---  line is in its log already
---@field on_stderr fun(line: string)?
---@field timeout number|string? kind `timeout` when it runs for longer
---@field stall number|string? kind `timeout` when it prints nothing for so long
---@field grace number|string? between TERM and KILL; by default the run's `--grace` (10 s)
---@field check boolean? false: a failure is returned, not raised
---@field log boolean? false: what it prints does not go into the log of the job it is in
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

--- What becomes of what it prints: words for the core, takers of what is handed on.
local function plan_output(fname, opts, sink)
  local words, takers, tee = {}, {}, nil
  for _, name in ipairs { "stdout", "stderr" } do
    local callback = opts["on_" .. name]
    words[name] = command.output(fname, name, opts[name], callback, "capture")
    takers[name] = callback and flow.to_lines(callback) or nil
  end
  if sink then tee = require("orch.process.tee").plan(words, takers, opts, sink) end
  if opts.stall and not (words.stdout == "capture" or words.stdout == "stream"
    or words.stderr == "capture" or words.stderr == "stream") then
    arg.fail("%s: `stall` needs output that orch sees; capture stdout or stderr, or use "
      .. "on_stdout", fname)
  end
  return words, takers, tee
end

--- All of an output, where it was asked for.
local function captured(child, which, word, taker)
  if taker and taker.text then return taker.text() end
  return word == "capture" and child:output(which) or nil
end

local function tail_of(child, words, takers, tee)
  if tee and tee.merged then return { name = "output", text = takers.stdout.tail() } end
  local text = takers.stderr and takers.stderr.tail()
    or words.stderr == "capture" and child:output(2)
  return text and { name = "stderr", text = text } or nil
end

local function run(fname, argv, opts, text, sink)
  local words, takers, tee = plan_output(fname, opts,
    sink or opts.log ~= false and command.sink() or nil)
  local rest <close> = tee
  local child <close>, source = command.start(fname, argv, opts, words, "null")
  if tee then tee.child = child end
  if opts.timeout or opts.stall then child:limit(opts.timeout, opts.stall) end
  local function limit(what, which)
    failure.limit(child, what, which, opts, text, tail_of(child, words, takers, tee))
  end
  flow.fed(child, source, text, flow.follow, child, takers, limit)
  local exit_code, signal, elapsed = child:result()
  local result = setmetatable({
    ok = exit_code == 0, exit_code = exit_code, signal = signal, elapsed = elapsed,
    stdout = captured(child, 1, words.stdout, takers.stdout),
    stderr = opts.on_stderr and takers.stderr.tail()
      or captured(child, 2, words.stderr, takers.stderr),
  }, command.result)
  if not result.ok and opts.check ~= false then
    failure.ended(text, result, tail_of(child, words, takers, tee))
  end
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

---For the library: runs a command that prints into `sink` only, both streams through one
---pipe, so in order. The error's `output` is the end of it.
---@async
---@param what string|string[] a line for /bin/sh, or a program and its arguments
---@param opts orch.ProcessOptions? without what is said of stdout and stderr
---@param sink orch.Sink
---@return orch.ProcessResult
function process.run_to(what, opts, sink)
  opts = arg.options("process.run_to", opts, run_options)
  opts.stdout, opts.stderr = "inherit", "inherit"
  if type(what) == "string" then
    return run("sh", { "/bin/sh", "-c", what }, opts, what, sink)
  end
  return run("process.run", what, opts, quote.command(what), sink)
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
