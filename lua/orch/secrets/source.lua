--- Where a secret comes from that is neither in the environment nor in `.env`: a command, the
--- system's keyring, a file.
---
---     source.fetch(source.check("secrets", "TOKEN", { command = { "pass", "show", "ci/token" } }))

local arg = require "orch.arg"
local errors = require "orch.core.error"

local source = {}

--- What stands for a secret where the jobs are only looked at. Channels and databases that a
--- script makes of it at its top take it: it is a URL.
source.NOT_ASKED = "https://not-asked.invalid/"

--- Bytes that a secret has at most.
local LIMIT = 1 << 20

---@class orch.secrets.Source
---@field command? string[] a program and its arguments, run without a shell; what it prints is the
---  secret, and is never logged
---@field keyring? table<string, string> `{ service = "orch", account = "ftp" }`
---@field path? orch.Path a file
---@field line? integer which line of it; default: all, without a newline at the end
---@field timeout? number|string of a command or the keyring; default 30 s, if it asks 5 min
---@field interactive? boolean the program may ask the person at the terminal
---@field optional? boolean it may be missing

local fields = {
  command = "table", keyring = "table", path = "path", line = "integer", timeout = "duration",
  interactive = "boolean", optional = "boolean",
}

local function check_command(fname, name, command)
  if #command == 0 then
    arg.fail("%s: %s: `command` should be a list such as { \"pass\", \"show\", \"ci/token\" }",
      fname, name)
  end
  for key, word in next, command do
    if math.type(key) ~= "integer" or type(word) ~= "string" or word:find "\0" then
      arg.fail("%s: %s: `command` should be a list of words; timeout and the like stand beside it",
        fname, name)
    end
  end
end

local function check_keyring(fname, name, keyring)
  for key, value in next, keyring do
    if type(key) ~= "string" or type(value) ~= "string" then
      arg.fail("%s: %s: `keyring` should be a table such as { service = \"orch\", account = "
        .. "\"ftp\" }", fname, name)
    end
  end
  if not keyring.service then arg.fail("%s: %s: `keyring` should have a `service`", fname, name) end
end

---Checks a declaration; `name` is put into it.
---@param fname string
---@param name string
---@param declared table
---@return table source
function source.check(fname, name, declared)
  local o = arg.options(fname .. ": " .. name, declared, fields)
  local kinds = {}
  for _, kind in ipairs { "command", "keyring", "path" } do
    if o[kind] then kinds[#kinds + 1] = kind end
  end
  if #kinds > 1 then
    arg.fail("%s: %s has both a `%s` and a `%s`; one of them is its source", fname, name,
      kinds[1], kinds[2])
  end
  if o.command then check_command(fname, name, o.command) end
  if o.keyring then check_keyring(fname, name, o.keyring) end
  if o.line and o.line < 1 then arg.fail("%s: %s: `line` should be at least 1", fname, name) end
  o.name = name
  return o
end

---Whether there is more to ask than the environment and `.env`.
function source.is_elsewhere(o)
  return (o.command or o.keyring or o.path) ~= nil
end

---What tells two sources of one name apart.
---@param o table from `source.check`
---@return string
function source.key(o)
  return require("orch.json").encode({ o.command or false, o.keyring or false, o.path or false,
    o.line or false }, { sorted = true })
end

local function fail(fmt, ...)
  errors.throw(errors.make { kind = "secret", message = fmt:format(...) })
end

--- The keyring's own program, or nil.
local function keyring_command(keyring)
  local which = require("orch.process").which
  if which "secret-tool" then
    local command, names = { "secret-tool", "lookup" }, arg.keys_of(keyring)
    for _, name in ipairs(names) do
      command[#command + 1], command[#command + 2] = name, keyring[name]
    end
    return command
  elseif which "security" then
    return { "security", "find-generic-password", "-s", keyring.service, "-a",
      keyring.account or "", "-w" }
  end
end

local function shown(command)
  return "`" .. require("orch.process.failure").show(require("orch.quote").command(command)) .. "`"
end

--- What the tool says on its stderr: its last lines, on one line, without what it printed on
--- stdout.
local function own_words(result)
  local words = (rawget(result, "stderr") or ""):sub(-2000)
  for line in result.stdout:sub(1, 2000):gmatch "[^\r\n]+" do
    line = line:match "^%s*(.*%S)"
    if line and #line >= 4 then words = words:gsub(line:gsub("%p", "%%%0"), "***") end
  end
  words = words:gsub("\27%[[%d;]*%a", ""):gsub("%s*\n%s*", "; "):gsub("%c", " ")
    :match "^[%s;]*(.-)[%s;]*$"
  if #words > 300 then words = "..." .. words:sub(-297) end
  return words
end

--- Two programs cannot ask one person at the same time.
local asking

local function run(o, command)
  local held <close> = o.interactive and (function()
    asking = asking or require("orch.lock").lock()
    return asking:acquire()
  end)() or nil
  local spec = { log = false, check = false, max_output = LIMIT,
    timeout = o.timeout or (o.interactive and 300 or 30),
    stdin = o.interactive and { inherit = true } or nil,
    stderr = o.interactive and "inherit" or nil }
  table.move(command, 1, #command, 1, spec)
  local ok, result = require("orch.error").try(require("orch.process").run, spec)
  if not ok then
    local err = result
    if err.kind == "os" and err.code == "ENOENT" then
      fail("there is no program '%s' here", command[1])
    elseif err.kind == "timeout" then
      fail("%s did not end within %g s%s", shown(command), spec.timeout, o.interactive and ""
        or "; does it ask for something? Then say interactive = true")
    elseif err.kind == "process" then
      fail("%s printed more than 1 MB, which is no secret, and was stopped", shown(command))
    end
    fail("%s", err.message)
  end
  if not result.ok then
    local how = result.signal and "died of " .. result.signal
      or "failed with exit code " .. result.exit_code
    local words = own_words(result)
    fail("%s %s%s", shown(command), how, words ~= "" and ": " .. words or "")
  end
  -- What went well has its secret where it put it: on stderr it is not to be shown either.
  local elsewhere = (rawget(result, "stderr") or ""):find "%S"
  return result.stdout, shown(command) .. " printed nothing" .. (elsewhere
    and " on its standard output; what it wrote to stderr may be the secret, and is not shown"
    or "")
end

local function from_keyring(o)
  local command = keyring_command(o.keyring)
  if not command then
    fail("there is no keyring that orch can ask: neither secret-tool (of Debian's "
      .. "libsecret-tools) nor macOS' security is here")
  end
  return run(o, command)
end

local function from_file(o)
  local ok, text = require("orch.error").try(require("orch.fs").read, o.path,
    { length = LIMIT + 1 })
  if not ok then fail("%s", text.message) end
  if #text > LIMIT then fail("the file '%s' has more than 1 MB, which is no secret", o.path) end
  return text, ("the file '%s' is empty"):format(o.path)
end

local function pick_line(text, n)
  local i = 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    i = i + 1
    if i == n then return (line:gsub("\r$", "")) end
  end
  return ""
end

---Asks the source.
---@async
---@param o table from `source.check`
---@return string value raises kind `secret`, with why there is none
function source.fetch(o)
  local text, nothing
  if o.command then
    text, nothing = run(o, o.command)
  elseif o.keyring then
    text, nothing = from_keyring(o)
  else
    text, nothing = from_file(o)
  end
  if o.line then
    text, nothing = pick_line(text, o.line), ("there is no line %d in it"):format(o.line)
  end
  local value = text:gsub("\r?\n$", "")
  if value == "" then fail("%s", nothing) end
  return value
end

return source
