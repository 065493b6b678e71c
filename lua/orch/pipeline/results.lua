--- What other jobs have returned.
---
---     orch.job "publish" { needs = { "build:*" }, run = function()
---       for name, build in pairs(orch.results "build:*") do print(name, build.size) end
---     end }

local arg = require "orch.arg"
local current = require "orch.pipeline.current"

local results = {}

--- All that a job needs, also what these need.
local function needed_by(job, found)
  for _, need in ipairs(job.needed) do
    if not found[need.name] then
      found[need.name] = need
      needed_by(need, found)
    end
  end
  return found
end

local function needs_of(ctx)
  ctx.all_needs = ctx.all_needs or needed_by(ctx.job, {})
  return ctx.all_needs
end

--- What a job gave when it succeeded last, in this run or, where this one leaves it out, in
--- an earlier one. A job that failed in this run has given nothing.
local function value_of(fname, ctx, name)
  local need, result = needs_of(ctx)[name], ctx.session.results[name]
  local node = need.node
  if node and (node.outcome == "failed" or node.outcome == "cancelled") then return nil end
  if result and result.text then return require("orch.json").decode(result.text) end
  if need.run and (not node or need.skipped) and not (result and result.digest) then
    arg.fail("%s: job '%s' has never succeeded here, and this run leaves it out; run it as well",
      fname, name)
  end
end

local function unknown(fname, ctx, name)
  local names = arg.keys_of(needs_of(ctx))
  local near = arg.suggest(name, names)
  if not near and require("orch.pipeline.glob").is(name) then
    arg.fail("%s: nothing that job '%s' needs matches '%s'; it needs %s", fname, ctx.job.name,
      name, names[1] and table.concat(names, ", ") or "no job")
  end
  arg.fail("%s: job '%s' does not need '%s'%s", fname, ctx.job.name, name,
    near and ("; did you mean '%s'?"):format(near)
    or ("; write needs = { %q } at %s"):format(name, ctx.job.where))
end

---The values that jobs have returned, by name. Only of jobs that this one needs, directly
---or not: others may not have run.
---@param pattern string a job's name, or a pattern such as "build:*"
---@return table<string, any> values copies; a job that returned nothing is not in it
function results.results(pattern)
  arg.check("results", 1, pattern, "string")
  local ctx = current.get "results"
  local is_pattern = require("orch.pipeline.glob").is(pattern)
  local found, any = {}, false
  for name in pairs(needs_of(ctx)) do
    if name == pattern or is_pattern and require("orch.pipeline.glob").matches(pattern, name) then
      found[name], any = value_of("results", ctx, name), true
    end
  end
  if not any then unknown("results", ctx, pattern) end
  return found
end

---The value that one job has returned.
---@param name string of a job that this one needs
---@return any value a copy; nil where it returned nothing
function results.result(name)
  arg.check("result", 1, name, "string")
  local ctx = current.get "result"
  if not needs_of(ctx)[name] then unknown("result", ctx, name) end
  return value_of("result", ctx, name)
end

return results
