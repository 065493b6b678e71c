--- Many things at once, all of them wanted.
---
---     local a, b = orch.gather(function() return fs.read "a" end, { fs.read, "b" })

local core = require "orch.core.task"
local arg = require "orch.arg"
local entry = require "orch.entry"

---Runs all entries at once. The first failure cancels the others, waits until they
---have ended and is raised; the others are on its `.suppressed`.
---@async
---@param ... function|orch.Task|table functions or Tasks; or a list or keyed table of
---  them (there also `{fn, args...}`) and then the options `{concurrency=}`
---@return any ... the first result of each, in order; for a table, a table
local function gather(...)
  local entries, opts, positional = entry.of_call("gather", ...)
  local keys = entry.keys(entries)
  opts = arg.options("gather", opts, { concurrency = "integer" })
  entry.check("gather", entries, keys)
  core.checkpoint()
  local tasks, results = {}, {}
  do
    local s <close> = core.open("gather", nil, false, nil, false)
    for i, key in ipairs(keys) do
      if opts.concurrency then s:wait(opts.concurrency) end
      local name = type(key) == "string" and key or nil
      tasks[i] = entry.start(s, "start", name, "gather", key, entries[key])
    end
    s:wait(1)
  end
  for i, key in ipairs(keys) do
    local _, value = tasks[i]:result()
    results[key] = value
  end
  if positional then return table.unpack(results, 1, #keys) end
  return results
end

return gather
