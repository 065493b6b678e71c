--- One function over many items, under a cap.
---
---     local sizes = orch.map(files, fs.size, { concurrency = 8 })

local core = require "orch.core.task"
local arg = require "orch.arg"
require "orch.scope" -- gives scopes their methods

local map = {}

local options = {
  concurrency = "integer", collect = "boolean", progress = "boolean|string|callable",
}
local DEFAULT_CONCURRENCY = 16

--- A counter behind `progress=`: a function, or a bar on the terminal.
local function counter(progress, total)
  if not progress then return nil end
  if arg.is_callable(progress) then
    local done = 0
    return { add = function() done = done + 1; progress(done, total) end, close = function() end }
  end
  return require("orch.progress").counter(total, progress ~= true and progress or nil)
end

local function run(fname, list, fn, opts, keep)
  arg.check(fname, 1, list, "table")
  arg.check(fname, 2, fn, "callable")
  opts = arg.options(fname, opts, options)
  local cap = opts.concurrency or DEFAULT_CONCURRENCY
  if cap < 1 then arg.fail("%s: option `concurrency` should be at least 1", fname) end
  core.checkpoint()
  local results, n = {}, #list
  local shown = counter(opts.progress, n)
  local function one(item, i)
    local value = fn(item, i)
    if keep then results[i] = value end
    if shown then shown.add(1) end
  end
  local s <close> = core.open(fname, nil, false, nil, opts.collect or false)
  for i = 1, n do
    s:wait(cap)
    s:start(nil, one, list[i], i)
  end
  s:wait(1)
  if shown then shown.close() end
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
---@return R[] results in the order of the list
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
