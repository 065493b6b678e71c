--- One function over many items, under a cap.
---
---     local sizes = orch.map(files, fs.size, { concurrency = 8 })

local core = require "orch.core.task"
local errors = require "orch.core.error"
local arg = require "orch.arg"
require "orch.scope" -- gives scopes their methods

local map = {}

local options = {
  concurrency = "integer", collect = "boolean", progress = "boolean|string|callable",
}
local DEFAULT_CONCURRENCY = 16

local function run(fname, list, fn, opts, keep)
  arg.check(fname, 1, list, "table")
  arg.check(fname, 2, fn, "callable")
  opts = arg.options(fname, opts, options)
  local cap = opts.concurrency or DEFAULT_CONCURRENCY
  if cap < 1 then
    arg.fail("%s: option `concurrency` should be at least 1, not %d", fname, cap)
  end
  if #list == 0 and next(list) ~= nil then
    arg.fail("%s: argument 1 should be a list; this table has names (%s) and no items",
      fname, tostring(next(list)))
  end
  core.checkpoint()
  local results, done, total = {}, 0, #list
  local shown <close> = opts.progress
    and require("orch.progress").counter(total, opts.progress) or nil
  local function one(item, i)
    local value = fn(item, i)
    if keep then results[i] = value end
    done = done + 1
    if shown then shown.add(1) end
  end
  do
    local s <close> = core.open(fname, nil, false, nil, opts.collect or false)
    for i = 1, total do
      s:wait(cap)
      s:start(nil, one, list[i], i)
    end
    s:wait(1)
  end
  if done < total then
    errors.throw(errors.make { kind = "cancelled", message =
      ("%s: %d of %d calls were cancelled"):format(fname, total - done, total) })
  end
  return results
end

---Calls `fn(item, index)` for every item, at most `concurrency` (16) at a time.
---@async
---@generic T, R
---@param list T[]
---@param fn fun(item: T, index: integer): R
---@param opts {concurrency: integer?, collect: boolean?, progress: boolean|string|function|nil}?
---  `collect` runs all and then raises once with every error; `progress` shows a bar
---  (with that label) or is called as `progress(done, total)`
---@return R[] results in the order of the list, a nil leaves a hole; raises the first
---  error of `fn`
function map.map(list, fn, opts)
  return run("map", list, fn, opts, true)
end

---`map` without results.
---@async
---@generic T
---@param list T[]
---@param fn fun(item: T, index: integer)
---@param opts table? as for `map`
function map.each(list, fn, opts)
  run("each", list, fn, opts, false)
end

return map
