--- Loads a script without running its jobs: for those that only look at them.
---
---     local registry = load.script({ file = load.find() }, {})
---
--- The body runs, as it does before any run; what it prints goes to stderr, or nowhere,
--- and what it leaves running is ended with it. Params that are required and lacking are
--- made up.

local arg = require "orch.arg"
local core = require "orch.core.task"
local declare = require "orch.pipeline.declare"
local output = require "orch.output"
local script = require "orch.cli.script"

local HOLD = 2

local load = {}

--- Whether a source could declare jobs.
local function may_declare(source)
  return source:find "%f[%w_]job%s*[%(\"'%[]" ~= nil
    or source:find "%f[%w_]orch%.job%f[^%w_]" ~= nil
end

local LARGE = 4 << 20

local function scripts_with_jobs()
  local fs, found = require "orch.fs", {}
  for _, name in ipairs(fs.list(".", { type = "file" })) do
    if name:find "%.lua$" and not name:find "_test%.lua$" and fs.stat(name).size <= LARGE then
      local ok, source = pcall(script.read, require("orch.place").resolve(name))
      if ok and may_declare(source) then found[#found + 1] = name end
    end
  end
  return found
end

---The script that is meant when none is named: orch.lua, or else the only one of the
---folder that declares jobs.
---@async
---@return string file raises kind `usage` where there is none, or more than one
function load.find()
  if require("orch.fs").exists "orch.lua" then return "orch.lua" end
  local found = scripts_with_jobs()
  if #found == 1 then return found[1] end
  if #found == 0 then
    arg.fail("no script in this folder declares jobs; name one, or let `orch new pipeline` "
      .. "write one")
  end
  local names = table.concat(found, ", ", 1, math.min(#found, 5))
  arg.fail("several scripts declare jobs: %s%s; name one of them", names,
    #found > 5 and (" and %d more"):format(#found - 5) or "")
end

--- What the script requires lies beside it.
local function add_to_path(file)
  local folder = require("orch.place").resolve(file):match "^(.*)/[^/]*$"
  if not folder then return end
  folder = folder == "" and "/" or folder
  local entry = folder .. "/?.lua;" .. folder .. "/?/init.lua;"
  if not package.path:find(entry, 1, true) then package.path = entry .. package.path end
end

local function sink_of(silent)
  return {
    write = function(_, text)
      if not silent then output.aside(io.stderr.write, io.stderr, text) end
    end,
  }
end

--- A body that never waits cannot be cancelled; it is stopped from inside.
local function limit_time(seconds)
  local clock = require "orch.core.clock"
  local stop = clock.now() + seconds
  debug.sethook(function()
    if clock.now() < stop then return end
    debug.sethook()
    require("orch.error") { kind = "timeout", message = "the script's body took too long" }
  end, "", 100000)
end

--- In tracebacks the name `script_body` is the script's main chunk.
local function run_body(script_body, words, opts)
  local sink <close> = output.with(sink_of(opts.silent))
  local body <close> = core.open("the script's body", opts.limit, false, nil, false)
  if opts.limit then limit_time(opts.limit) end
  script_body(table.unpack(words))
  debug.sethook()
  for _, child in ipairs(core.children(core.current())) do
    child:cancel("the script's body has ended, and its jobs are only looked at")
  end
end

--- A task of its own, which Ctrl-C cancels.
local function run_in_task(chunk, words, opts)
  local runtime = require "orch.core.runtime"
  local main = core.spawn("main", HOLD, run_body, chunk, words, opts)
  runtime.guard("interrupt", main)
  runtime.guard("deadlock", main)
  main:join()
  local ok, err = main:result()
  if not ok then error(err, 0) end
end

---Runs a script's body and gives what it declared.
---@async
---@param found {file: string, silent: boolean?, limit: number?} `silent`: what the body
---  prints is dropped; `limit`: seconds that it may take
---@param words string[]? its arguments
---@return orch.Registry registry raises kinds `script`, `graph`, `usage`, and what the body
---  raises
function load.script(found, words)
  local registry = declare.reset()
  registry.inspecting = true
  words = words or {}
  words[0] = found.file
  local chunk = script.load(found.file)
  if not may_declare(script.sources[found.file])
    and not script.sources[found.file]:find "%f[%w_]require%f[^%w_]" then
    arg.fail("%s declares no jobs: it has no orch.job in it", found.file)
  end
  add_to_path(found.file)
  local orch = require "orch"
  rawset(orch, "args", words)
  _G.orch = orch
  run_in_task(chunk, words, found)
  return registry
end

---The same, as a graph.
---@async
---@param file string? default: what `load.find` finds
---@param opts {silent: boolean?, limit: number?}?
---@return orch.Graph graph raises kind `graph`, too
---@return orch.Registry registry
---@return string file
function load.graph(file, opts)
  file = file or load.find()
  local registry = load.script({ file = file, silent = opts and opts.silent,
    limit = opts and opts.limit })
  return require("orch.pipeline.graph").build(registry), registry, file
end

return load
