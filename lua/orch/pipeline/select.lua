--- Chooses the jobs of a run from the words on the command line.
---
---     select.choose(graph, { targets = { "build:*" }, skip = { "build:ios" } })

local arg = require "orch.arg"
local glob = require "orch.pipeline.glob"
local graphs = require "orch.pipeline.graph"

local choose = {}

local function unknown(graph, word, option)
  arg.fail("%s%s%s", option and option .. " " .. word .. ": " or "",
    glob.is(word) and ("no job matches '%s'"):format(word)
      or ("there is no job '%s'"):format(word), graphs.suggestion(graph.declared, word))
end

---The jobs that a word means.
---@param graph orch.Graph
---@param word string a name or a glob
---@param option string? the option it was given to, for the message
---@return orch.Job[] jobs at least one; raises kind `usage`
function choose.find(graph, word, option)
  local one = graph.by_name[word]
  if one then return { one } end
  local found = glob.is(word) and graph.find(word) or {}
  return found[1] and found or unknown(graph, word, option)
end

---One job by its name.
---@param graph orch.Graph
---@param word string
---@param option string? for the message
---@return orch.Job job raises kind `usage`
function choose.one(graph, word, option)
  local found = choose.find(graph, word, option)
  if found[2] then
    arg.fail("%s'%s' means %d jobs; name one of them", option and option .. ": " or "", word,
      #found)
  end
  return found[1]
end

--- Sets a field of the jobs that the words mean.
local function mark(graph, words, option, field)
  for _, word in ipairs(words or {}) do
    for _, job in ipairs(choose.find(graph, word, option)) do job[field] = true end
  end
end

--- A group has nothing to do itself: what it is a group of is meant.
local function force(job)
  if job.forced then return end
  job.forced = true
  if job.run then return end
  for _, need in ipairs(job.needed) do force(need) end
end

local function clear(jobs)
  for i = 1, #jobs do
    local job = jobs[i]
    job.chosen, job.forced, job.skipped = nil, nil, nil
  end
end

--- The jobs and all they need, except what only skipped ones need.
local function take_with_needs(jobs)
  local stack, top = table.move(jobs, 1, #jobs, 1, {}), #jobs
  while top > 0 do
    local job = stack[top]
    top = top - 1
    if not job.chosen then
      job.chosen = true
      local needed = job.skipped and {} or job.needed
      for i = 1, #needed do
        if not needed[i].chosen then
          top = top + 1
          stack[top] = needed[i]
        end
      end
    end
  end
end

local function take_all(jobs)
  for i = 1, #jobs do jobs[i].chosen = true end
end

local function any_chosen(list)
  for _, job in ipairs(list) do
    if job.chosen then return true end
  end
  return false
end

--- Jobs for after a failure, or for in any case, come along with those they look after: all
--- that they need is among them; so is one of those they follow; those that name none look
--- after the whole run.
local function take_keepers(graph)
  for _, job in ipairs(graph.jobs) do
    if job.when ~= "success" and not job.chosen then
      local follows = #job.follows == 0 or any_chosen(job.follows)
      local needs = true
      for _, need in ipairs(job.needed) do needs = needs and need.chosen end
      job.chosen = follows and needs or nil
    end
  end
end

local function check_forced(what, graph)
  for _, word in ipairs(what.force or {}) do
    local any = false
    for _, job in ipairs(choose.find(graph, word, "--force")) do any = any or job.chosen end
    if not any then
      arg.fail("--force %s: it is not among the jobs of this run; name it as well: %s --force %s",
        word, word, word)
    end
  end
end

--- What only a skipped job needs is not taken, so those are marked first.
local function take(graph, what)
  mark(graph, what.skip, "--skip", "skipped")
  for _, word in ipairs(what.force or {}) do
    for _, job in ipairs(choose.find(graph, word, "--force")) do force(job) end
  end
  mark(graph, what.only, "--only", "chosen")
  local targets = what.targets or {}
  if not targets[1] and not (what.only and what.only[1]) then
    targets = graph.default or { "*" }
  end
  if targets[1] == "*" and not (what.skip and what.skip[1]) then
    return take_all(graph.jobs)
  end
  for _, word in ipairs(targets) do
    take_with_needs(word == "*" and graph.declared or choose.find(graph, word))
  end
  if targets[1] then take_keepers(graph) end
end

---The jobs of a run, in an order in which they can run. With `targets`, these and what
---they need; with `only`, these and nothing that they need; with neither, the default,
---otherwise all. Jobs with `when` come along with those they look after. Sets each job's
---`chosen`, `forced` and `skipped`; what only a skipped job needs is left out.
---@param graph orch.Graph
---@param what {targets: string[]?, only: string[]?, skip: string[]?, force: string[]?}
---  names and globs
---@return orch.Job[] jobs raises kind `usage` for names that there are not
function choose.choose(graph, what)
  local jobs, list = graph.jobs, {}
  if graph.has_chosen then clear(jobs) end
  graph.has_chosen = true
  take(graph, what)
  check_forced(what, graph)
  for i = 1, #jobs do
    if jobs[i].chosen then list[#list + 1] = jobs[i] end
  end
  return list
end

return choose
