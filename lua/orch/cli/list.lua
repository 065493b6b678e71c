-- `orch list [FILE]`: the jobs of a script and its params, by the beginnings of their names.

local failing = require "orch.cli.failing"
local flags = require "orch.cli.flags"
local glob = require "orch.pipeline.glob"
local loader = require "orch.pipeline.load"
local tty = require "orch.tty"
local usage = require "orch.pipeline.usage"

local WIDEST, MARGIN, GAP = 40, 4, 2

local function group_of(name)
  return name:match "^([^:]+):." or ""
end

--- Which jobs run when none is named: a set of names.
local function default_jobs(registry)
  local set = {}
  for _, word in ipairs(registry.default or {}) do
    if registry.by_name[word] then
      set[word] = true
    elseif glob.is(word) then
      for _, job in ipairs(glob.finder(registry.jobs)(word)) do set[job.name] = true end
    end
  end
  return set
end

--- Jobs without a group first, then the groups, each in the order of its first job.
local function grouped(jobs)
  local groups, by_name = { { name = "" } }, {}
  by_name[""] = groups[1]
  for _, job in ipairs(jobs) do
    local name = group_of(job.name)
    local group = by_name[name]
    if not group then
      group = { name = name }
      groups[#groups + 1], by_name[name] = group, group
    end
    group[#group + 1] = job
  end
  return groups
end

-- JSON ---------------------------------------------------------------------------

--- Copies: what json.array marks is the list itself.
local function array(list)
  return require("orch.json").array(table.move(list, 1, #list, 1, {}))
end

local function json_of_job(job, default)
  return {
    name = job.name, desc = job.desc, where = job.where, group = group_of(job.name),
    needs = array(job.needs), after = array(job.after),
    inputs = array(job.inputs), outputs = array(job.outputs), pools = job.pools,
    timeout = job.timeout, stall = job.stall, when = job.when, priority = job.priority,
    confirm = job.confirm, default = default[job.name] or false,
  }
end

local function json_of_param(param)
  return { name = param.name, flag = param.flag, type = param.type, default = param.default,
    choices = param.choices and array(param.choices), required = param.required,
    help = param.help }
end

local function secret_names()
  local secrets = package.loaded["orch.secrets"]
  return secrets and secrets.declared() or {}
end

local function print_json(registry, file)
  local json = require "orch.json"
  local default, jobs, params = default_jobs(registry), json.array {}, json.array {}
  for i, job in ipairs(registry.jobs) do jobs[i] = json_of_job(job, default) end
  for i, param in ipairs(registry.params) do params[i] = json_of_param(param) end
  io.stdout:write(json.pretty { version = 1, script = file, jobs = jobs, params = params,
    pools = registry.pools, secrets = array(secret_names()),
    default = registry.default and array(registry.default) }, "\n")
end

-- For people ---------------------------------------------------------------------

--- Text as one line, cut to a width where there is one.
local function fit(text, room)
  text = text:gsub("%s+", " ")
  if not room or tty.width(text) <= room then return text end
  local short = ""
  for _, code in utf8.codes(text, true) do
    local longer = short .. utf8.char(code)
    if tty.width(longer) >= room then break end
    short = longer
  end
  return short .. "…"
end

local function name_width(jobs)
  local width = 0
  for _, job in ipairs(jobs) do
    local needed = tty.width(job.name)
    if needed <= WIDEST then width = math.max(width, needed) end
  end
  return width
end

local function job_line(job, is_default, width, columns)
  local mark = is_default and tty.style("*", "green bold") or " "
  local room = columns and columns - MARGIN - math.max(width, tty.width(job.name)) - GAP
  local pad = (" "):rep(width - tty.width(job.name))
  local desc = job.desc and fit(job.desc, room and math.max(room, 10)) or ""
  return (("  %s %s%s  %s"):format(mark, tty.style(job.name, "bold"), pad, desc)
    :gsub("%s+$", ""))
end

local function heading(registry, file)
  local count = #registry.jobs
  local what = ("%s: %d job%s"):format(file, count, count == 1 and "" or "s")
  if not registry.default then return what end
  return what .. "; those with * run when none is named"
end

local function add_pools(out, registry)
  local names = require("orch.arg").keys_of(registry.pools)
  if not names[1] then return end
  for i, name in ipairs(names) do names[i] = ("%s %d"):format(name, registry.pools[name]) end
  out[#out + 1] = "\nPools: " .. table.concat(names, ", ")
end

local function print_list(registry, file)
  local columns = tty.is_terminal "stdout" and tty.size() or nil
  local default, width = default_jobs(registry), name_width(registry.jobs)
  local out = { heading(registry, file) }
  for _, group in ipairs(grouped(registry.jobs)) do
    if group[1] then
      out[#out + 1] = group.name ~= "" and "\n" .. group.name or ""
      for _, job in ipairs(group) do
        out[#out + 1] = job_line(job, default[job.name], width, columns)
      end
    end
  end
  if registry.params[1] then
    out[#out + 1] = "\nParams"
    usage.add_rows(out, usage.params(registry), columns or 100)
  end
  add_pools(out, registry)
  local secrets = secret_names()
  if secrets[1] then out[#out + 1] = "\nSecrets: " .. table.concat(secrets, ", ") end
  io.stdout:write(table.concat(out, "\n"), "\n")
end

local function main(found, outer)
  if found[2] then
    require("orch.arg").fail("orch list takes one FILE, not '%s' as well", found[2])
  end
  local _ <close> = outer.folder and require("orch.place").cd(outer.folder) or nil
  local file = found[1] or loader.find()
  local registry = loader.script { file = file }
  if not registry.jobs[1] then
    require("orch.arg").fail("%s declares no jobs", file)
  end
  if found.json then print_json(registry, file) else print_list(registry, file) end
  return 0
end

---@async
---@param words string[] what follows "list"
---@param outer {folder: string?} options that stood before it
---@return integer exit_code
return function(words, outer)
  local found, code = flags.parse("list", words)
  if not found then return code end
  return failing.guard(main, found, outer)
end
