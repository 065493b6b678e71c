--- What a command is made of: arguments, variables, streams, the file to run.

local core = require "orch.core.process"
local errors = require "orch.core.error"
local runtime = require "orch.core.runtime"
local arg = require "orch.arg"
local place = require "orch.place"

local command = {}

local MAX_OUTPUT = 256 << 20

--- What process.run and orch.sh take.
command.run_options = {
  cwd = "path", env = "table", stdin = "string|table|callable",
  stdout = "string|table", stderr = "string|table",
  on_stdout = "callable", on_stderr = "callable",
  timeout = "duration", stall = "duration", grace = "duration",
  check = "boolean", max_output = "size", log = "boolean",
}

--- The metatable of results.
command.result = arg.known("the result of a process",
  { "ok", "exit_code", "signal", "stdout", "stderr", "elapsed" })

local function plain_text(fname, what, value)
  local text = math.type(value) and tostring(value) or value
  if type(text) ~= "string" then
    arg.fail("%s: %s should be a string, not %s", fname, what, arg.describe(value))
  elseif text:find("\0", 1, true) then
    arg.fail("%s: %s has a NUL byte, which no program can be given", fname, what)
  end
  return text
end

---Splits `{"tool", "arg", key = value}`.
---@return string[] argv
---@return table options not checked yet
function command.split(fname, spec)
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

---The output's word for the core.
---@param name "stdout"|"stderr"
---@param piped string the word for "capture"
---@return string
function command.output(fname, name, value, callback, piped)
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

local DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

---@param env table<string, string|false>?
---@return string
function command.search_path(env)
  local path = env and env.PATH
  if path == nil then path = os.getenv "PATH" end
  return path or DEFAULT_PATH
end

local function not_found(name, why, path)
  local err = { kind = "os", code = why, path = name }
  if why == "EACCES" then
    err.message = ("cannot run '%s': the file in PATH is not executable (chmod +x)"):format(name)
  elseif name:find "%s" then
    local words = {}
    for word in name:gmatch "%S+" do words[#words + 1] = ('"%s"'):format(word) end
    err.message = ("cannot run '%s': there is no such program; the words are separate: "
      .. "{%s}, or use orch.sh"):format(name, table.concat(words, ", "))
  else
    local near = arg.suggest(name, core.programs(path))
    err.message = ("cannot run '%s': there is no such program in PATH%s"):format(name,
      near and near ~= name and ("; did you mean '%s'?"):format(near) or "")
  end
  errors.throw(errors.make(err))
end

--- A name is looked up in PATH; a relative path is one in the command's folder.
local function find(name, env, cwd)
  if name:find("/", 1, true) then
    return (cwd and name:sub(1, 1) ~= "/") and cwd .. "/" .. name or name
  end
  local path = command.search_path(env)
  local file, why = core.find(name, path, cwd)
  return file or not_found(name, why, path)
end

---The task's folder, nil where it is the process's own.
---@return string?
function command.folder()
  local path = place.resolve ""
  return path ~= "" and path or nil
end

---Whom the running task prints to, if not to the terminal: a job's log.
---@return orch.Sink?
function command.sink()
  local output = package.loaded["orch.output"]
  return output and output.current() or nil
end

---Starts the command; what remains to be written to it is the second result.
---@param fname string the function that the script called, for messages
---@param argv string[]
---@param opts orch.ProcessOptions checked; `grace` and `max_output` are filled in
---@param words {stdout: string, stderr: string} from `output`
---@param default_input "null"|"pipe"
---@return any child of orch.core.process
---@return function? source
function command.start(fname, argv, opts, words, default_input)
  place.touch()
  local cwd = opts.cwd and place.resolve(opts.cwd) or command.folder()
  local env = environment(fname, opts.env)
  local stdin, source = input(fname, opts.stdin, default_input)
  opts.grace = opts.grace or runtime.grace()
  opts.max_output = opts.max_output or MAX_OUTPUT
  local child = core.spawn(find(argv[1], env, cwd), argv, env, cwd, stdin,
    words.stdout, words.stderr, opts.max_output, opts.grace)
  if type(source) == "string" then child:feed(source) end
  return child, type(source) ~= "string" and source or nil
end

return command
