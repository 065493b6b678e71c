--- What a job does, as a fingerprint: its command or code with all that it captures, and
--- the options that decide over the result. Its place in the file, its needs, pools, limits
--- and texts are not among them.
---
---     local memo = definition.memo()   -- for one planning
---     for _, job in ipairs(jobs) do digests[job.name] = definition.digest(job, memo) end

local code = require "orch.core.code"
local fingerprint = require "orch.pipeline.fingerprint"
local hex = require "orch.hex"
local place = require "orch.place"

local concat, sort, hash_all = table.concat, table.sort, code.hash_all

local definition = {}

local SHOWN = 200 -- bytes of a value
local PARTS = 100 -- of one job
local FIELDS = 16 -- of a table

---What is known of shared values during one planning: 10,000 jobs that capture the same
---table have it read once. Between two plannings a script may have changed it.
definition.memo = fingerprint.memo

local function text_of(value)
  local text = tostring(value)
  return #text .. ":" .. text
end

--- Names with values, sorted; a variable that is only named has the value it has now.
local function variables(env)
  local list = {}
  for name, value in next, env do
    local named = math.type(name) == "integer"
    if named then name, value = value, place.getenv(value) end
    list[#list + 1] = { name = name, value = value, named = named }
  end
  sort(list, function(a, b)
    if a.name ~= b.name then return a.name < b.name end
    return a.named and not b.named
  end)
  return list
end

local function env_of(env)
  local out = {}
  for i, one in ipairs(variables(env)) do
    out[i] = (one.named and "?" or "=") .. text_of(one.name)
      .. (one.value == nil and "-" or type(one.value):sub(1, 1) .. text_of(one.value))
  end
  return "E" .. concat(out)
end

---A job's definition in 16 bytes.
---@param job orch.Job
---@param memo? orch.pipeline.Memo
---@return string digest; raises kind `usage` where a captured value is nested too deeply
function definition.digest(job, memo)
  local run, env, what = job.run, job.env, nil
  if type(run) == "string" then
    what = run
  elseif type(run) == "function" then
    what = fingerprint.unfold(memo or fingerprint.memo(), run)
  else
    what = fingerprint.encode(memo or fingerprint.memo(), run)
  end
  return hash_all(type(run), what, job.inputs, job.outputs, job.cwd, env and env_of(env))
end

--- As JSON can hold it.
local function readable(text)
  return utf8.len(text) and text or (text:gsub("[\x80-\xff]", "?"))
end

--- Cut where no character is torn; secrets are masked before.
local function show(value)
  local text = tostring(value)
  local secrets = package.loaded["orch.secrets"]
  if secrets then text = secrets.redact(text) end
  text = readable(text)
  if #text <= SHOWN then return text end
  return text:sub(1, utf8.offset(text, 0, SHOWN + 1) - 1) .. "..."
end

local function digest(bytes)
  return "#" .. hex(bytes)
end

local function is_value(value)
  return value == nil or type(value) == "string" or type(value) == "boolean" or math.type(value)
end

--- Known by name: it never changes.
local function is_fixed(memo, value)
  local kind = type(value)
  if kind == "table" or kind == "function" then return memo.names:of(value) ~= nil end
  return kind == "userdata" or kind == "thread"
end

--- The names of the fields of a table of settings, which are shown one by one.
local function few_fields(value)
  local names = {}
  for name in next, value do
    if type(name) ~= "string" or #names == FIELDS then return nil end
    names[#names + 1] = name
  end
  sort(names)
  return names[1] and names
end

--- Adds what a function captures, and below it what captured functions capture.
local add_captured, add_one

function add_one(parts, memo, one, path, seen)
  local key, value = ("%s `%s`"):format(one.kind, readable(path .. one.name)), one.value
  local again = type(value) == "table" and seen[value]
  if parts[key] or parts.count >= PARTS or again or is_fixed(memo, value) then return end
  parts.count = parts.count + 1
  if is_value(value) then
    parts[key] = show(value)
  elseif type(value) == "table" and few_fields(value) then
    parts.count, seen[value] = parts.count - 1, true
    for _, name in ipairs(few_fields(value)) do
      local field = { kind = one.kind, name = name, value = rawget(value, name) }
      add_one(parts, memo, field, path .. one.name .. ".", seen)
    end
  elseif type(value) == "function" and code.is_script(value) then
    parts[key] = digest(code.fingerprint(value))
    add_captured(parts, memo, value, path .. one.name .. ".", seen)
  else
    parts[key] = digest(code.hash(fingerprint.encode(memo, value)))
  end
end

function add_captured(parts, memo, fn, path, seen)
  if seen[fn] then return end
  seen[fn] = true
  for _, one in ipairs(fingerprint.captured(memo, fn)) do add_one(parts, memo, one, path, seen) end
end

local function command_text(list)
  local out = {}
  for i, one in ipairs(list) do
    out[i] = type(one) == "table" and concat(one, " ") or tostring(one)
  end
  return concat(out, "; ")
end

local function add_run(parts, run, memo)
  if type(run) == "function" and code.is_script(run) then
    parts.code = digest(code.fingerprint(run))
    add_captured(parts, memo, run, "", {})
  elseif type(run) == "string" then
    parts.command = show(run)
  elseif type(run) == "table" and not getmetatable(run) then
    parts.command = show(command_text(run))
  else
    parts.code = digest(code.hash(fingerprint.encode(memo, run)))
  end
end

---The same in pieces that a person can tell apart, for `--explain`: commands, variables
---and captured values as text (masked, 200 bytes at most), the rest as digests that begin
---with "#". The keys are words: "command", "code", "upvalue `version`", "variable `CC`".
---@param job orch.Job
---@param memo? orch.pipeline.Memo
---@return table<string, string>
function definition.parts(job, memo)
  local parts = { count = 0 }
  add_run(parts, job.run, memo or fingerprint.memo())
  parts.count = nil
  if job.inputs and #job.inputs > 0 then parts.inputs = show(concat(job.inputs, ", ")) end
  if job.outputs and #job.outputs > 0 then parts.outputs = show(concat(job.outputs, ", ")) end
  if job.cwd then parts.cwd = show(job.cwd) end
  for _, one in ipairs(job.env and variables(job.env) or {}) do
    parts[("variable `%s`"):format(one.name)] = one.value == nil and "(unset)" or show(one.value)
  end
  return parts
end

local MISSING = "(nothing)"

local function sentence(name, before, now)
  local is_digest = (before or now):sub(1, 1) == "#" or (now or before):sub(1, 1) == "#"
  local subject = name:find "`" and name:gsub("^upvalue ", "") or "its " .. name
  local be = (name == "inputs" or name == "outputs") and " are " or " is "
  if before == nil then return subject .. be .. "new" end
  if now == nil then return subject .. be .. "gone" end
  if is_digest or before:find("\n", 1, true) or now:find("\n", 1, true) then
    return subject .. " changed"
  end
  if name == "command" and #before + #now > 100 then return "its command changed" end
  return ("%s changed from %s to %s"):format(subject, before == "" and MISSING or before,
    now == "" and MISSING or now)
end

---What differs between the parts of two definitions, in words: "`version` changed
---from 1.0 to 1.1", "its command changed". Empty where it is something that parts do not
---show, such as a secret.
---@param before table<string, string>
---@param now table<string, string>
---@return string[] sentences sorted, those with values first
function definition.compare(before, now)
  local telling, others = {}, {}
  local function look(name)
    local text = sentence(name, before[name], now[name])
    local list = text:find(" from ", 1, true) and telling or others
    list[#list + 1] = text
  end
  for name, text in next, now do if before[name] ~= text then look(name) end end
  for name in next, before do if now[name] == nil then look(name) end end
  sort(telling)
  sort(others)
  return table.move(others, 1, #others, #telling + 1, telling)
end

return definition
