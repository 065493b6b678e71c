--- The order in which jobs can run: each after those it needs and follows, otherwise as
--- they are declared. A circle has no such order, and is shown.
---
---     local order = topology.sort(jobs, problems)

local topology = {}

local NEW, DOING, DONE = 0, 1, 2

--- Of circles that have a job in common, one is told.
local function is_told(told, stack, first, last)
  for i = first, last do
    if told[stack[i]] then return true end
  end
  for i = first, last do told[stack[i]] = true end
  return false
end

--- The jobs of a circle, from the stack of the search: a (deploy.lua:3) -> b (...) -> a
local function tell(problems, told, stack, depth, back)
  local start = depth
  while stack[start] ~= back do start = start - 1 end
  if is_told(told, stack, start, depth) then return end
  local first = start -- the circle begins with the job that is declared first
  for i = start, depth do
    if stack[i].index < stack[first].index then first = i end
  end
  local parts, length = {}, depth - start + 1
  for i = 0, length - 1 do
    local job = stack[start + (first - start + i) % length]
    parts[#parts + 1] = ("%s (%s)"):format(job.name, job.where)
  end
  if length > 12 then
    parts = table.move(parts, length - 4, length, 7,
      { table.unpack(parts, 1, 5), ("... %d more"):format(length - 10) })
  end
  local from = stack[first]
  parts[#parts + 1] = from.name
  local next_job = stack[start + (first - start + 1) % length]
  local sentence = length == 1 and ("the job '%s' waits for itself"):format(from.name)
    or "these jobs wait for each other: " .. table.concat(parts, " -> ")
  problems:add(from, next_job.name, sentence)
end

--- A search with a stack of its own: a chain may be as long as there are jobs. What a job
--- waits for is first what it needs, then what it follows.
local function visit(root, state, order, problems, told)
  local stack, at, depth = { root }, { 0 }, 1
  state[root.index] = DOING
  while depth > 0 do
    local job = stack[depth]
    local n = at[depth] + 1
    at[depth] = n
    local needed = job.needed
    local other = needed[n] or job.follows[n - #needed]
    local now = other and state[other.index]
    if not other then
      state[job.index] = DONE
      order[#order + 1] = job
      depth = depth - 1
    elseif now == DOING then
      tell(problems, told, stack, depth, other)
    elseif now == NEW then
      depth = depth + 1
      stack[depth], at[depth] = other, 0
      state[other.index] = DOING
    end
  end
end

---@param jobs orch.Job[] with `needed` and `follows`
---@param problems table of orch.pipeline.problem
---@return orch.Job[] order
function topology.sort(jobs, problems)
  local state, order, told = {}, {}, {}
  for i = 1, #jobs do state[jobs[i].index] = NEW end
  for i = 1, #jobs do
    if state[jobs[i].index] == NEW then visit(jobs[i], state, order, problems, told) end
  end
  return order
end

return topology
