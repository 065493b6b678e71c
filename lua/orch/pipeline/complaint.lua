--- Says what is wrong with the declaration of a job: the job, the line, what was meant.
---
---     complaint.unknown(record, "timout", option.known)

local arg = require "orch.arg"
local caret = require "orch.pipeline.caret"
local core = require "orch.core.error"

local complaint = {}

local function raise(kind, where, column, message, fields)
  fields = fields or {}
  fields.kind, fields.where, fields.column, fields.message = kind, where, column, message
  core.throw(core.make(fields))
end

--- Of the job, with the place of a key in its table.
local function usage(record, key, sentence)
  local where, column = caret.find(record, key, "key")
  raise("usage", where, column, ("job '%s': %s"):format(record.name, sentence),
    { job = record.name })
end

---@param name any
function complaint.name(name)
  if type(name) == "table" then
    arg.fail('job: the name comes first: orch.job "%s" { ... }',
      type(name.name) == "string" and name.name or "build")
  elseif type(name) ~= "string" then
    arg.fail("job: the name should be a string, not %s", arg.describe(name))
  end
  local why = name == "" and "a job needs a name"
    or name:find "[*?]" and "* and ? are for choosing jobs"
    or name:find "%c" and "it has a control character"
    or name:find "^%-" and "what begins with - is an option on the command line"
    or "it begins or ends with a space"
  arg.fail("job: %q is not a name for a job: %s", name, why)
end

---@param record orch.Job
---@param first orch.Job
function complaint.twice(record, first)
  local message = ("the job '%s' is declared twice, at %s and at %s"):format(record.name,
    first.where, record.where)
  if first.where == record.where then
    message = ("the job '%s' is declared twice at %s; in a loop, each turn needs a name of its "
      .. "own"):format(record.name, record.where)
  end
  raise("graph", record.where, nil, message, { opened_at = first.where, job = record.name })
end

---@param record orch.Job
---@param spec any what stands where the table should
function complaint.spec(record, spec)
  local form = type(spec) == "function" and "{ run = function() ... end }"
    or type(spec) == "string" and "{ run = \"...\" }" or "{ ... }"
  raise("usage", record.where, nil, ("job '%s': the options should be a table, not %s; write "
    .. "orch.job \"%s\" %s"):format(record.name, arg.describe(spec), record.name, form))
end

--- What options are called elsewhere.
local habits = {
  needs = "deps dependencies depends depends_on requires require prerequisites need",
  run = "cmd cmds command commands script action actions sh exec task fn steps",
  desc = "description help doc summary title",
  inputs = "src srcs source sources files input deps_files",
  outputs = "out outs target targets produces artifacts artefacts generates output result",
  cwd = "dir directory folder working_dir workdir chdir",
  env = "environment vars variables envs",
  pools = "pool resources limits", retry = "retries attempts max_retries",
  confirm = "prompt ask", stall = "idle_timeout silence", priority = "prio weight",
}
local meant = {}
for name, list in next, habits do
  for word in list:gmatch "%S+" do meant[word] = name end
end

---@param record orch.Job
---@param key any
---@param known table<string, any>
function complaint.unknown(record, key, known)
  if math.type(key) then
    usage(record, key, "an option has no name; a command is written run = \"...\"")
  end
  local name = tostring(key)
  local near = meant[name] or arg.suggest(name, arg.keys_of(known))
  usage(record, key, near and ("there is no option `%s`; did you mean `%s`?"):format(name, near)
    or ("there is no option `%s`; there are %s"):format(name,
      table.concat(arg.keys_of(known), ", ")))
end

--- `run = orch.sh("make")` has run already.
local function is_called(key, value)
  return key == "run" and type(value) == "table" and rawget(value, "elapsed") ~= nil
end

---@param record orch.Job
---@param key string the option, or "option.key" inside of it
---@param wanted string
---@param value any
function complaint.option(record, key, wanted, value)
  if is_called(key, value) or key == "run" and type(value) == "table" and is_called(key, value[1])
  then
    usage(record, key, 'option `run` holds what a call has returned: the command ran while the '
      .. 'job was declared; write run = "make" or run = function() ... end')
  end
  usage(record, key:match "[^.]+$", ("option `%s` should be %s, not %s"):format(key, wanted,
    arg.describe(value)))
end

---@param record orch.Job
---@param key string
---@param value any
---@param choices table<string, any>
function complaint.choice(record, key, value, choices)
  local names = arg.keys_of(choices)
  local near = type(value) == "string" and arg.suggest(value, names)
  usage(record, key, ("option `%s` should be %s or %s, not %s%s"):format(key,
    table.concat(names, ", ", 1, #names - 1), names[#names], arg.describe(value),
    near and ("; did you mean \"%s\"?"):format(near) or ""))
end

---Passes on what is wrong with the options in a table of its own.
---@param record orch.Job
---@param key string
---@param err orch.Error
function complaint.inside(record, key, err)
  local inner = err.message:match "option `([^`]+)`"
  local where, column = caret.find(record, inner or key, "key")
  raise("usage", where, column, ("job '%s': %s"):format(record.name, err.message),
    { job = record.name })
end

return complaint
