--- Turns what a script has declared into a graph: names into jobs, and everything that
--- cannot work into one error, before anything runs.
---
---     local graph = graph.build(declare.registry)
---     graph.jobs[1].needed      --> jobs that must succeed before it
---
--- The time it takes grows with the jobs and the lines between them, and not faster.

local arg = require "orch.arg"
local declare = require "orch.pipeline.declare"
local glob = require "orch.pipeline.glob"

local graph = {}

---@class orch.Graph
---@field jobs orch.Job[] each after those it needs or follows
---@field declared orch.Job[] as they were declared
---@field by_name table<string, orch.Job>
---@field default string[]? what runs when no job is named
---@field find fun(glob: string): orch.Job[]

local none = declare.none

local MANY = 2000 -- names; among more, only those with the same beginning are compared

---The name that was probably meant.
---@param jobs orch.Job[]
---@param word string
---@return string? name
function graph.nearest(jobs, word)
  local names, first = {}, word:sub(1, 1)
  for _, job in ipairs(jobs) do
    local name = job.name
    local near = math.abs(#name - #word) <= math.max(1, #word // 3)
    if near and (#jobs <= MANY or name:sub(1, 1) == first) then names[#names + 1] = name end
    if #names > MANY then break end
  end
  return arg.suggest(word, names)
end

--- A glob that finds nothing was meant to be one that finds something.
local function nearest_glob(jobs, text)
  local prefixes, seen = {}, {}
  for _, job in ipairs(jobs) do
    local prefix = job.name:match "^[^:]+:"
    if prefix and not seen[prefix] then
      seen[prefix] = true
      prefixes[#prefixes + 1] = prefix .. "*"
    end
  end
  return arg.suggest(text, prefixes)
end

--- "build" where there are build:ios and build:android, as `orch list` groups them.
local function group(jobs, word)
  local prefix = word .. ":"
  for _, job in ipairs(jobs) do
    if job.name:sub(1, #prefix) == prefix then return prefix .. "*" end
  end
end

---A sentence's end: "; did you mean 'build'?", or nothing.
---@param jobs orch.Job[]
---@param word string
---@return string
function graph.suggestion(jobs, word)
  local near = glob.is(word) and nearest_glob(jobs, word) or group(jobs, word)
    or graph.nearest(jobs, word)
  return near and ("; did you mean '%s'?"):format(near) or ""
end

local function unknown(build, job, word, verb)
  build.problems:add(job, word, function()
    local what = glob.is(word) and "which no other job matches" or "which is not a job"
    return ("job '%s' %s '%s', %s%s"):format(job.name, verb, word, what,
      graph.suggestion(build.jobs, word))
  end)
end

local function add_matches(build, job, word, verb, found, seen)
  local any = false
  for _, other in ipairs(build.find(word)) do
    if other ~= job then
      any = true
      if not seen[other] then seen[other], found[#found + 1] = true, other end
    end
  end
  if not any and verb == "needs" then unknown(build, job, word, verb) end
end

--- Whether a short list has it; a set is made only for long ones.
local function has(found, seen, one)
  if seen then return seen[one] end
  for i = 1, #found do
    if found[i] == one then return true end
  end
  return false
end

local SHORT = 8

--- The jobs that a list of names and globs means, each once and without the job itself.
local function resolve(build, job, words, verb)
  local by_name, found, seen = build.by_name, {}, nil
  for i = 1, #words do
    local word = words[i]
    local one = by_name[word]
    if (not one or #found == SHORT) and not seen then
      seen = {}
      for _, other in ipairs(found) do seen[other] = true end
    end
    if one then
      if not has(found, seen, one) then
        found[#found + 1] = one
        if seen then seen[one] = true end
      end
    elseif glob.is(word) then
      add_matches(build, job, word, verb, found, seen)
    else
      unknown(build, job, word, verb)
    end
  end
  return found
end

local function check_pools(build, job, pools)
  for _, name in ipairs(arg.keys_of(job.pools)) do
    local size, amount = pools[name], job.pools[name]
    if not size then
      build.problems:add(job, name, function()
        local near = arg.suggest(name, arg.keys_of(pools))
        return ("job '%s' wants the pool '%s', which is not declared; %s"):format(job.name,
          name, near and ("did you mean '%s'?"):format(near)
          or ("write orch.pools { [\"%s\"] = %d }"):format(name, amount):gsub(
            '%["([%a_][%w_]*)"%]', "%1"))
      end, "key")
    elseif amount > size then
      build.problems:add(job, name, ("job '%s' wants %d of the pool '%s', which has only %d "
        .. "(%s)"):format(job.name, amount, name, size, build.registry.pool_where[name]), "key")
    end
  end
end

local function has_nothing_to_do(build, job)
  build.problems:add(job, nil, ("job '%s' has nothing to run and needs nothing; write "
    .. "run = function(job) ... end, or run = \"a command\""):format(job.name))
end

--- For each job that it needs, who needs it.
local function add_dependents(job)
  local needed = job.needed
  for i = 1, #needed do
    local list = needed[i].dependents
    if list == none then
      needed[i].dependents = { job }
    else
      list[#list + 1] = job
    end
  end
end

local function link(build)
  local jobs, pools = build.jobs, build.registry.pools
  for i = 1, #jobs do
    local job = jobs[i]
    local needs, after = job.needs, job.after
    if needs[1] then
      job.needed = resolve(build, job, needs, "needs")
      add_dependents(job)
    elseif not job.run then
      has_nothing_to_do(build, job)
    end
    if after[1] then job.follows = resolve(build, job, after, "comes after") end
    if job.pools then check_pools(build, job, pools) end
  end
end

--- `orch.job "x"` with the table forgotten; the finished ones.
local function check_unfinished(registry, problems)
  local finished = {}
  for _, job in ipairs(registry.jobs) do
    if declare.is_finished(job) then
      job.needed, job.follows, job.dependents = nil, nil, nil -- of an earlier graph
      finished[#finished + 1] = job
    else
      problems:add(job, job.name, ("job '%s' has no table: orch.job \"%s\" { run = ... }")
        :format(job.name, job.name))
    end
  end
  return finished
end

local function check_default(build)
  local registry = build.registry
  for _, word in ipairs(registry.default or {}) do
    if not build.by_name[word] and not (glob.is(word) and build.find(word)[1]) then
      local source, line = registry.default_where:match "^(.*):(%d+)$"
      build.problems:add({ source = source, line = math.tointeger(line),
        where = registry.default_where }, word, function()
        return ("orch.default names '%s', which is not a job%s"):format(word,
          graph.suggestion(build.jobs, word))
      end)
    end
  end
end

--- What is made here stays, so a collection meanwhile would find nothing to free.
local function without_collector(fn, ...)
  local running = collectgarbage "isrunning"
  collectgarbage "stop"
  local results = table.pack(pcall(fn, ...))
  if running then collectgarbage "restart" end
  if not results[1] then error(results[2], 0) end
  return results[2]
end

local function build_graph(registry)
  local problems = require("orch.pipeline.problem").list()
  local jobs = check_unfinished(registry, problems)
  local build = { registry = registry, jobs = jobs, by_name = registry.by_name,
    problems = problems, find = glob.finder(jobs) }
  link(build)
  check_default(build)
  require("orch.pipeline.outputs").check(jobs, problems)
  local order = require("orch.pipeline.topology").sort(jobs, problems)
  problems:raise()
  return { jobs = order, declared = jobs, by_name = registry.by_name,
    default = registry.default, find = build.find }
end

---Builds the graph; the body has ended. Sets `needed`, `follows` and `dependents` (those
---that need it) of every job, all in the order of the declaration; they must not be
---changed.
---@param registry orch.Registry
---@return orch.Graph graph raises kind `graph` with everything that is wrong
function graph.build(registry)
  declare.close(registry)
  return without_collector(build_graph, registry)
end

return graph
