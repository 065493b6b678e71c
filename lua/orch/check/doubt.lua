--- What a check has found and is not sure of tomorrow: where somebody changed files while rules
--- looked at them, and of rules that change what they capture.
---
---     doubt.drop(state)      -- out of state.news, what is to be remembered

local key = require "orch.check.key"
local stamp = require "orch.core.stamp"

local doubt = {}

-- ---- files ----

--- Paths that are not what they were when the check began, and the folders that they are in.
local function changes(tree, files)
  if tree:look().stamp == files.stamp then return nil end
  local set = {}
  for _, list in ipairs { stamp.compare(files.blob, tree:list(files.blob).blob) } do
    for _, path in ipairs(list) do
      while path and not set[path] do
        set[path], path = true, path:match "^(.*)/[^/]*$"
      end
    end
  end
  return set
end

local function is_touched(row, set)
  if set[row.path] then return true end
  for _, depends in pairs(row.depends or {}) do
    for path in pairs(depends or {}) do
      if path == "." or set[path] then return true end
    end
  end
  return false
end

local function drop_touched(news, set)
  local kept = {}
  for _, row in ipairs(news.files) do
    if not is_touched(row, set) then kept[#kept + 1] = row end
  end
  news.files, news.projects = kept, {}
end

-- ---- rules ----

--- A list, a counter: the rule may say something else of the next file.
local function restless(state)
  local now, set = key.of(state.rules).by_rule, nil
  for id, before in pairs(state.keys.by_rule) do
    if now[id] ~= before then
      set = set or {}
      set[id] = true
    end
  end
  return set
end

local function drop_restless(news, set)
  for _, row in ipairs(news.files) do
    for _, id in ipairs(row.ran) do
      if set[id] then
        row.depends = row.depends or {}
        row.depends[id] = false
      end
    end
  end
  local kept = {}
  for _, row in ipairs(news.projects) do
    if not set[row.rule] then kept[#kept + 1] = row end
  end
  news.projects = kept
end

---@async
---@param state table of orch.check.engine
function doubt.drop(state)
  local changed = changes(state.tree, state.files)
  if changed then drop_touched(state.news, changed) end
  local rules = restless(state)
  if not rules then return end
  drop_restless(state.news, rules)
  state.volatile = true
end

return doubt
