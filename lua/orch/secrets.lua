--- Keys and passwords: where they come from, and that nobody reads them in what a run
--- prints.
---
---     local key = orch.secrets.get "STORE_KEY"   -- the environment, or the file .env
---     print("the key is " .. key)                -- the key is ***
---     orch.secrets { "STORE_KEY", TOKEN = { command = { "pass", "show", "ci/token" } } }
---
--- What is masked: whatever goes through standard output and standard error (print, io,
--- log, reports, traces, also of threads), messages of Errors, and what `redact` is
--- given: tapes and test reports do that. Masked is the value itself and its forms in
--- URLs, JSON, base64 and hexadecimal digits, also when it is written in pieces. A secret that a child
--- process writes to a terminal or file that it inherited is not seen, nor one that a
--- script writes into a file of its own.

local arg = require "orch.arg"
local core = require "orch.core.mask"
local errors = require "orch.core.error"
local place = require "orch.place"

---@class orch.secrets
---@overload fun(declared: {[integer]: string, [string]: orch.secrets.Source|string|nil, file: string?}): table<string, string>
local secrets = {}

--- Registered already, so that forms are made once: value -> how many forms there were.
local known = {}

--- What other sources gave for declared names: value, key (of the source), before (as above).
local fetched = {}

--- Without white space at its ends.
local function trim(value)
  return value:match "^%s*(.*%S)" or ""
end

---For the library: masks a value, unless it is too short to be a secret.
---@param value string
function secrets.cover(value)
  value = trim(value)
  if #value < core.SHORTEST or known[value] then return end
  local before = core.count()
  for _, form in ipairs(require("orch.secrets.forms").of(value)) do core.add(form) end
  -- A key file in JSON is decoded before it is used.
  if value:sub(1, 1) == "{" then
    for _, part in ipairs(require("orch.secrets.part").of(value)) do secrets.cover(part) end
  end
  known[value] = before -- last: where memory runs out on the way, the next call goes on
end

---For `orch test`: how many there are, and to forget those that came later.
---@return integer count
function secrets.count()
  return core.count()
end

---@param count integer
function secrets.forget(count)
  core.forget(count)
  for value, before in next, known do
    if before >= count then known[value] = nil end
  end
  for name, found in next, fetched do
    if found.before >= count then fetched[name] = nil end
  end
end

---Registers a value that must never appear in any output: from now on it is shown as
---`***`. Raises kind `usage` for one of fewer than 4 characters, which is part of too
---many words to be masked.
---@param value string
---@return string value
function secrets.mask(value)
  arg.check("secrets.mask", 1, value, "string")
  if #trim(value) < core.SHORTEST then
    arg.fail("secrets.mask: a value of fewer than %d characters cannot be masked: it is part "
      .. "of other words", core.SHORTEST)
  end
  secrets.cover(value)
  return value
end

---The text with `***` in the place of every registered value.
---@param text string
---@return string
function secrets.redact(text)
  return core.redact(arg.check("secrets.redact", 1, text, "string"))
end

---For the library: a copy of plain data with every string redacted; the value itself
---where nothing is registered.
---@generic T
---@param value T
---@return T
function secrets.scrub(value)
  if core.count() == 0 then return value end
  if type(value) == "string" then return core.redact(value) end
  if type(value) ~= "table" then return value end
  local meta = getmetatable(value)
  if meta ~= nil and meta ~= getmetatable(require("orch.json").array {}) then return value end
  local copy = {}
  for key, item in next, value do copy[secrets.scrub(key)] = secrets.scrub(item) end
  return setmetatable(copy, meta)
end

local DEFAULT_FILE = ".env"

--- From the environment or a file; a file that was asked for must be there, unless there is
--- `more` to ask.
local function look_up(name, file, more)
  local value = place.getenv(name)
  if value and value ~= "" then return value end
  local values = require("orch.secrets.dotenv").load(place.resolve(file or DEFAULT_FILE))
  if not values and file and not more then
    errors.throw(errors.make { kind = "os", code = "ENOENT", path = file,
      message = ("secrets: there is no file '%s'"):format(file) })
  end
  value = values and values[name]
  return value ~= "" and value or nil
end

--- `key`: of the only source that counts.
local function find(name, file, more, key)
  local value, found = look_up(name, file, more), fetched[name]
  if not value and found and (not key or key == found.key) then value = found.value end
  if value then secrets.cover(value) end
  return value
end

