--- Other programs: run one and wait for it, or talk to it while it runs. What a
--- command started ends with it, also when it is cancelled or times out.
---
---     local r = orch.process.run { "git", "rev-parse", "HEAD", timeout = "10s" }
---     print(r.stdout)

local core = require "orch.core.process"
local errors = require "orch.core.error"
local clock = require "orch.core.clock"
local runtime = require "orch.core.runtime"
local tasks = require "orch.core.task"
local scopes = require "orch.scope"
local park = require "orch.core.park"
local arg = require "orch.arg"
local place = require "orch.place"
local quote = require "orch.quote"

---@class orch.ProcessOptions
---@field cwd string? working directory; by default the task's
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

---@class orch.ProcessResult
---@field ok boolean exit code 0
---@field exit_code integer? nil when a signal ended it
---@field signal string? such as "SIGSEGV"
---@field stdout string? nil unless it was captured
---@field stderr string? all of it when captured; with `on_stderr` its tail
---@field elapsed number seconds

local process = {}

local TAIL = 4096 -- bytes of stderr on an error
local LONGEST_LINE = 16 << 20 -- a longer one comes in pieces
local MAX_OUTPUT = 256 << 20

local run_options = {
  cwd = "path", env = "table", stdin = "string|table|callable",
  stdout = "string|table", stderr = "string|table",
  on_stdout = "callable", on_stderr = "callable",
  timeout = "duration", stall = "duration", grace = "duration",
  check = "boolean", max_output = "size",
}
local spawn_options = {
  cwd = "path", env = "table", stdin = "string|table|callable",
  stdout = "string|table", stderr = "string|table",
  grace = "duration", check = "boolean",
}

-- What was asked for ---------------------------------------------------------

local function plain_text(fname, what, value)
  local text = math.type(value) and tostring(value) or value
  if type(text) ~= "string" then
    arg.fail("%s: %s should be a string, not %s", fname, what, arg.describe(value))
  elseif text:find("\0", 1, true) then
    arg.fail("%s: %s has a NUL byte, which no program can be given", fname, what)
  end
  return text
end

--- Splits `{"tool", "arg", key = value}` into argv and options.
local function split(fname, spec)
  if type(spec) ~= "table" then
    arg.fail('%s takes one table: %s{"tool", "argument", cwd="..."}, not %s',
      fname, fname, arg.describe(spec))
  end
  local argv, opts, count = {}, {}, 0
  for key, value in next, spec do
    if math.type(key) == "integer" then
      count = math.max(count, key)
    else
      opts[key] = value
    end
  end
  if spec[1] == nil then
    arg.fail('%s: the program is missing; write %s{"tool", "argument"}', fname, fname)
  end
  for i = 1, count do
    argv[i] = plain_text(fname, i == 1 and "the program" or "argument " .. i - 1, spec[i])
  end
  if argv[1] == "" then arg.fail("%s: the program is an empty string", fname) end
  return argv, opts
end

local function environment(fname, extra)
  local base = place.env()
  if not extra then return base end
  local merged = {}
  if base then
    for key, value in next, base do merged[key] = value end
  end
  for key, value in next, extra do
    if type(key) ~= "string" or key == "" or key:find "[=%z]" then
      arg.fail("%s: option `env` has a name that no variable can have: %s", fname,
        arg.describe(key))
    end
    merged[key] = value and plain_text(fname, "env." .. key, value)
  end
  return merged
end

local known_outputs = { capture = true, inherit = true, null = true }

--- The output's word for the core, and whether it ends up in a pipe.
local function output(fname, name, value, callback, piped)
  if callback then
    if value then arg.fail("%s: `on_%s` and `%s` exclude each other", fname, name, name) end
    return "stream"
  elseif value == nil or value == "capture" then
    return piped
  elseif type(value) == "table" then
    local opts = arg.options(fname .. ": " .. name, value, { path = "path", append = "boolean" })
    arg.check(fname .. ": " .. name, 1, opts.path, "path")
    return (opts.append and ">>" or ">") .. place.resolve(opts.path)
  elseif value == "stdout" and name == "stderr" then
    return "&1"
  elseif not known_outputs[value] then
    local near = arg.suggest(value, { "capture", "inherit", "null", "stdout" })
    arg.fail('%s: option `%s` should be "capture", "inherit", "null" or {path=}, not "%s"%s',
      fname, name, value, near and ('; did you mean "%s"?'):format(near) or "")
  end
  return value
