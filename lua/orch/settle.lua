--- Many things at once, every outcome as data.
---
---     local r = orch.settle { a = upload_a, b = upload_b }
---     if not r.a.ok then print(r.a.error) end

local entry = require "orch.entry"

---Runs all entries and gives every outcome (asyncio's `return_exceptions=True`).
---Raises only when the caller itself is cancelled.
---@async
---@param ... table|function|orch.Task as for `gather`
---@return table outcomes the same keys, each `{ok=, value=, error=}`
local function settle(...)
  local entries, keys, cap = entry.of_call("settle", ...)
  local tasks = entry.run_all("settle", "hold_quietly", entries, keys, cap)
  local outcomes = {}
  for i, key in ipairs(keys) do
    local ok, value = tasks[i]:result()
    outcomes[key] = ok and { ok = true, value = value } or { ok = false, error = value }
  end
  return outcomes
end

return settle
