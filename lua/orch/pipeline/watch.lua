--- `orch watch`: runs the jobs of a script, and again those that a change touches.
---
---     return watch.run { file = "deploy.lua", words = { "build:*" }, debounce = 0.2, options = {} }
---
--- A change while jobs run is kept for the next run. What jobs write themselves is not
--- followed: not their outputs, nor what changes during every run.

local collector = require "orch.pipeline.watch_changes"
local place = require "orch.place"
local plans = require "orch.pipeline.watch_plan"
local process = require "orch.process"
local runtime = require "orch.core.runtime"
local scopes = require "orch.scope"
local watch_scope = require "orch.pipeline.watch_scope"

local EXIT_USAGE, EXIT_SCRIPT = 2, 3
local SHOWN = 4 -- names in a message
local IN_A_ROW = 3 -- runs that only changes during the one before have started

---@class orch.WatchOptions
---@field file string
---@field words string[] jobs, params, options
---@field options string[] of `orch run`
---@field debounce number seconds
---@field restart boolean?
---@field clear boolean?

---@class orch.Watching
---@field private asked orch.WatchOptions
---@field private plan orch.WatchPlan
---@field private scope orch.WatchScope
---@field private changes orch.WatchChanges
---@field private stale boolean the script has changed
---@field private all boolean all jobs are due
---@field private due table<string, boolean> jobs that were touched
---@field private unfinished table<string, boolean> jobs whose last run did not succeed
---@field private touched string[] by what, each once
---@field private rounds integer in a row, see IN_A_ROW
---@field private restarts integer in a row
local Watching = {}
Watching.__index = Watching

local function say(text, ...)
  io.stderr:write("orch: ", text:format(...), "\n")
end

