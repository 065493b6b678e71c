--- What a job's `run` function is given: `run = function(job) ... end`.
---
---     job:message("uploading " .. file)
---     job:problem { severity = "warning", file = "a.c", line = 3, message = "unused" }

local arg = require "orch.arg"

---@class orch.RunningJob
---@field name string
---@field attempt integer 1 for the first
---@field log_path string of this attempt's log; the file is made by the first output
---@field folder string for files of this attempt, made by the first output; kept with the run
local Job = { __name = "orch.RunningJob" }
Job.__index = function(self, key)
  local method = rawget(Job, key)
  if method ~= nil or type(key) ~= "string" then return method end
  local names = { "name", "attempt", "log_path", "folder" }
  for name in pairs(Job) do
    if not name:find "^__" then names[#names + 1] = name end
  end
  local near = arg.suggest(key, names)
  arg.fail("a job has no '%s'%s", key, near and ("; did you mean '%s'?"):format(near) or "")
end

local PROGRESS_EVERY = 0.5 -- seconds between two records of a job

--- ctx by handle, so that a script does not trip over it.
local contexts = setmetatable({}, { __mode = "k" })

---For the library.
---@param ctx table
---@return orch.RunningJob
local function new(ctx)
  local log_path = ctx.log.path
  local job = setmetatable({
    name = ctx.job.name, attempt = ctx.number, log_path = log_path,
    folder = log_path:match "^(.*)/[^/]*$",
  }, Job)
  contexts[job] = ctx
  return job
end

local function emit(self, name, fields)
  local ctx = contexts[self]
  ctx.log:touch()
  fields.job = ctx.job.name
  ctx.session.log:emit(name, fields)
end

---Says what the job is doing: shown beside it while it runs.
---@param text string
function Job:message(text)
  emit(self, "message", { text = arg.check("job:message", 1, text, "string") })
end

---How far the job is: shown as a bar while it runs. May be called as often as one likes.
---@param done number
---@param total number?
---@param label string?
function Job:progress(done, total, label)
  arg.check("job:progress", 1, done, "number")
  arg.check("job:progress", 2, total, "number?")
  arg.check("job:progress", 3, label, "string?")
  local ctx, now = contexts[self], require("orch.core.clock").now()
  ctx.log:touch()
  local told = ctx.progress_told
  if told and now - told < PROGRESS_EVERY and done ~= total then return end
  ctx.progress_told = now
  emit(self, "progress", { done = done, total = total, label = label })
end

---@class orch.Problem
---@field message string
---@field severity "error"|"warning"|"info"|nil "warning" unless it is said
---@field file string?
---@field line integer?
---@field column integer?
---@field code string|number|nil

local severities = { error = true, warning = true, info = true }
local problem_options = {
  severity = "string", message = "string", file = "string", line = "integer",
  column = "integer", code = "string|number",
}

---Notes what a tool has found wrong, for the reports and for the annotations of a CI. It
---does not fail the job.
---@param problem orch.Problem
function Job:problem(problem)
  local fields = arg.options("job:problem", problem, problem_options)
  if not fields.message then arg.fail "job:problem needs a `message`" end
  fields.severity = fields.severity or "warning"
  if not severities[fields.severity] then
    arg.fail("job:problem: option `severity` should be error, warning or info, not %q",
      fields.severity)
  end
  emit(self, "problem", fields)
end

---The same for many.
---@param list orch.Problem[]
function Job:problems(list)
  arg.check("job:problems", 1, list, "table")
  for _, problem in ipairs(list) do self:problem(problem) end
end

---Calls `fn` now and every `interval` until the job ends. Its failure fails the job.
---@param interval number|string
---@param fn fun() may wait
function Job:every(interval, fn)
  interval = arg.check("job:every", 1, interval, "duration")
  arg.check("job:every", 2, fn, "callable")
  local clock = require "orch.core.clock"
  require("orch.task").spawn({ name = self.name .. " every", daemon = true }, function()
    while true do
      fn()
      clock.sleep(interval)
    end
  end)
end

return { new = new }
