--- A small pipeline at random, as a script, and random changes to what it is made of. What
--- each job writes follows from its command, its variables, the param and its input files,
--- so that two folders with the same sources must end with the same outputs.

local random_pipeline = {}

--- A generator of its own: the test runner seeds Lua's.
local function dice(seed)
  local state = seed * 2654435761 % 4294967296
  return function(low, high)
    state = (state * 1664525 + 1013904223) % 4294967296
    return low + (state >> 8) % (high - low + 1)
  end
end

local SOURCES = { "src/a.txt", "src/b.txt", "src/sub/c.txt", "src/sub/d.txt" }
local KINDS = { "command", "command", "command", "list", "function", "function", "loose", "group",
  "always" }

local function pick(roll, list) return list[roll(1, #list)] end

local function make_job(roll, index, before)
  local job = { name = "j" .. index, kind = pick(roll, KINDS), needs = {}, after = {}, inputs = {},
    constant = roll(1, 9), env = roll(1, 3) == 1, uses_param = roll(1, 3) == 1, line = 0 }
  for _, other in ipairs(before) do
    local die = roll(1, 4)
    if die == 1 then job.needs[#job.needs + 1] = other end
    if die == 2 and roll(1, 3) == 1 then job.after[#job.after + 1] = other.name end
  end
  if job.kind == "group" and #job.needs == 0 then job.kind = "command" end
  for _ = 1, roll(0, 2) do job.inputs[#job.inputs + 1] = pick(roll, SOURCES) end
  if roll(1, 4) == 1 then job.inputs[#job.inputs + 1] = "src/**/*.txt" end
  for _, need in ipairs(job.needs) do
    if need.output and roll(1, 2) == 1 then job.inputs[#job.inputs + 1] = need.output end
  end
  if job.kind ~= "group" and job.kind ~= "loose" then job.output = "out/" .. job.name end
  return job
end

local function quoted(list)
  local out = {}
  for i, text in ipairs(list) do out[i] = ("%q"):format(text) end
  return "{ " .. table.concat(out, ", ") .. " }"
end

local function names(jobs)
  local out = {}
  for i, job in ipairs(jobs) do out[i] = job.name end
  return out
end

local function command_of(job)
  return ("{ echo %s $V; cat $(ls %s /dev/null); } > %s"):format(job.constant,
    #job.inputs > 0 and table.concat(job.inputs, " "):gsub("src/%*%*/%*%.txt",
    "$(find src -name '*.txt' | sort)") or "", job.output)
end

local FUNCTION = [[function()
    local parts = { constant%d, %s }
    for _, value in ipairs { %s } do parts[#parts + 1] = value.n end
    for _, path in ipairs(orch.fs.glob(%s)) do parts[#parts + 1] = orch.fs.read(path) end
    %s
    return { n = constant%d %% 3 }
  end]]

local function function_of(job, index)
  local results = {}
  for _, need in ipairs(job.needs) do
    if need.kind == "function" or need.kind == "loose" then
      results[#results + 1] = ("orch.result %q"):format(need.name)
    end
  end
  return FUNCTION:format(index, job.uses_param and "level" or "0", table.concat(results, ", "),
    (job.kind == "loose" or #job.inputs == 0) and "\"none\"" or quoted(job.inputs), job.output
    and ("orch.fs.write(%q, table.concat(parts, '\\n'))"):format(job.output) or "", index)
end

local function run_of(job, index)
  if job.broken then return "\"exit 1\"" end
  if job.kind == "command" or job.kind == "always" then return ("%q"):format(command_of(job)) end
  if job.kind == "list" then
    return ("{ { 'true', '%d' }, %q }"):format(job.constant, command_of(job))
  end
  return function_of(job, index)
end

--- The script of the pipeline as it is now.
function random_pipeline.script(p)
  local out = { "local level = orch.params { level = 1 }.level" }
  for index, job in ipairs(p.jobs) do
    if job.comment then out[#out + 1] = "-- " .. job.comment end
    local files = job.kind ~= "group" and job.kind ~= "loose"
    out[#out + 1] = ("local constant%d = %d"):format(index, job.constant)
    out[#out + 1] = ("orch.job %q { needs = %s, after = %s,%s%s%s%s }"):format(job.name,
      quoted(names(job.needs)), quoted(job.after),
      files and #job.inputs > 0 and " inputs = " .. quoted(job.inputs) .. "," or "",
      job.output and (" outputs = %q,"):format(job.output) or "",
      job.env and " env = { \"V\" }," or " env = { V = false },",
      (job.kind == "always" and " when = \"always\"," or "")
        .. (job.kind ~= "group" and " run = " .. run_of(job, index) or ""))
  end
  return table.concat(out, "\n") .. "\n"
end

--- Each returns what was done, for the message of a failure.
local changes = {}

function changes.write(p, roll, at)
  local path = pick(roll, SOURCES)
  orch.fs.write(at .. "/" .. path, ("%d\n"):format(roll(1, 4)))
  return "wrote " .. path
end
changes.write_more = changes.write

function changes.touch(p, roll, at)
  local path = pick(roll, SOURCES)
  orch.fs.write(at .. "/" .. path, orch.fs.read(at .. "/" .. path))
  return "touched " .. path
end

function changes.add(p, roll, at)
  local path = ("src/sub/new%d.txt"):format(roll(1, 2))
  orch.fs.write(at .. "/" .. path, "new\n")
  return "added " .. path
end

function changes.remove(p, roll, at)
  local path = ("src/sub/new%d.txt"):format(roll(1, 2))
  if not orch.fs.exists(at .. "/" .. path) then return "nothing" end
  orch.fs.remove(at .. "/" .. path)
  return "removed " .. path
end

function changes.output(p, roll, at)
  local job = pick(roll, p.jobs)
  local path = job.output and at .. "/" .. job.output
  if not path or not orch.fs.exists(path) then return "nothing" end
  if roll(1, 2) == 1 then
    orch.fs.remove(path)
    return "removed " .. job.output
  end
  orch.fs.write(path, "spoilt\n")
  return "spoilt " .. job.output
end

function changes.constant(p, roll)
  local job = pick(roll, p.jobs)
  job.constant = roll(1, 9)
  return "changed the constant of " .. job.name
end

function changes.comment(p, roll)
  local job = pick(roll, p.jobs)
  job.comment = "comment " .. roll(1, 99)
  return "commented " .. job.name
end

function changes.variable(p, roll)
  p.variable = tostring(roll(1, 3))
  return "V=" .. p.variable
end

function changes.param(p, roll)
  p.level = roll(1, 3)
  return "--level " .. p.level
end

function changes.fail(p, roll)
  local job = pick(roll, p.jobs)
  if job.kind == "group" then return "nothing" end
  job.broken = not job.broken
  return (job.broken and "broke " or "mended ") .. job.name
end

local kinds = {}
for name in pairs(changes) do kinds[#kinds + 1] = name end
table.sort(kinds)

---@param seed integer
---@return table pipeline
---@return function roll
function random_pipeline.new(seed)
  local roll = dice(seed)
  for _ = 1, 8 do roll(1, 9) end
  local jobs = {}
  for index = 1, roll(2, 7) do jobs[index] = make_job(roll, index, jobs) end
  return { jobs = jobs, variable = "1", level = 1 }, roll
end

---The files that the jobs read.
---@param at string folder
function random_pipeline.sources(at)
  for i, path in ipairs(SOURCES) do
    orch.fs.mkdir(at .. "/" .. orch.fs.path.dirname(path))
    orch.fs.write(at .. "/" .. path, i .. "\n")
  end
  orch.fs.mkdir(at .. "/out")
end

---@return string what was changed
function random_pipeline.change(p, roll, at)
  local done = {}
  for i = 1, roll(0, 3) do done[i] = changes[pick(roll, kinds)](p, roll, at) end
  return table.concat(done, ", ")
end

---@param p table
---@return boolean
function random_pipeline.is_broken(p)
  for _, job in ipairs(p.jobs) do
    if job.broken then return true end
  end
  return false
end

return random_pipeline
