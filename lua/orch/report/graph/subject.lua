-- What is drawn: the jobs of a run or of a script as nodes, and their edges. Where there
-- are too many jobs to see, those of one prefix (build:ios, build:android) become one.
--
--   local picture = subject.read(run, { limit = 150 })

local text = require "orch.report.text"

local subject = {}

local LIMIT = 150
local CROWD = 4 -- times the limit: more are not drawn, however they are named
local LEVELS, FEW = 60, 2

-- What a group shows: the state that asks most for attention.
local rank = { failed = 9, running = 8, retrying = 7, queued = 6, pending = 5, cancelled = 4,
  ok = 3, skipped = 2 }

local function edges_of(order)
  local index, edges = {}, {}
  for i, job in ipairs(order) do index[job.name] = i end
  for i, job in ipairs(order) do
    for _, kind in ipairs { "needs", "after" } do
      for _, name in ipairs(job[kind] or {}) do
        local from = index[name]
        if from and from ~= i then edges[#edges + 1] = { from, i, style = kind } end
      end
    end
  end
  return edges
end

-- 1. what stands before the colon; 2. without its digits as well.
local function prefix(name) return name:match "^([^:]+):." end
local function stem(name)
  local before = (prefix(name) or name):gsub("%d+", "#")
  return before
end

-- How far from the start each job is, in at most LEVELS steps.
local function levels_of(order, edges)
  local layer = require("orch.report.graph.layers").depths(#order, edges)
  local deepest = 1
  for i = 1, #order do deepest = math.max(deepest, layer[i]) end
  if deepest > LEVELS then
    for i = 1, #order do layer[i] = (layer[i] - 1) * LEVELS // deepest + 1 end
  end
  return layer
end

local function count_keys(keys)
  local seen, n = {}, 0
  for _, key in ipairs(keys) do
    if not seen[key] then seen[key], n = true, n + 1 end
  end
  return n
end

-- One or two boxes would show nothing: then each level has its own.
local function divide(keys, order, edges)
  local levels = levels_of(order, edges)
  for i, key in ipairs(keys) do keys[i] = ("%s\0%d"):format(key, levels[i]) end
  return keys
end

-- A key for each job: jobs of one key become one node, where there are several.
local function keys_of(order, edges, limit)
  local keys, n = {}, #order
  for i, job in ipairs(order) do keys[i] = "=" .. job.name end
  if n <= limit then return keys end
  for _, short in ipairs { prefix, stem } do
    for i, job in ipairs(order) do keys[i] = short(job.name) or "=" .. job.name end
    n = count_keys(keys)
    if n <= FEW then return divide(keys, order, edges) end
    if n <= limit then return keys end
  end
  if n <= limit * CROWD then return keys end
  for i, level in ipairs(levels_of(order, edges)) do keys[i] = ("level %d"):format(level) end
  return keys
end

local function group_label(jobs, key)
  local first = prefix(jobs[1].name)
  for _, job in ipairs(jobs) do
    if not first or prefix(job.name) ~= first then
      return (key:gsub("%z.*", ""):gsub("#", "*"))
    end
  end
  return first .. ":*"
end

local function new_group(jobs, key)
  local node = { jobs = jobs, group = true, name = key, label = group_label(jobs, key),
    counts = {} }
  for _, job in ipairs(jobs) do
    local state = job.state
    if state then
      node.counts[state] = (node.counts[state] or 0) + 1
      if (rank[state] or 0) > (rank[node.state] or 0) then node.state = state end
    end
    if job.elapsed then node.elapsed = (node.elapsed or 0) + job.elapsed end
  end
  return node
end

local function new_node(job)
  return { job = job, jobs = { job }, name = job.name, label = text.line(job.name),
    state = job.state, elapsed = job.elapsed, desc = job.desc }
end

-- Edges between nodes, each pair once; an order that is also a need is a need.
local function merge(edges, node_of)
  local merged, at = {}, {}
  for _, edge in ipairs(edges) do
    local from, to = node_of[edge[1]], node_of[edge[2]]
    local key = from ~= to and from .. " " .. to
    local old = key and at[key]
    if old then
      old.count = old.count + 1
      if edge.style == "needs" then old.style = "needs" end
    elseif key then
      at[key] = { from, to, style = edge.style, count = 1 }
      merged[#merged + 1] = at[key]
    end
  end
  return merged
end

---@class orch.GraphNode
---@field name string of the job, or what the jobs of a group have in common
---@field label string for people, on one line
---@field jobs table[] one, or those of the group
---@field group boolean?
---@field counts table<string, integer>? of a group, by state
---@field state string? of a run
---@field elapsed number? seconds, of a group all together

---@param what {order: table[]} a run's model, or jobs {name, needs, after, state?, elapsed?,
---  desc?}; what is needed but not among them is left out
---@param opts {limit: integer?}? `limit` jobs are drawn one by one, more in groups
---@return {nodes: orch.GraphNode[], edges: {[1]: integer, [2]: integer, style: "needs"|"after", count: integer}[], jobs: integer, folded: boolean} picture
function subject.read(what, opts)
  local order, edges = what.order, edges_of(what.order)
  local keys = keys_of(order, edges, opts and opts.limit or LIMIT)
  local nodes, members, number, node_of = {}, {}, {}, {}
  for i, job in ipairs(order) do
    local key = keys[i]
    if not number[key] then
      number[key] = #members + 1
      members[#members + 1] = { key = key }
    end
    node_of[i] = number[key]
    table.insert(members[node_of[i]], job)
  end
  for i, jobs in ipairs(members) do
    nodes[i] = #jobs == 1 and new_node(jobs[1]) or new_group(jobs, jobs.key)
  end
  return { nodes = nodes, edges = merge(edges, node_of), jobs = #order,
    folded = #nodes < #order }
end

return subject
