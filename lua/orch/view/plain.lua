--- The view of pipes, files and CI: whole lines, each with the name of its job.
---
---     [build:ios] * started
---     [build:ios] Compiling a.cpp
---     [build:ios] * ok 12.3s
---
--- Lines with a star are orch's. Every minute it says what is still running.

local clock = require "orch.core.clock"
local crowds = require "orch.view.crowd"
local news = require "orch.view.news"
local painter = require "orch.view.paint"
local show = require "orch.view.show"
local stills = require "orch.view.still"
local text = require "orch.view.text"

local MINUTE = 60

---@class orch.PlainView
---@field private run_model orch.RunModel
---@field private out orch.ViewOut
---@field private crowd orch.ViewCrowd
---@field private still orch.ViewStill
---@field private prefixes table<string, string>
---@field private closed boolean
local Plain = {}
Plain.__index = Plain

local function prefix_of(self, name)
  local prefix = self.prefixes[name]
  if not prefix then
    prefix = self.paint("[" .. text.line(name) .. "]", "name", name) .. " "
    self.prefixes[name] = prefix
  end
  return prefix
end

local words = { skip = "skipped", cancel = "cancelled", fail = "failed", retry = "failed" }

local function told(item)
  if item.word == "skip" and item.name then
    return item.detail:find "^skipped" and item.detail or "skipped: " .. item.detail
  end
  return (words[item.word] or item.word) .. " " .. item.detail
end

local function tell_crowd(self)
  for _, item in ipairs(self.crowd:take()) do
    local prefix = item.name and prefix_of(self, item.name) or ""
    self.out:write(prefix .. "* " .. self.paint(told(item), "dim") .. "\n")
  end
end

local function say(self, name, words, what)
  tell_crowd(self)
  local shown = what and self.paint(words, what) or words
  self.out:write(prefix_of(self, name) .. "* " .. shown .. "\n")
end

local on = {}

--- Whole lines; a piece without an end gets one, so that the next job has its own.
function on.output(self, record)
  local words = text.clean(record.text, self.out.color)
  if words == "" then return end
  if words:sub(-1) ~= "\n" then words = words .. "\n" end
  tell_crowd(self)
  if not record.job then return self.out:write(words) end
  local prefix, reset = prefix_of(self, record.job), self.out.color and "\27[0m" or ""
  local lines = {}
  for line in words:gmatch "([^\n]*)\n" do
    lines[#lines + 1] = prefix .. line .. (line:find("\27", 1, true) and reset or "") .. "\n"
  end
  self.out:write(table.concat(lines))
end

function on.job_wait(self, record)
  if record.pool == "slots" then return end
  local holders = record.held_by and #record.held_by > 0
    and ", held by " .. show.names(record.held_by, 3) or ""
  say(self, record.job, "waits for " .. text.line(tostring(record.pool)) .. holders, "dim")
end

function on.job_start(self, record)
  local attempt = record.attempt and record.attempt > 1 and ", attempt " .. record.attempt or ""
  local reason = record.reason and ": " .. text.line(record.reason) or ""
  say(self, record.job, "started" .. attempt .. reason, "dim")
end

function on.step(self, record)
  say(self, record.job, ("step %s, %s"):format(text.line(record.step),
    show.seconds(record.elapsed or 0)), "dim")
end

function on.step_reuse(self, record)
  say(self, record.job, ("step %s, as recorded"):format(text.line(record.step)), "dim")
end

function on.step_fail(self, record)
  say(self, record.job, ("step %s failed: %s"):format(text.line(record.step),
    show.failure(record.error)), "bad")
end

function on.message(self, record)
  local known = { warn = "warn", error = "bad" }
  local level = known[record.level] and record.level .. ": " or ""
  say(self, record.job, level .. text.line(record.text or ""), known[record.level])
end

function on.problem(self, record)
  local severity = record.severity or "error"
  local at = record.file and text.line(record.file) or nil
  if at and record.line then at = at .. ":" .. tostring(record.line) end
  say(self, record.job, severity .. ": " .. (at and at .. ": " or "")
    .. text.line(record.message or ""), severity == "error" and "bad"
    or severity == "warning" and "warn" or nil)
end

---@param record table that the model has applied already
function Plain:event(record)
  self.zero = self.clock() - self.run_model.now
  self.still:event(record)
  if news.is_one_of_many(record, self.crowd) then return end
  local handle = on[record.event]
  if handle then return handle(self, record) end
  local item = news.of(record, self.run_model.jobs[record.job])
  if item then say(self, item.name, told(item), item.what) end
end

---@param words string a line end is added where it has none
function Plain:print(words)
  on.output(self, { text = words })
end

---Says every minute what is still running, until the view is closed: for a task of its own.
---@async
function Plain:run()
  local quiet = require "orch.core.quiet"
  while not self.closed do
    quiet.sleep(self.every)
    local sentence = not self.closed and self.still:sentence(self.clock() - self.zero)
    if sentence then
      tell_crowd(self)
      self.out:write("* " .. self.paint(sentence, "dim") .. "\n")
    end
  end
end

---For a question to the person: there is nothing in its way.
function Plain:pause() end

function Plain:resume() end

---Leaves the summary.
function Plain:close()
  if self.closed then return end
  self.closed = true
  tell_crowd(self)
  self.out:write(require("orch.view.summary").text(self.run_model, {
    folder = self.folder, color = self.out.color,
  }))
end

Plain.__close = Plain.close

---@param run orch.RunModel
---@param out orch.ViewOut
---@param opts {folder: string?, clock: (fun(): number)?, every: number?}
---@return orch.PlainView
return function(run, out, opts)
  local now = opts.clock or clock.now
  return setmetatable({
    run_model = run, out = out, folder = opts.folder, clock = now, every = opts.every or MINUTE,
    paint = painter(out.color), crowd = crowds.new(), still = stills.new(run), prefixes = {},
    zero = now() - run.now, closed = false,
  }, Plain)
end
