--- The view of GitHub Actions: a group with the whole output of each job when it has
--- ended, annotations at the end.
---
---     ::group::ok     build:ios  12.3s
---     Compiling a.cpp
---     ::endgroup::

local annotation = require "orch.view.annotation"
local clock = require "orch.core.clock"
local crowds = require "orch.view.crowd"
local news = require "orch.view.news"
local stills = require "orch.view.still"
local text = require "orch.view.text"

local MINUTE = 60
local BYTES = 8 * 1024 * 1024 -- of a log; of a longer one the end is shown
local PIECE = 64 * 1024

---@class orch.GithubView
---@field private run_model orch.RunModel
---@field private out orch.ViewOut
---@field private crowd orch.ViewCrowd
---@field private still orch.ViewStill
---@field private closed boolean
local Github = {}
Github.__index = Github

local function log_path(self, record)
  if not self.folder or not record.attempt then return nil end
  return require("orch.pipeline.project").job_log(self.folder, record.job, record.attempt)
end

local function copy_log(self, path)
  local file = io.open(path, "rb")
  if not file then return self.out:write "(it printed nothing)\n" end
  local _ <close> = file
  local size = file:seek "end" or 0
  local from = math.max(0, size - BYTES)
  file:seek("set", from)
  if from > 0 then
    file:read "L"
    self.out:write(("(the first %d MB are left out, see %s)\n"):format(from >> 20, path))
  end
  local last = "\n"
  for piece in file:lines(PIECE) do
    self.out:write(piece)
    last = piece:sub(-1)
  end
  if last ~= "\n" then self.out:write "\n" end
end

local function heading(item)
  return ("%-6s %s  %s"):format(item.word, item.name, item.detail)
end

local function group(self, record, item)
  local path = log_path(self, record)
  if not path then return self.out:write(heading(item) .. "\n") end
  local stop, go_on = annotation.fence()
  self.out:write("::group::" .. heading(item) .. "\n" .. stop)
  copy_log(self, path)
  self.out:write(go_on .. "::endgroup::\n")
end

local function tell_crowd(self)
  for _, item in ipairs(self.crowd:take()) do
    self.out:write(("%-6s %s%s\n"):format(item.word, item.name and item.name .. "  " or "",
      item.detail))
  end
end

---@param record table that the model has applied already
function Github:event(record)
  self.zero = self.clock() - self.run_model.now
  self.still:event(record)
  if record.event == "output" and not record.job then return self:print(record.text) end
  if news.is_one_of_many(record, self.crowd) then return end
  local item = news.of(record, self.run_model.jobs[record.job])
  if not item then return end
  tell_crowd(self)
  item.name = text.line(item.name)
  if record.event == "message" then
    self.out:write(heading(item) .. "\n")
  else
    group(self, record, item)
  end
end

---@param words string a line end is added where it has none
function Github:print(words)
  if words == "" then return end
  self.out:write(words:sub(-1) == "\n" and words or words .. "\n")
end

---Says every minute what is still running: jobs are shown when they have ended.
---@async
function Github:run()
  local quiet = require "orch.core.quiet"
  while not self.closed do
    quiet.sleep(self.every)
    local sentence = not self.closed and self.still:sentence(self.clock() - self.zero)
    if sentence then self.out:write(sentence .. "\n") end
  end
end

function Github:pause() end

function Github:resume() end

---Leaves the annotations and the summary.
function Github:close()
  if self.closed then return end
  self.closed = true
  tell_crowd(self)
  local lines, left_out = annotation.of(self.run_model)
  if left_out then lines[#lines + 1] = left_out end
  if #lines > 0 then self.out:write(table.concat(lines, "\n") .. "\n") end
  local stop, go_on = annotation.fence()
  self.out:write(stop .. require("orch.view.summary").text(self.run_model, {
    folder = self.folder, color = self.out.color,
  }) .. go_on)
end

Github.__close = Github.close

---@param run orch.RunModel
---@param out orch.ViewOut
---@param opts {folder: string?, clock: (fun(): number)?, every: number?}
---@return orch.GithubView
return function(run, out, opts)
  local now = opts.clock or clock.now
  return setmetatable({
    run_model = run, out = out, folder = opts.folder, clock = now, every = opts.every or MINUTE,
    crowd = crowds.new(), still = stills.new(run),
    zero = now() - run.now, closed = false,
  }, Github)
end