local function check_name(fname, i, name)
  arg.check(fname, i, name, "string")
  if not name:find "^[%a_][%w_.-]*$" then
    arg.fail("%s: argument %d should be a name such as STORE_KEY, not %s", fname, i,
      #name > 20 and "a long text: is it the secret itself?" or arg.describe(name))
  end
  return name
end

local function missing(fname, names, file)
  errors.throw(errors.make { kind = "usage", names = names,
    message = ("%s: %s %s into the environment, or %s `%s=...` into the file %s"):format(fname,
      table.concat(names, ", "), #names == 1 and "is not set: put it" or "are not set: put them",
      #names == 1 and "a line" or "lines such as", names[1], file or DEFAULT_FILE) })
end

---A secret, registered: from the environment as the task has it (`orch.with_env`
---included), otherwise from the file `.env` in the task's folder. An empty value counts as
---none.
---@param name string of the variable
---@param opts {file: string?}? another file in the place of `.env`; it must exist
---@return string value raises kind `usage` (`names`) when there is none
function secrets.get(name, opts)
  check_name("secrets.get", 1, name)
  local file = arg.options("secrets.get", opts, { file = "path" }).file
  return find(name, file) or missing("secrets.get", { name }, file)
end

---The same, giving nil when there is none.
---@param name string
---@param opts {file: string?}?
---@return string? value
function secrets.find(name, opts)
  check_name("secrets.find", 1, name)
  return find(name, arg.options("secrets.find", opts, { file = "path" }).file)
end

--- All that were declared with `orch.secrets { ... }`, for those that list them.
local asked = {}

---For the library: the names that were declared.
---@return string[] names sorted
function secrets.declared()
  return arg.keys_of(asked)
end

--- A script of which the jobs are only looked at needs no secrets.
local function is_only_looked_at()
  local declaring = package.loaded["orch.pipeline.declare"]
  return declaring and declaring.registry.inspecting
end

--- Asks the sources of what is in neither the environment nor `.env`, all at once. Gives why
--- there is none, by name.
local function ask(sources, values)
  local reasons, entries = {}, {}
  for _, source in ipairs(sources) do
    entries[#entries + 1] = function()
      local ok, value = require("orch.error").try(require("orch.secrets.source").fetch, source)
      if not ok then
        if value.kind ~= "secret" then error(value, 0) end
        reasons[source.name] = value.message
        return
      end
      fetched[source.name] = { value = value, before = core.count(),
        key = require("orch.secrets.source").key(source) }
      secrets.cover(value)
      values[source.name] = value
    end
  end
  if #entries > 0 then require "orch.gather"(entries) end
  return reasons
end

--- All that is missing in one error; a line each where there is more to say than the names.
local function all_missing(list, reasons, file)
  if not next(reasons) then
    local names = {}
    for i, source in ipairs(list) do names[i] = source.name end
    missing("secrets", names, file)
  end
  local names, lines = {}, {}
  for i, source in ipairs(list) do
    names[i] = source.name
    lines[i] = ("  %s: %s"):format(source.name, reasons[source.name] or "it is not set")
  end
  errors.throw(errors.make { kind = "usage", names = names, message = secrets.redact(
    ("secrets: %d %s missing:\n%s\nWhatever its source, a line `%s=...` in the environment or in "
    .. "the file %s comes first"):format(#list, #list == 1 and "is" or "are",
    table.concat(lines, "\n"), names[1], file or DEFAULT_FILE)) })
end

--- The names, in order: those of the list, then the keys; and the options.
local function read_declaration(declared)
  local check = require("orch.secrets.source").check
  local list, opts, keyed = {}, {}, {}
  for i, name in ipairs(declared) do list[i] = { name = check_name("secrets", i, name) } end
  for key, value in next, declared do
    if type(key) == "string" and type(value) == "table" then
      keyed[key] = true
    elseif math.type(key) ~= "integer" then
      opts[key] = value
    end
  end
  local file = arg.options("secrets", opts, { file = "path" }).file
  for _, key in ipairs(arg.keys_of(keyed)) do
    list[#list + 1] = check("secrets", check_name("secrets", #list + 1, key), declared[key])
  end
  return list, file
end

---`local s = orch.secrets { "STORE_KEY", file = ".env.release", TOKEN = { command = { "vault", "kv",
---"get", "-field=token", "secret/ci" } } }`: all of them as a table by name. The environment comes
---first, then the file, then the source; the sources are asked at the same time. All that is
---missing is told in one error. Where the jobs are only looked at, no source is asked.
---@async
---@param _ table
---@param declared {[integer]: string, [string]: orch.secrets.Source|string|nil, file: string?}
---@return table<string, string> values raises kind `usage` (`names`)
local function declare(_, declared)
  arg.check("secrets", 1, declared, "table")
  local list, file = read_declaration(declared)
  local values, elsewhere, lacking = {}, {}, {}
  local sources = require "orch.secrets.source"
  for _, source in ipairs(list) do
    local name = source.name
    asked[name] = true
    if is_only_looked_at() then
      local ok, value = pcall(find, name, file)
      values[name] = ok and value or sources.NOT_ASKED
    else
      local is_elsewhere = sources.is_elsewhere(source)
      values[name] = find(name, file, source.optional or is_elsewhere,
        is_elsewhere and sources.key(source) or nil)
      if not values[name] and is_elsewhere then elsewhere[#elsewhere + 1] = source end
    end
  end
  local reasons = ask(elsewhere, values)
  for _, source in ipairs(list) do
    if not values[source.name] and not source.optional then lacking[#lacking + 1] = source end
  end
  if #lacking > 0 then all_missing(lacking, reasons, file) end
  return values
end

arg.public("orch.secrets", secrets)
getmetatable(secrets).__call = declare
return secrets
