--- Worker threads: CPU work on other cores, each call in a Lua state of its own.
---
---     local primes = orch.thread(function(n)
---       local count = 0
---       for i = 2, n do
---         local prime = true
---         for d = 2, math.floor(i ^ 0.5) do prime = prime and i % d ~= 0 end
---         if prime then count = count + 1 end
---       end
---       return count
---     end, 10000)
---     assert(primes == 1229)
---
--- Arguments and results are copied: nil, booleans, numbers, strings, tables
--- (shared parts and cycles are kept) and Lua functions. A function may capture
--- nothing; it gets what it needs as arguments and requires modules itself. In
--- there, orch is what does not wait: `json`, `hash`, `fs.path`, errors.
---
--- There are as many threads as cores; calls beyond that wait their turn. A call
--- that is cancelled stops at its next Lua instruction: it costs nothing before,
--- but a single long C call (a pattern that backtracks) is waited for.
local arg = require "orch.arg"
local core = require "orch.core.worker"
local errors = require "orch.core.error"

local thread = {}

--- In the worker. A string names a module that returns a function.
local function run_one(fn, ...)
  if type(fn) == "string" then
    local name = fn
    fn = require(name)
    if type(fn) ~= "function" then
      require("orch.arg").fail("thread: module '%s' should return a function, "
        .. "not a %s", name, type(fn))
    end
  end
  return fn(...)
end

local call_labels = { "the driver", "the function" }

---Runs `fn(...)` on a worker thread.
---@async
---@param fn function|string a function that captures nothing, or a module that returns one
---@param ... any copied
---@return any ... copied; raises the error of `fn` with `.traceback` from both
---  sides, kind `usage` for what cannot be copied
function thread.thread(fn, ...)
  arg.check("thread", 1, fn, "function|string")
  local lane <close> = core.open()
  return core.call(lane, call_labels, run_one, fn, ...)
end

--- In the worker: items[first..last], each result at its item's place.
local function run_chunk(fn, items, first, last, collect)
  local handler = require("orch.core.error").handler
  local results, failures = {}, nil
  if type(fn) == "string" then
    local name = fn
    fn = require(name)
    if type(fn) ~= "function" then
      require("orch.arg").fail("thread_map: module '%s' should return a "
        .. "function, not a %s", name, type(fn))
    end
  end
  for i = first, last do
    if collect then
      local ok, value = xpcall(fn, handler, items[i], i)
      if ok then
        results[i] = value
      else
        failures = failures or {}
        failures[i] = value
      end
    else
      results[i] = fn(items[i], i)
    end
  end
  return results, failures
end

local chunk_labels = { "the driver", "the function", "the list" }

--- At least eight per worker, so that a slow one does not keep the others waiting.
local function cut(count, workers)
  local size = math.max(1, math.min(4096, math.ceil(count / (workers * 8))))
  local chunks = {}
  for first = 1, count, size do
    chunks[#chunks + 1] = { first, math.min(count, first + size - 1) }
  end
  return chunks
end

--- States for the chunks: one per chunk at work, kept for the next one.
local Lanes = {}
Lanes.__index = Lanes

function Lanes:take()
  local lane = table.remove(self.free) or core.open()
  self.all[lane] = true
  return lane
end

function Lanes:__close()
  for lane in pairs(self.all) do lane:close() end
end

local function merge(into, from)
  for i, value in pairs(from or {}) do into[i] = value end
end

--- The failure of the first item, with those of the others on it.
local function raise_all(failures)
  local indices = {}
  for i in pairs(failures) do indices[#indices + 1] = i end
  if #indices == 0 then return end
  table.sort(indices)
  local first = failures[indices[1]]
  for i = 2, #indices do errors.suppress(first, failures[indices[i]]) end
  errors.throw(first)
end

---@class ThreadMapOptions
---@field concurrency? integer calls at once; the number of cores by default
---@field collect? boolean run them all, then raise the first error with the others `.suppressed`
---@field progress? boolean|string|fun(done: integer, total: integer) a bar on the terminal (with this label), or who is told

---`fn(item, index)` for each item, on all cores. The first failure stops the rest.
---A worker keeps its Lua state, and so its loaded modules, from item to item.
---@async
---@param list any[]
---@param fn function|string a function that captures nothing, or a module that returns one
---@param opts? ThreadMapOptions
---@return any[] results in the list's order; a nil leaves a hole
function thread.thread_map(list, fn, opts)
  arg.check("thread_map", 1, list, "table")
  arg.check("thread_map", 2, fn, "function|string")
  local o = arg.options("thread_map", opts, {
    concurrency = "integer", collect = "boolean",
    progress = "boolean|string|callable",
  })
  local workers = o.concurrency or core.cores()
  if workers < 1 then
    arg.fail("thread_map: option `concurrency` should be at least 1, not %d", workers)
  end
  local lanes <close> = setmetatable({ free = {}, all = {} }, Lanes)
  local shown <close> = o.progress
    and require("orch.progress").counter(#list, o.progress) or nil
  local results, failures = {}, {}
  require("orch.map").each(cut(#list, workers), function(chunk)
    local first, last = chunk[1], chunk[2]
    local lane, items = lanes:take(), {}
    for i = first, last do items[i] = list[i] end
    local values, errs = core.call(lane, chunk_labels, run_chunk, fn, items, first,
      last, o.collect)
    merge(results, values)
    merge(failures, errs)
    table.insert(lanes.free, lane)
    if shown then shown.add(last - first + 1) end
  end, { concurrency = workers })
  raise_all(failures)
  return results
end

return arg.public("orch.thread", thread)
