-- `orch info JOB [FILE]`: all about one job: where it is declared, what it needs and who
-- needs it, its files and limits, how long it took, and why it would run.

local arg = require "orch.arg"
local failing = require "orch.cli.failing"
local flags = require "orch.cli.flags"
local loader = require "orch.pipeline.load"
local tty = require "orch.tty"

local LAST = 5

local function names_of(jobs)
  local names = {}
  for i, job in ipairs(jobs) do names[i] = job.name end
  return names
end

--- Seconds as people say them.
local function spoken(seconds)
  return require("orch.report.text").duration(seconds)
end

-- What the state knows; nothing where no job has run yet.
local function last_runs(file, name)
  local project = require "orch.pipeline.project"
  local p = project.here()
  local path = p.orch .. "/state.db"
  if not require("orch.fs").exists(path) then return {} end
  local ok, found = pcall(function()
    local st <close> = require("orch.pipeline.state").open(path, { read_only = true })
    return st:durations(project.script_name(file), name, LAST)
  end)
  return ok and found or {}
end

--- A command's lines, without those that are empty and what indents them all.
local function add_lines(lines, text)
  local least
  for line in text:gmatch "[^\n]*%S[^\n]*" do
    local indent = #line:match "^%s*"
    least = math.min(least or indent, indent)
  end
  for line in text:gmatch "[^\n]*%S[^\n]*" do lines[#lines + 1] = line:sub(least + 1) end
end

local function command_of(run)
  if type(run) == "function" then
    local info = debug.getinfo(run, "S")
    return { ("function at %s:%d"):format(info.source:sub(2), info.linedefined) }
  end
  local lines = {}
  for _, command in ipairs(type(run) == "table" and run or { run }) do
    add_lines(lines, type(command) == "table" and require("orch.quote").command(command)
      or command)
  end
  return lines
end

local function env_of(job)
  local list = {}
  for key, value in next, job.env or {} do
    list[#list + 1] = math.type(key) and value .. " (watched)"
      or value == false and key .. " unset" or ("%s=%s"):format(key, tostring(value))
  end
  table.sort(list)
  return list
end

local function pools_of(job, registry)
  local list = {}
  for _, name in ipairs(arg.keys_of(job.pools or {})) do
    list[#list + 1] = ("%s %d of %d"):format(name, job.pools[name], registry.pools[name])
  end
  return list
end

local function limits_of(job)
  local list = {}
  if job.timeout then list[#list + 1] = "timeout " .. spoken(job.timeout) end
  if job.stall then list[#list + 1] = "no output for " .. spoken(job.stall) end
  if job.retry then list[#list + 1] = ("%d attempts"):format(job.retry.attempts or 5) end
  return list
end

local function runs_of(durations)
  local lines = {}
  for i, one in ipairs(durations) do
    lines[i] = ("%-9s %8s  run %s"):format(one.status, spoken(one.seconds), one.run)
  end
  return lines
end

-- For people ---------------------------------------------------------------------

local TITLE = 12

--- A list over as many lines as it needs.
local function add(out, title, list, separator, columns)
  if not list or not list[1] then return end
  local margin, line = (" "):rep(2 + TITLE), ""
  local lines = {}
  for i, item in ipairs(list) do
    item = item .. (separator and i < #list and separator or "")
    if line ~= "" and (not separator or tty.width(margin .. line .. item) >= columns) then
      lines[#lines + 1], line = line, ""
    end
    line = line == "" and item or line .. " " .. item
  end
  lines[#lines + 1] = line
  for i, text in ipairs(lines) do
    local head = i == 1 and "  " .. tty.style(title, "dim") .. (" "):rep(TITLE - #title) or margin
    out[#out + 1] = head .. text
  end
end

local function print_info(job, registry, file)
  local columns = tty.is_terminal "stdout" and (tty.size()) or math.huge
  local out = { tty.style(job.name, "bold") .. (job.desc and "  " .. job.desc or "") }
  local function row(title, list, separator) add(out, title, list, separator, columns) end
  row("declared", { job.where })
  row("needs", names_of(job.needed), ",")
  row("after", names_of(job.follows), ",")
  row("needed by", names_of(job.dependents), ",")
  row("inputs", job.inputs, ",")
  row("outputs", job.outputs, ",")
  row("env", env_of(job), ",")
  row("folder", { job.cwd })
  row("pools", pools_of(job, registry), ",")
  row("limits", limits_of(job), ",")
  row("when", job.when ~= "success" and { job.when } or nil)
  row("priority", job.priority ~= 0 and { tostring(job.priority) } or nil)
  row("asks", { job.confirm })
  row("runs", command_of(job.run))
  row("last runs", runs_of(last_runs(file, job.name)))
  io.stdout:write(table.concat(out, "\n"), "\n")
end

--- Why it would run: what `orch run FILE JOB --explain JOB` says.
local function explain(job, registry, file)
  io.stdout:write "\n"
  return require("orch.pipeline.run").execute(registry, { job.name, "--explain", job.name },
    { script = file })
end

-- JSON ---------------------------------------------------------------------------

local function print_json(job, registry, file)
  local json = require "orch.json"
  local function list(names) return json.array(table.move(names, 1, #names, 1, {})) end
  io.stdout:write(json.pretty {
    version = 1, script = file, name = job.name, desc = job.desc, where = job.where,
    needs = list(names_of(job.needed)), after = list(names_of(job.follows)),
    needed_by = list(names_of(job.dependents)), inputs = list(job.inputs),
    outputs = list(job.outputs), env = list(env_of(job)), cwd = job.cwd, pools = job.pools,
    timeout = job.timeout, stall = job.stall, attempts = job.retry and (job.retry.attempts or 5),
    when = job.when, priority = job.priority, confirm = job.confirm,
    command = list(command_of(job.run)), last_runs = list(last_runs(file, job.name)),
  }, "\n")
end

local function main(found, outer)
  if not found[1] then arg.fail("which job? orch info JOB [FILE]; orch list shows them") end
  if found[3] then arg.fail("orch info takes one JOB and one FILE, not '%s' as well", found[3]) end
  local _ <close> = outer.folder and require("orch.place").cd(outer.folder) or nil
  local name, file = found[1], found[2]
  if file and name:find "%.lua$" then name, file = file, name end
  local built, registry
  built, registry, file = loader.graph(file)
  local job = require("orch.pipeline.select").one(built, name)
  if found.json then
    print_json(job, registry, file)
    return 0
  end
  print_info(job, registry, file)
  return explain(job, registry, file)
end

---@async
---@param words string[] what follows "info"
---@param outer {folder: string?} options that stood before it
---@return integer exit_code
return function(words, outer)
  local found, code = flags.parse("info", words)
  if not found then return code end
  return failing.guard(main, found, outer)
end
