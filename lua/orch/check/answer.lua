--- The whole answer to a question that was asked before: the same rules, the same files, and
--- nothing has changed. One look at the tree instead of one at each file.

local code = require "orch.core.code"
local plan = require "orch.check.plan"

local answer = {}

--- Rules with their keys, and which files are asked for.
local function key_of(state)
  local request = state.request
  local parts = { state.keys.all, table.concat(request.only or {}, "\1") }
  parts[3] = table.concat(request.paths or {}, "\1")
  parts[4] = request.files and "files\1" .. table.concat(request.files, "\1") or ""
  parts[5] = table.concat(state.tree.excludes, "\1")
  return code.hash(table.concat(parts, "\0"))
end

---Gives the findings of before, if they hold.
---@async
---@param state table of orch.check.engine
---@return boolean given
function answer.give(state)
  local stamp, known = state.store:answer(key_of(state))
  if not stamp then return false end
  local look = state.tree:look()
  if look.stamp ~= stamp or look.problem or look.young then return false end
  if not plan.still_holds(known.outside, state.tree:stamps(known.outside)) then return false end
  for _, finding in ipairs(known.findings) do state:found(finding) end
  state.count, state.checked, state.cached = known.count, 0, known.count
  return true
end

--- What rules have looked at that lies outside of the tree, or is not there at all.
local function outside_of(state)
  local outside = {}
  for path, stamp in pairs(state.depends) do outside[path] = stamp end
  for _, path in ipairs(state.files.paths) do outside[path] = nil end
  outside["."] = nil
  return outside
end

---@param state table of orch.check.engine
---@return table row for the cache
function answer.make(state)
  return { key = key_of(state), stamp = state.files.stamp, answer = { findings = state.findings,
    count = state.count, outside = outside_of(state) } }
end

return answer
