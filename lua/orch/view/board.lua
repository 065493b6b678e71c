--- What is going on in a run, as the lines of a block: pure functions of the events so
--- far, the time and the size. No terminal here.
---
---     local board = boards.new(run, paint)
---     board:event(record)
---     for _, line in ipairs(board:lines(now, 80, 24)) do print(line) end

local chains = require "orch.view.chain"
local forecasts = require "orch.view.forecast"
local row = require "orch.view.row"
local show = require "orch.view.show"
local text = require "orch.view.text"
local tty = require "orch.tty"

local boards = {}

local CELLS = 20         -- of the bar over everything
local LONGEST_NAME = 40  -- columns

---@class orch.ViewBoard
---@field private run orch.RunModel
---@field private paint function
---@field private forecast orch.ViewForecast
---@field private at_work orch.ViewChain jobs that run or wait for another attempt
---@field private waiting orch.ViewChain jobs that wait for a pool
---@field private names integer columns of the longest name
---@field private rows table<string, {[1]: integer, [2]: string}> lines by job, and their second
---@field private width integer that they were made for
local Board = {}
Board.__index = Board

--- No name takes more columns than bytes, so most need no look.
local function look_at_name(self, name)
  if #name <= self.names or self.names >= LONGEST_NAME then return end
  self.names = math.min(LONGEST_NAME, math.max(self.names, tty.width(text.line(name))))
end

--- Puts a job where its state belongs. Waiting for a slot is no news: it is counted only.
local function place(self, job)
  local name, state = job.name, job.state
  self.rows[name] = nil
  if state == "running" or state == "retrying" then
    self.at_work:add(name)
  else
    self.at_work:remove(name)
  end
  if state == "queued" and job.waiting and job.waiting.pool ~= "slots" then
    self.waiting:add(name)
  else
    self.waiting:remove(name)
  end
end

local moves = {
  job_skip = true, job_ready = true, job_wait = true, job_start = true, job_retry = true,
  job_end = true,
}

local function start_over(self)
  self.at_work, self.waiting = chains.new(), chains.new()
  for _, job in ipairs(self.run.order) do
    look_at_name(self, job.name)
    if job.state ~= "pending" then place(self, job) end
  end
end

---Takes note of a record that the model has applied already.
---@param record table
function Board:event(record)
  local event = record.event
  self.forecast:event(record)
  if moves[event] then
    place(self, self.run.jobs[record.job])
  elseif event == "job" then
    look_at_name(self, record.job)
  elseif event == "run_resume" then
    start_over(self)
  elseif record.job then
    self.rows[record.job] = nil
  end
end

--- A job's line is made again when something was said of it, and each second.
local function row_of(self, name, now, layout)
  local second, known = now // 1, self.rows[name]
  if known and known[1] == second then return known[2] end
  local line = row.of(self.run.jobs[name], now, layout, self.paint)
  self.rows[name] = { second, line }
  return line
end

local function count_ended(counts)
  return counts.ok + counts.skipped + counts.failed + counts.cancelled
end

--- The parts of the last line: each with what it gives way to when there is no room.
local function status_parts(self, now, at_work)
  local run, parts = self.run, {}
  local counts = run.counts
  local function add(rank, words, what)
    parts[#parts + 1] = { rank = rank, words = words, what = what }
  end
  local fraction = self.forecast:fraction(now, at_work)
  add(1, row.bar(fraction, CELLS), "bar")
  add(4, ("%.0f%%"):format(math.floor(fraction * 100)))
  add(9, ("%d/%d jobs"):format(count_ended(counts), #run.order), "strong")
  if counts.running > 0 then add(6, counts.running .. " running") end
  local waiting = counts.queued + counts.retrying
  if waiting > 0 then add(2, waiting .. " waiting") end
  if counts.failed > 0 then add(8, counts.failed .. " failed", "bad") end
  add(3, show.whole(now), "dim")
  local left = self.forecast:left(now, at_work)
  if left and left >= 1 then add(7, "ETA " .. show.whole(left)) end
  return parts
end

local function leave_out_least(parts)
  local least
  for i, part in ipairs(parts) do
    if not least or part.rank < parts[least].rank then least = i end
  end
  table.remove(parts, least)
end

---The last line: counts, progress, time, ETA.
---@param now number
---@param width integer
---@param at_work? string[]
---@return string
function Board:status(now, width, at_work)
  local parts = status_parts(self, now, at_work or self.at_work:first())
  local function columns()
    local sum = -2
    for _, part in ipairs(parts) do sum = sum + 2 + #part.words end
    return sum
  end
  while #parts > 1 and columns() > width do leave_out_least(parts) end
  local words = {}
  for i, part in ipairs(parts) do
    local shown = text.cut(part.words, width)
    words[i] = part.what and self.paint(shown, part.what) or shown
  end
  return table.concat(words, "  ")
end

local function more(self, hidden, hidden_running, width)
  local waiting = hidden - hidden_running
  local what = waiting == 0 and "" or hidden_running == 0 and " waiting"
    or (", %d of them waiting"):format(waiting)
  return self.paint(text.cut(("  ... and %d more%s"):format(hidden, what), width), "dim")
end

--- The lines of jobs: those at work, then those that wait for a pool.
local function job_lines(self, now, width, room, at_work)
  local all = #at_work + self.waiting.count
  local shown = all <= room and all or math.max(1, room - 1)
  local layout = { name = math.min(self.names, math.max(8, width // 3)), width = width }
  local lines = {}
  for i = 1, math.min(shown, #at_work) do
    lines[i] = row_of(self, at_work[i], now, layout)
  end
  for _, name in ipairs(self.waiting:first(shown - #lines)) do
    lines[#lines + 1] = row_of(self, name, now, layout)
  end
  if all > shown and shown < room then
    lines[#lines + 1] = more(self, all - shown, math.max(0, #at_work - shown), width)
  end
  return lines
end

---The block: at most a third of the rows, and two where there are that many.
---@param now number seconds since the run began
---@param columns integer of the terminal
---@param rows integer of the terminal
---@return string[] lines each fits, whatever is in it
function Board:lines(now, columns, rows)
  local width = math.max(1, columns - 1) -- the last column is where terminals wrap
  local limit = math.max(rows >= 3 and 2 or 1, rows // 3)
  if width ~= self.width then
    self.width, self.rows = width, {}
  end
  local at_work = self.at_work:first()
  local lines = limit > 1 and job_lines(self, now, width, limit - 1, at_work) or {}
  lines[#lines + 1] = self:status(now, width, at_work)
  return lines
end

---@param run orch.RunModel
---@param paint fun(text: string, what: string, name: string?): string
---@return orch.ViewBoard
function boards.new(run, paint)
  local self = setmetatable({
    run = run, paint = paint, forecast = forecasts.new(run), names = 8, rows = {}, width = 0,
  }, Board)
  start_over(self)
  return self
end

return boards
