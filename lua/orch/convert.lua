--- Many files through a command or a function: those that have changed, a few at a time, each
--- output whole or not there.
---
---     orch.convert {
---       files = "Assets/**/*.wav", to = "build/audio/{subfolder}/{stem}.ogg",
---       run = { "ffmpeg", "-v", "error", "-i", "{input}", "{output}" },
---     }

local arg = require "orch.arg"
local errors = require "orch.core.error"
local tasks = require "orch.core.task"
require "orch.scope" -- gives scopes their methods

local options = {
  files = "string|table", paths = "table", to = "string|table|callable",
  run = "string|table|callable", concurrency = "integer", timeout = "duration",
  progress = "boolean|string|callable", force = "boolean", check = "boolean", cache = "path",
}
local CACHE = ".orch/convert.jsonl"
--- Of failures, the message shows so many.
local SHOWN = 10

---@class orch.ConvertOptions
---@field files? string|string[] patterns, as for `fs.glob`
---@field paths? string[] or the very paths
---@field to string|table|fun(path: string): string|table where it goes: a path, a list of
---  paths, or paths with names (a function may wait; what it raises, apart from `usage`, is
---  that file's failure), with `{path}`, `{folder}`, `{subfolder}` (below the part of
---  the pattern that has no wildcards), `{name}`, `{stem}` and `{extension}`
---@field run string|string[]|fun(input: string, output: string|table) a program with the same
---  placeholders, `{input}` and `{output}` (of several: `{output_1}`, or `{output_NAME}`); a
---  line for the shell with `${input}` and `${output}`; or a function, which is given the
---  outputs in the shape of `to`. They are temporary names in the same folders
---@field concurrency? integer so many at once; default: the number of processors
---@field timeout? number|string of one file
---@field progress? boolean|string|fun(done: integer, total: integer) as for `map`
---@field force? boolean convert all
---@field check? boolean false: failures do not raise
---@field cache? string where it is noted what was converted; default ".orch/convert.jsonl"

---@class orch.ConvertResult
---@field converted integer
---@field skipped integer that stood already: the content of the input, what is done with it
---  and the output are what they were
---@field failed {path: string, error: orch.Error}[] in the order of the inputs
---@field outputs string[] that stand now, in the order of the inputs

local function check_options(opts)
  if type(opts) ~= "table" then
    arg.fail("convert takes one table: convert { files = ..., to = ..., run = ... }, not %s",
      arg.describe(opts))
  end
  opts = arg.options("convert", opts, options)
  if (opts.files == nil) == (opts.paths == nil) then
    arg.fail "convert needs either `files` (patterns) or `paths`"
  end
  for _, name in ipairs { "to", "run" } do
    if opts[name] == nil then arg.fail("convert: option `%s` is missing", name) end
  end
  local cap = opts.concurrency or require("orch.core.runtime").cpus()
  if cap < 1 then
    arg.fail("convert: option `concurrency` should be at least 1, not %d", cap)
  end
  opts.concurrency = cap
  return opts
end

--- In a job a failure is one of its problems, too.
local function tell_job(failure)
  local current = package.loaded["orch.pipeline.current"]
  local ctx = current and current.find()
  if not ctx then return end
  require("orch.pipeline.handle").new(ctx):problem { severity = "error", file = failure.path,
    message = tostring(failure.error) }
end

local function convert_all(items, opts, records)
  local shown <close> = opts.progress
    and require("orch.progress").counter(#items, opts.progress) or nil
  local one = require "orch.convert.one"
  local state = {} -- of each item: "converted", "skipped", or the Error
  do
    local s <close> = tasks.open("convert", nil, false, nil, false)
    local function work(i)
      local ok, how = pcall(one, items[i], opts, records)
      if not ok then how = errors.is(how) and how or errors.make { kind = "error",
        message = tostring(how), cause = how } end
      state[i] = how
      if not ok then tell_job { path = items[i].input, error = how } end
      if shown then shown.add(1) end
    end
    for i = 1, #items do
      s:wait(opts.concurrency)
      s:start(nil, work, i)
    end
    s:wait(1)
  end
  return state
end

local function summary(items, state)
  local result = { converted = 0, skipped = 0, failed = {}, outputs = {} }
  for i, item in ipairs(items) do
    local how = state[i]
    if errors.is(how) then
      table.insert(result.failed, { path = item.input, error = how })
    elseif how then
      result[how] = result[how] + 1
      for _, output in ipairs(item.outputs) do table.insert(result.outputs, output) end
    end
  end
  return result
end

local function fail(result, total)
  local failed = result.failed
  local lines = { ("%d of %d files could not be converted:"):format(#failed, total) }
  for i = 1, math.min(#failed, SHOWN) do
    local text = tostring(failed[i].error):gsub("\n.*", "")
    lines[i + 1] = ("  %s: %s"):format(failed[i].path, text)
  end
  if #failed > SHOWN then lines[#lines + 1] = ("  and %d more"):format(#failed - SHOWN) end
  errors.throw(errors.make { kind = "convert", message = table.concat(lines, "\n"),
    failed = failed, result = result })
end

---Converts those files that have changed since they were converted last, or whose `run` has, or
---whose outputs are missing or were changed. A file that cannot be converted is reported and
---stops nothing: at the end one Error is raised for all of them.
---
---Each output is written under a temporary name in its folder, with the same ending, and gets
---its own when the tool has succeeded and it is not empty. What a tool has written beside it,
---under a name that begins so (logs), goes at the end; what a killed run has left goes with the
---next one. Which version a tool has is not looked at: `force=true` after an update.
---@async
---@param opts orch.ConvertOptions
---@return orch.ConvertResult result raises kind `convert` with `failed` and `result` unless
---  `check=false`; `usage`, also where two files would be written to one output
local function convert(opts)
  opts = check_options(opts)
  local items = require "orch.convert.plan"(opts)
  local first
  for _, item in ipairs(items) do first = first or item.failure == nil and item or nil end
  opts.run = require("orch.convert.run").prepare(opts.run, first)
  local records <close> = require("orch.convert.records").open(opts.cache or CACHE, items)
  local result = summary(items, convert_all(items, opts, records))
  if #result.failed > 0 and opts.check ~= false then fail(result, #items) end
  return result
end

return convert
