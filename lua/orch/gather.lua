--- Many things at once, all of them wanted.
---
---     local a, b = orch.gather(function() return fs.read "a" end, { fs.read, "b" })

local entry = require "orch.entry"

---Runs all entries at once. The first failure cancels the others, waits until they
---have ended and is raised; the others are on its `.suppressed`.
---@async
---@param ... function|orch.Task|table functions or Tasks; or a list or keyed table of
---  them (there also `{fn, args...}`) and then the options `{concurrency=}`
---@return any ... the first result of each, in order; for a table, a table
local function gather(...)
  local entries, keys, cap, positional = entry.of_call("gather", ...)
  local tasks = entry.run_all("gather", "start", entries, keys, cap)
  local results = {}
  for i, key in ipairs(keys) do
    local ok, value = tasks[i]:result()
    if not ok then error(value, 0) end -- somebody cancelled this one alone
    results[key] = value
  end
  if positional then return table.unpack(results, 1, #keys) end
  return results
end

return gather
