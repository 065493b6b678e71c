--- What a script says about its jobs, kept in the order and with the lines it was said.
---
---     orch.job "build" { needs = "fetch", outputs = "out/game.zip", run = "make game" }
---
--- Nothing is run here, and names are looked up later, by orch.pipeline.graph: a job may
--- need one that is declared after it. Scripts declare jobs by the hundred thousand in a
--- loop, so a call does no more than check and keep.

local option = require "orch.pipeline.option"
local arg = require "orch.arg"
local core = require "orch.core.error"

local find, getinfo, find_where = string.find, debug.getinfo, core.where
local read_options = option.read

local declare = {}

---@class orch.Job
---@field name string
---@field desc string?
---@field needs string[] names and globs: they must succeed first
---@field after string[] names and globs: they must end first
---@field inputs string[] paths and globs
---@field outputs string[] paths and globs, relative to the project
---@field env table<string|integer, string|number|boolean>? variables; list items are names
---@field cwd string? for `run`
---@field pools table<string, integer>? how much of which pool
---@field retry table? options of orch.retry
---@field timeout number? seconds for an attempt
---@field stall number? seconds without output
---@field confirm string? the question to ask before it runs
---@field priority number higher comes first
---@field when "success"|"failure"|"always"
---@field run function|string|(string|string[])[]|nil nil: a group of what it needs
---@field where string "deploy.lua:12"
---@field source string file of the script
---@field line integer
---@field index integer place in the order of declaration

--- What a job has that nothing is said about; shared, so it cannot be changed.
local none = setmetatable({}, {
  __newindex = function() error("the lists of a job cannot be changed", 2) end,
})
declare.none = none
local Job = {
  __name = "orch.Job",
  __index = {
    needs = none, after = none, inputs = none, outputs = none, priority = 0,
    when = "success", needed = none, follows = none, dependents = none,
  },
}

---@class orch.Registry
---@field jobs orch.Job[] in order
---@field by_name table<string, orch.Job>
---@field pools table<string, integer>
---@field default string[]? what runs when no job is named
---@field params orch.Param[]
---@field count integer of jobs
---@field closed boolean the body has ended
---@field hooks {begin: fun(session: table)?, finish: fun(session: table)?}[]? about its run

---Forgets everything: before a script is loaded once more, and in tests.
---@return orch.Registry
function declare.reset()
  declare.registry = {
    jobs = {}, by_name = {}, pools = {}, pool_where = {}, params = {}, param_by_name = {},
    count = 0, closed = false,
  }
  return declare.registry
end
declare.reset()

--- Jobs come from loops, a thousand from one line: what belongs to it is found once.
local last_where, last_source, last_line

--- The script's line that called: "file:line", file, line.
local function caller()
  local where = find_where()
  if where == last_where then return where, last_source, last_line end
  last_source, last_line = where:match "^(.*):(%d+)$"
  last_line = math.tointeger(last_line) or 0
  if find(where, "^%.%.%.") then -- Lua cuts long paths
    local level, info = 3, getinfo(3, "Sl")
    while info and (info.currentline <= 0 or find(info.source, "^=orch/")) do
      level = level + 1
      info = getinfo(level, "Sl")
    end
    if info then last_source = info.source:sub(2) end
  end
  last_where = where
  return where, last_source or "?", last_line
end

local function refuse_late(what)
  arg.fail("%s was called while the jobs run: jobs, params and pools are declared in the "
    .. "script's body, before the first job starts", what)
end

local function check_name(name)
  if type(name) == "string" and find(name, "^%w[%w_:./-]*$") then return end -- as most are
  if type(name) ~= "string" or name == "" or name:find "[%c*?]" or name:find "^[-%s]"
    or name:find "%s$" then
    require("orch.pipeline.complaint").name(name)
  end
end

--- A job is finished when it has the metatable: `orch.job "x"` without a table is told
--- when the body has ended.
local function finish(registry, record, spec)
  if registry.closed then refuse_late("orch.job") end
  if getmetatable(record) then
    require("orch.pipeline.complaint").twice(record, record)
  elseif type(spec) ~= "table" then
    require("orch.pipeline.complaint").spec(record, spec)
  end
  read_options(record, spec)
  setmetatable(record, Job)
  return record.name
end

---Declares a job: `orch.job "name" { ... }`, or `orch.job("name", { ... })`.
---@param name string free of `*`, `?` and control characters; "build:android" is listed
---  under "build"
---@param spec orch.JobOptions
---@return string name raises kind `usage`, and `graph` for a name that there is
---@overload fun(name: string): (fun(spec: orch.JobOptions): string)
function declare.job(name, spec)
  local registry = declare.registry
  if registry.closed then refuse_late("orch.job") end
  check_name(name)
  local where, source, line = caller()
  local jobs, index = registry.jobs, registry.count + 1
  -- Room for everything a job may get later: a table that grows is filled anew.
  local record = {
    name = name, source = source, line = line, where = where, index = index,
    desc = nil, needs = nil, inputs = nil, outputs = nil, run = nil,
    needed = nil, follows = nil, dependents = nil, chosen = nil,
  }
  if registry.by_name[name] then
    require("orch.pipeline.complaint").twice(record, registry.by_name[name])
  end
  jobs[index], registry.by_name[name], registry.count = record, record, index
  if spec ~= nil then return finish(registry, record, spec) end
  return function(options) return finish(registry, record, options) end
end

---Says how much of something there is, for jobs with `pools`: `orch.pools { unity = 2 }`.
---@param sizes table<string, integer> raises kind `usage`
function declare.pools(sizes)
  local registry = declare.registry
  if registry.closed then refuse_late("orch.pools") end
  arg.check("pools", 1, sizes, "table")
  local where = caller()
  for _, name in ipairs(option.sorted_names("pools", sizes)) do
    local size = option.amount("pools", name, sizes[name])
    if name == "slots" then
      arg.fail("pools: `slots` is what orch calls its own: how many jobs run at once (-j)")
    elseif registry.pools[name] and registry.pools[name] ~= size then
      arg.fail("pools: `%s` has a size of %d already (%s)", name, registry.pools[name],
        registry.pool_where[name])
    end
    registry.pools[name], registry.pool_where[name] = size, where
  end
end

---Says which jobs run when the command line names none: `orch.default "publish"`.
---@param ... string|string[] names and globs; raises kind `usage`
function declare.default(...)
  local registry = declare.registry
  if registry.closed then refuse_late("orch.default") end
  local where = caller()
  local names = select("#", ...) > 1 and { ... } or (...)
  if type(names) == "string" then names = { names } end
  arg.check("default", 1, names, "table")
  if registry.default then
    arg.fail("default: the jobs that run by default were named at %s already",
      registry.default_where)
  end
  names = option.strings(names) or arg.fail("default: the names of jobs should be strings, such "
    .. "as orch.default(\"build\", \"publish\")")
  if #names == 0 then arg.fail("default: no job is named") end
  registry.default, registry.default_where = names, where
end

---Whether a script has declared jobs, be it that one of them lacks its table.
---@param registry orch.Registry
---@return boolean
function declare.any(registry)
  return registry.count > 0
end

---@param record orch.Job
---@return boolean
function declare.is_finished(record)
  return getmetatable(record) ~= nil
end

---The body has ended: from now on nothing can be declared.
---@param registry orch.Registry
function declare.close(registry)
  registry.closed = true
end

return declare
