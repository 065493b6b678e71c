--- What `orch watch` has to know of a script: a child process loads it as a run would and
--- writes that into a file, so that every change of the script finds a fresh Lua.
---
---     return plan.write(registry, "/tmp/plan.json", words)      -- in the child
---     local plan = plan.read "/tmp/plan.json"                   -- in orch watch

local arguments = require "orch.pipeline.arguments"
local graphs = require "orch.pipeline.graph"
local select_jobs = require "orch.pipeline.select"

local plan = {}

---@class orch.WatchPlan
---@field files string[] the script and the modules it required, absolute
---@field jobs {name: string, inputs: string[], dependents: string[]}[] chosen, not skipped
---@field outputs string[] of all jobs
---@field words string[] what was typed, without what says which jobs are meant
---@field broken boolean? the script could not be loaded, maybe for want of another file

local chooses = { ["--only"] = true, ["--skip"] = true, ["--force"] = true }

--- The words of a further run, which names its jobs itself.
local function words_of_others(words, registry)
  local params = registry.params[1] and require "orch.pipeline.param_words"
  local rest, at = {}, 1
  while words[at] and words[at] ~= "--" do
    local word, next_at = words[at], at + 1
    if word:byte() == 45 and word ~= "-" then -- "-"
      next_at = params and params.skip(words, at, registry)
        or arguments.take(words, at, { force = {}, only = {}, skip = {} })
      if not chooses[word:match "^[^=]+"] then
        table.move(words, at, next_at - 1, #rest + 1, rest)
      end
    end
    at = next_at
  end
  return rest
end

--- The script and what it has required from files.
local function loaded_files(script)
  local absolute = require("orch.fs.path").absolute
  local files, names = { absolute(script) }, {}
  for name in pairs(package.loaded) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local file = not name:find "^orch%f[.\0]" and package.searchpath(name, package.path)
    if file then files[#files + 1] = absolute(file) end
  end
  return files
end

local function names_of(jobs, among)
  local names = {}
  for _, job in ipairs(jobs) do
    if among[job] then names[#names + 1] = job.name end
  end
  return names
end

local function describe(registry, script, words)
  local given = arguments.parse(words, registry)
  local graph = graphs.build(registry)
  local chosen = select_jobs.choose(graph, {
    targets = given.targets, only = given.options.only, skip = given.options.skip,
    force = given.options.force,
  })
  local among, jobs, outputs = {}, {}, {}
  for _, job in ipairs(chosen) do among[job] = not job.skipped or nil end
  for _, job in ipairs(chosen) do
    if among[job] then
      jobs[#jobs + 1] = { name = job.name, inputs = { table.unpack(job.inputs) },
        dependents = names_of(job.dependents, among) }
    end
  end
  for _, job in ipairs(graph.jobs) do
    table.move(job.outputs, 1, #job.outputs, #outputs + 1, outputs)
  end
  return { files = loaded_files(script), jobs = jobs, outputs = outputs,
    words = words_of_others(words, registry) }
end

---@async
---@param registry orch.Registry
---@param found {file: string, describe: string}
---@param words string[]
---@return integer exit_code
function plan.write(registry, found, words)
  local ok, result = pcall(describe, registry, found.file, words)
  if ok then
    require("orch.json").save(found.describe, result)
    return 0
  end
  local kind = type(result) == "table" and result.kind
  if kind ~= "usage" and kind ~= "graph" then error(result, 0) end
  io.stderr:write("orch: ", (tostring(result):gsub("^orch: ", "")), "\n")
  return kind == "usage" and 2 or 3
end

---@async
---@param file string
---@return orch.WatchPlan? plan nil where the child has not come so far
function plan.read(file)
  local fs = require "orch.fs"
  if not fs.exists(file) or fs.size(file) == 0 then return nil end
  return require("orch.json").load(file)
end

return plan
