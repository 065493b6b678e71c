--- Globs over names of jobs: `*` stands for any characters, `?` for one. Unlike those over
--- paths, nothing stops a `*`: "build:*" finds "build:ios:debug".
---
---     local find = glob.finder(graph.jobs)
---     find "build:*"   --> jobs, in the order of their declaration

local glob = {}

---@param text string
---@return boolean
function glob.is(text)
  return text:find "[*?]" ~= nil
end

--- "a*b" -> "^a.*b$"
local function pattern_of(text)
  local pattern = text:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*+", ".*"):gsub("%?", ".")
  return "^" .. pattern .. "$"
end

---@param text string a glob or a name
---@param name string
---@return boolean
function glob.matches(text, name)
  return name:find(pattern_of(text)) ~= nil
end

---Whether one of several matches; no list at all leaves nothing out.
---@param list string[]? globs and names
---@param name string
---@return boolean
function glob.any(list, name)
  if not list then return true end
  for _, text in ipairs(list) do
    if glob.matches(text, name) then return true end
  end
  return false
end

---@generic T
---@param items T[] each with an `id`
---@param list string[]? globs and ids
---@return T[] chosen
function glob.choose(items, list)
  local chosen = {}
  for _, one in ipairs(items) do
    if glob.any(list, one.id) then chosen[#chosen + 1] = one end
  end
  return chosen
end

local function by_index(a, b) return a.index < b.index end

--- The first of the sorted jobs whose name is not below `prefix`.
local function lower_bound(sorted, prefix)
  local low, high = 1, #sorted + 1
  while low < high do
    local middle = (low + high) // 2
    if sorted[middle].name < prefix then low = middle + 1 else high = middle end
  end
  return low
end

local function sort_by_name(jobs)
  local sorted = table.move(jobs, 1, #jobs, 1, {})
  table.sort(sorted, function(a, b) return a.name < b.name end)
  return sorted
end

local FEW = 16 -- globs for which all names are looked at; more are worth sorting them

---A function that finds the jobs of a glob; each glob is searched for once. What it
---returns is shared and must not be changed.
---@param jobs orch.Job[] in the order of their declaration
---@return fun(text: string): orch.Job[]
function glob.finder(jobs)
  local known, count, sorted = {}, 0, nil
  return function(text)
    if known[text] then return known[text] end
    local pattern, found = pattern_of(text), {}
    local prefix = text:match "^[^*?]*"
    count = count + 1
    if count <= FEW or prefix == "" then
      for _, job in ipairs(jobs) do
        if job.name:find(pattern) then found[#found + 1] = job end
      end
    else
      sorted = sorted or sort_by_name(jobs)
      for i = lower_bound(sorted, prefix), #sorted do
        local job = sorted[i]
        if job.name:sub(1, #prefix) ~= prefix then break end
        if job.name:find(pattern) then found[#found + 1] = job end
      end
      table.sort(found, by_index)
    end
    known[text] = found
    return found
  end
end

return glob
