--- Many things at once, every outcome as data.
---
---     local r = orch.settle { a = upload_a, b = upload_b }
---     if not r.a.ok then print(r.a.error) end

local core = require "orch.core.task"
local arg = require "orch.arg"
local entry = require "orch.entry"

---Runs all entries and gives every outcome (asyncio's `return_exceptions=True`).
---Raises only when the caller itself is cancelled.
---@async
---@param ... table|function|orch.Task as for `gather`
---@return table outcomes the same keys, each `{ok=, value=, error=}`
local function settle(...)
  local entries, opts = entry.of_call("settle", ...)
  local keys = entry.keys(entries)
  opts = arg.options("settle", opts, { concurrency = "integer" })
  entry.check("settle", entries, keys)
  core.checkpoint()
  local tasks, outcomes = {}, {}
  do
    local s <close> = core.open("settle", nil, false, nil, false)
    for i, key in ipairs(keys) do
      if opts.concurrency then s:wait(opts.concurrency) end
      local name = type(key) == "string" and key or nil
      tasks[i] = entry.start(s, "hold", name, "settle", key, entries[key])
    end
    s:wait(1)
  end
  for i, key in ipairs(keys) do
    local ok, value = tasks[i]:result()
    outcomes[key] = ok and { ok = true, value = value } or { ok = false, error = value }
  end
  return outcomes
end

return settle