end

--- The input's word for the core, and what is to be written.
local function input(fname, value, default)
  if value == nil then return default end
  if type(value) == "string" or arg.is_callable(value) then return "pipe", value end
  local opts = arg.options(fname .. ": stdin", value, { path = "path", inherit = "boolean" })
  if opts.path then return "<" .. place.resolve(opts.path) end
  if not opts.inherit then
    arg.fail("%s: option `stdin` should be text, a function, {path=} or {inherit=true}", fname)
  end
  return "inherit"
end

-- Finding the program --------------------------------------------------------

local DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

local function search_path(env)
  local path = env and env.PATH
  if path == nil then path = os.getenv "PATH" end
  return path or DEFAULT_PATH
end

local function not_found(name, why, path)
  local err = { kind = "os", code = why, path = name }
  if why == "EACCES" then
    err.message = ("cannot run '%s': the file in PATH is not executable (chmod +x)"):format(name)
  else
    local near = arg.suggest(name, core.programs(path))
    err.message = ("cannot run '%s': there is no such program in PATH%s"):format(name,
      near and ("; did you mean '%s'?"):format(near) or "")
  end
  errors.throw(errors.make(err))
end

--- A name is looked up in PATH; a relative path is one in the command's folder.
local function find(name, env, cwd)
  if name:find("/", 1, true) then
    return (cwd and name:sub(1, 1) ~= "/") and cwd .. "/" .. name or name
  end
  local path = search_path(env)
  local file, why = core.find(name, path, cwd)
  return file or not_found(name, why, path)
end

--- The task's folder, nil where it is the process's own.
local function folder()
  local path = place.resolve ""
  return path ~= "" and path or nil
end

---Where a program is, as `run` would find it.
---@param name string
---@return string? path nil when there is none
function process.which(name)
  arg.check("process.which", 1, name, "path")
  return (core.find(name, search_path(place.env()), folder()))
end

-- What went wrong ------------------------------------------------------------

--- The command in the words of a message: short, on one line.
local function show(command)
  local text = command:gsub("%s+", " ")
  return #text > 120 and text:sub(1, 117) .. "..." or text
end