local function listed(names)
  if #names <= SHOWN then return table.concat(names, ", ") end
  return ("%s and %d more"):format(table.concat(names, ", ", 1, SHOWN), #names - SHOWN)
end

local function command(asked, ...)
  local argv = { runtime.executable(), ... }
  table.move(asked.options, 1, #asked.options, #argv + 1, argv)
  argv[#argv + 1] = asked.file
  return argv
end

-- ---- the script ----

---@private
function Watching:take_plan(plan)
  self.plan, self.scope = plan, watch_scope.new(plan, place.cwd())
  self.stale, self.due, self.unfinished = false, {}, {}
  self.changes:follow(self.scope:roots())
end

--- Loads the script anew, in a child, which tells what is wrong with it.
---@private
---@return integer? exit_code nil: all is well
function Watching:load()
  local asked, fs = self.asked, require "orch.fs"
  fs.write(self.file, "", { sync = false })
  local argv = command(asked, "watch", "--describe", self.file)
  table.move(asked.words, 1, #asked.words, #argv + 1, argv)
  argv.check, argv.stdout = false, "null"
  local result = process.run(argv)
  local plan = plans.read(self.file)
  if plan then
    self.all = true
    self:take_plan(plan)
    return nil
  end
  io.stderr:write(result.stderr)
  if result.ok then
    say("%s declares no jobs; orch watch runs jobs when their inputs change", asked.file)
  end
  return result.ok and EXIT_USAGE or result.exit_code or EXIT_SCRIPT
end

--- What is wrong now may be right after the next change.
---@private
function Watching:wait_for_script()
  self.all = false
  self:take_plan {
    broken = true,
    files = self.plan and self.plan.files or { require("orch.fs.path").absolute(self.asked.file) },
    jobs = {}, outputs = {}, words = {},
  }
  say "waiting for changes"
end

---@private
function Watching:reload()
  if self:load() then self:wait_for_script() end
end

-- ---- changes ----

---@private
function Watching:is_due()
  return self.stale or self.all or next(self.due) ~= nil
end

---@private
function Watching:note(change, known)
  local what, name, jobs = self.scope:touched(change.path, change.kind)
  if not what then return end
  if what == "script" then self.stale = true end
  for _, job in ipairs(jobs) do self.scope:add_with_dependents(self.due, job) end
  if known[name] then return end
  known[name] = true
  self.touched[#self.touched + 1] = name
end

--- Finds out what the changes so far mean.
---@private
function Watching:look()
  local list, lost = self.changes:take()
  local known = {}
  for _, name in ipairs(self.touched) do known[name] = true end
  for _, change in ipairs(list) do self:note(change, known) end
  if lost then
    self.all = true
    self.touched[#self.touched + 1] = "more than the kernel could tell"
  end
end

--- Collects what belongs together. Folders may have come and gone with it.
---@private
function Watching:settle()
  self.changes:settle(self.asked.debounce)
  self:look()
  if not self.stale and (self.changes.gone or self.scope:is_moved()) then
    self.changes:follow(self.scope:roots())
  end
end

---@private
function Watching:wait()
  if self:is_due() then return end
  self.rounds = 0
  while not self:is_due() do
    self.changes:wait()
    self:settle()
  end
end

-- ---- runs ----

local function add(set, names)
  for name in pairs(names) do set[name] = true end
end

--- Takes all that is due: the names of the jobs, the command, and as a set.
---@private
function Watching:take_due()
  local argv, set = command(self.asked, "run"), self.due
  if self.all then
    for _, job in ipairs(self.plan.jobs) do set[job.name] = true end
    table.move(self.asked.words, 1, #self.asked.words, #argv + 1, argv)
  else
    add(set, self.unfinished)
    table.move(self.plan.words, 1, #self.plan.words, #argv + 1, argv)
  end
  local names = self.scope:in_order(set)
  for i = 1, self.all and 0 or #names do
    argv[#argv + 1] = "--only"
    argv[#argv + 1] = names[i]
  end
  self.all, self.due = false, {}
  return names, argv, set
end

---@private
function Watching:announce(names)
  if self.asked.clear and require("orch.tty").is_terminal "stdout" then
    io.stdout:write "\27[H\27[2J"
    io.stdout:flush()
  end
  table.sort(self.touched)
  if #self.touched > 0 then say("%s changed: running %s", listed(self.touched), listed(names)) end
  self.touched = {}
end

--- Runs the command while changes are looked at; nil when one has stopped it.
---@private
function Watching:run_until_changed(argv)
  local result
  local scope <close> = scopes.scope()
  local child = scope:spawn({ name = "run" }, function()
    result = process.run(argv)
    self.changes:wake()
  end)
  repeat
    self.changes:wait_for_more()
    self:look()
  until result or self:is_due()
  if not result then child:cancel "something has changed" end
  return result
end

---@private
function Watching:run_child(argv)
  argv.check, argv.stdout, argv.stderr = false, "inherit", "inherit"
  if not self.asked.restart or self.restarts >= IN_A_ROW then return process.run(argv) end
  return self:run_until_changed(argv)
end

--- One run of all that is due. What does not succeed is run again with what is due next.
---@private
function Watching:round()
  local names, argv, set = self:take_due()
  self:announce(names)
  local result = self:run_child(argv)
  if not result then say("%s changed: starting again", listed(self.touched)) end
  self.unfinished = result and result.ok and {} or set
  self.restarts = result and 0 or self.restarts + 1
  self:settle() -- the last of its own changes are told after its end
  if result then self:stop_going_round() end
  if self:is_due() then return end
  say(result and result.ok and "done, waiting for changes" or "failed, waiting for changes")
end

--- What every run changes starts no further one: only a change between runs does.
---@private
function Watching:stop_going_round()
  self.rounds = self:is_due() and self.rounds + 1 or 0
  if self.rounds < IN_A_ROW or self.stale then return end
  say("%s changed during each of %d runs in a row, so a job seems to write there: waiting for "
    .. "a change between runs (declare it in `outputs`)", listed(self.touched), IN_A_ROW)
  add(self.unfinished, self.due)
  self.due, self.touched, self.all = {}, {}, false
end

local watch = {}

---Runs until it is cancelled.
---@async
---@param asked orch.WatchOptions
---@return integer exit_code when there is nothing that could be watched
function watch.run(asked)
  local scope <close> = scopes.scope()
  local self = setmetatable({
    asked = asked, changes = collector.new(scope), file = require("orch.fs").temp_file(),
    stale = false, all = false, due = {}, unfinished = {}, touched = {}, rounds = 0, restarts = 0,
  }, Watching)
  local code = self:load()
  if code then
    if code == EXIT_USAGE or not require("orch.fs").exists(asked.file) then return code end
    self:wait_for_script()
  end
  while true do
    if self.stale then self:reload() end
    if self:is_due() then self:round() end
    self:wait()
  end
end

return watch