--- The last line of stderr that says something.
local function last_line(stderr)
  local line
  for text in stderr:sub(-TAIL):gmatch "[^\r\n]+" do
    if text:find "%S" then line = text end
  end
  line = line and line:gsub("\27%[[%d;]*%a", ""):gsub("%c", " "):match "^%s*(.-)%s*$"
  return line and (#line > 200 and line:sub(1, 197) .. "..." or line)
end

local function raise(command, fields, stderr)
  local line = stderr and last_line(stderr)
  if line then fields.message = fields.message .. ": " .. line end
  fields.command = command
  fields.stderr = stderr and stderr:sub(-TAIL)
  errors.throw(errors.make(fields))
end

local function raise_failure(command, result)
  local how = result.signal and "died of " .. result.signal
    or "failed with exit code " .. result.exit_code
  raise(command, {
    kind = "process", message = ("`%s` %s"):format(show(command), how),
    exit_code = result.exit_code, signal = result.signal,
  }, result.stderr)
end

local function in_words(seconds)
  return seconds == math.floor(seconds) and ("%d s"):format(seconds) or ("%.3g s"):format(seconds)
end

--- A limit was hit: ends the command first, then says so.
local function raise_limit(child, what, which, opts, command, tail)
  child:close()
  local lost = select(4, child:result())
  local fields = { kind = "timeout" }
  if what == "timeout" then
    fields.message = ("`%s` did not end within %s and was stopped"):format(
      show(command), in_words(opts.timeout))
  elseif what == "stall" then
    fields.stalled = true
    fields.message = ("`%s` printed nothing for %s and was stopped"):format(
      show(command), in_words(opts.stall))
  else
    fields.kind = "process"
    fields.message = ("`%s` wrote more than %d bytes to %s and was stopped; handle it line by "
      .. "line with on_%s, or raise max_output"):format(show(command), opts.max_output,
      which, which)
    tail = nil
  end
  if lost then
    fields.message = fields.message .. (", but process %d could not be killed"):format(child:pid())
  end
  raise(command, fields, tail)
end

-- Running --------------------------------------------------------------------

--- Cuts what comes in pieces into lines; returns add(bytes) and finish().
local function line_cutter(callback)
  local rest = ""
  local function add(bytes)
    local from = 1
    if rest ~= "" then
      local first = bytes:find("\n", 1, true)
      if not first and #rest + #bytes < LONGEST_LINE then
        rest = rest .. bytes
        return
      end
      local line = rest .. bytes:sub(1, (first or #bytes + 1) - 1)
      rest, from = "", (first or #bytes) + 1
      callback(line)
    end
    while true do
      local stop = bytes:find("\n", from, true)
      if not stop then break end
      callback(bytes:sub(from, stop - 1))
      from = stop + 1
    end
    rest = bytes:sub(from)
  end
  return add, function()
    if rest ~= "" then callback(rest) end
  end
end

local function write_pieces(child, source)
  while true do
    local piece = source()
    if piece == nil then break end
    if math.type(piece) then piece = tostring(piece) end
    if type(piece) ~= "string" then
      arg.fail("process.run: the `stdin` function should give strings, not %s",
        arg.describe(piece))
    end
    if not child:write(piece) then return end -- it reads no more
  end
  child:close_stdin()
end

--- Hands on what comes until the command has ended.
local function follow(child, opts, command)
  local add, finish, tail = {}, {}, ""
  for _, name in ipairs { "stdout", "stderr" } do
    local callback = opts["on_" .. name]
    if callback then add[name], finish[name] = line_cutter(callback) end
  end
  while true do
    local what, value = child:next()
    if what == nil then break end
    if not add[what] then
      if not opts.on_stderr then tail = child:output(2) end
      raise_limit(child, what, value, opts, command, tail)
    end
    if what == "stderr" then tail = (tail .. value):sub(-TAIL) end
    add[what](value)
  end
  if finish.stdout then finish.stdout() end
  if finish.stderr then finish.stderr() end
  return tail
end

local function follow_and_feed(child, opts, command, source)
  local scope <close> = scopes.scope { name = "process.run" }
  local feeder = scope:start("stdin of " .. show(command), write_pieces, child, source)
  local tail = follow(child, opts, command)
  feeder:cancel("the command has ended")
  return tail
end

local function start(fname, argv, opts, words, default_input)
  local cwd = opts.cwd and place.resolve(opts.cwd) or folder()
  local env = environment(fname, opts.env)
  local stdin, source = input(fname, opts.stdin, default_input)
  opts.grace = opts.grace or runtime.grace()
  opts.max_output = opts.max_output or MAX_OUTPUT
  local child = core.spawn(find(argv[1], env, cwd), argv, env, cwd, stdin,
    words.stdout, words.stderr, opts.max_output, opts.grace)
  if type(source) == "string" then child:feed(source) end
  return child, type(source) ~= "string" and source or nil
end

local function run(fname, argv, opts, command)
  local words = {
    stdout = output(fname, "stdout", opts.stdout, opts.on_stdout, "capture"),
    stderr = output(fname, "stderr", opts.stderr, opts.on_stderr, "capture"),
  }
  if opts.stall and not (words.stdout == "capture" or words.stdout == "stream"
    or words.stderr == "capture" or words.stderr == "stream") then
    arg.fail("%s: `stall` needs output that orch sees; capture stdout or stderr, or use "
      .. "on_stdout", fname)
  end
  local child <close>, source = start(fname, argv, opts, words, "null")
  if opts.timeout or opts.stall then child:limit(opts.timeout, opts.stall) end
  local tail
  if source then
    tail = follow_and_feed(child, opts, command, source)
  else
    tail = follow(child, opts, command)
  end
  local exit_code, signal, elapsed = child:result()
  local result = {
    ok = exit_code == 0, exit_code = exit_code, signal = signal, elapsed = elapsed,
    stdout = words.stdout == "capture" and child:output(1) or nil,
    stderr = words.stderr == "capture" and child:output(2) or opts.on_stderr and tail or nil,
  }
  if not result.ok and opts.check ~= false then raise_failure(command, result) end
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
  local argv, opts = split("process.run", spec)
  opts = arg.options("process.run", opts, run_options)
  return run("process.run", argv, opts, quote.command(argv))
end

--- For orch.sh.
---@private
function process.run_shell(command, opts)
  return run("sh", { "/bin/sh", "-c", command }, arg.options("sh", opts, run_options), command)
end

---One word for a shell: `'it'\''s'`; a list gives its items, separated by spaces.
---@param value string|number|(string|number)[]
---@return string
function process.quote(value)
  return quote.value("process.quote", "argument 1", value)
end

-- Talking to a command -------------------------------------------------------

---@class orch.Process
---@field pid integer
---@field stdout orch.ProcessOutput
---@field stderr orch.ProcessOutput
local Process = {}
Process.__index = Process
Process.__name = "orch.Process"

---@class orch.ProcessOutput
local Output = {}
Output.__index = Output
Output.__name = "orch.ProcessOutput"

---Reads from the output of the command.
---@async
---@param what "line"|"all"|integer|nil a line without its end, all that is left, at most
---  so many bytes; by default whatever is there, at least a byte
---@return string? text nil at the end
function Output:read(what)
  local child = self.process.child
  if what == nil then return child:read(self.which, "some") end
  if what == "line" or what == "all" then return child:read(self.which, what) end
  local count = math.tointeger(what)
  if not count or count < 1 then
    arg.fail('process:read: argument 1 should be "line", "all" or a number of bytes, not %s',
      arg.describe(what))
  end
  return child:read(self.which, "count", count)
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
  if self.ended then tasks.checkpoint() end
  while not self.ended do self.waiters:wait() end
  local result = self.result
  if not result.ok and self.check and not self.killed then
    raise_failure(self.command, result)
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
  if self.ended then return end
  self.killed = true
  self.child:stop()
  local shield <close> = scopes.scope { name = "process:close", shield = true, grace = math.huge }
  while not self.ended do self.waiters:wait() end
end

--- Owns the command on behalf of the scope it was started in: whatever ends the scope
--- ends this task, and this task ends the command.
local function keep(self, argv, opts, words, started)
  local ok, child, source = pcall(start, "process.spawn", argv, opts, words, "pipe")
  if not ok then
    self.error = child
    return started:wake_all()
  end
  self.child, self.pid = child, child:pid()
  started:wake_all()
  local over <close> = setmetatable({}, { __close = function()
    local exit_code, signal, elapsed = child:result()
    self.result = {
      ok = exit_code == 0, exit_code = exit_code, signal = signal, elapsed = elapsed,
      stderr = words.stderr == "tail" and child:output(2) or nil,
    }
    self.ended = true
    self.waiters:wake_all()
  end })
  local _ <close> = child
  if source then
    local scope <close> = scopes.scope { name = "process.spawn" }
    local feeder = scope:start("stdin of " .. show(self.command), write_pieces, child, source)
    child:next()
    feeder:cancel("the command has ended")
  else
    child:next()
  end
end

---Starts a program and returns while it runs. It ends at the latest with the scope it
---was started in. Nobody has to read stderr: its last 64 KB are kept.
---@async
---@param spec orch.ProcessOptions with the program and its arguments as list
---@return orch.Process `<close>`-able
---Raises kind `os` when it cannot be run.
function process.spawn(spec, ...)
  if select("#", ...) > 0 then
    arg.fail('process.spawn takes one table: process.spawn{"tool", "argument", cwd="..."}')
  end
  local argv, opts = split("process.spawn", spec)
  opts = arg.options("process.spawn", opts, spawn_options)
  local words = {
    stdout = output("process.spawn", "stdout", opts.stdout, nil, "pull"),
    stderr = output("process.spawn", "stderr", opts.stderr, nil, "tail"),
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
  tasks.spawn("process " .. show(self.command), 1, keep, self, argv, opts, words, started)
  while not self.child and not self.error do started:wait() end
  if self.error then error(self.error, 0) end
  return self
end

return arg.public("orch.process", process)
