--- What a job at work looks like in the live block: one line.
---
---     row.of(job, now, { name = 20, width = 80 }, paint)
---     --   build:ios              12s  attempt 2  [####......] 41%  files  Compiling a.cpp

local show = require "orch.view.show"
local text = require "orch.view.text"

local row = {}

local TIME = 7    -- columns: "12m 34s"
local CELLS = 10  -- of a bar
local SMALL = 6   -- columns below which nothing more is said

local function number(n)
  return math.type(n) == "float" and n % 1 ~= 0 and ("%.1f"):format(n) or ("%.0f"):format(n)
end

---@param fraction number
---@param cells integer
---@return string "[####......]"
function row.bar(fraction, cells)
  local full = math.floor(math.max(0, math.min(1, fraction)) * cells)
  return "[" .. ("#"):rep(full) .. ("."):rep(cells - full) .. "]"
end

local function progress_parts(progress, add, room)
  local label = progress.label and progress.label .. " " or ""
  if progress.total and progress.total > 0 then
    local fraction = math.max(0, math.min(1, progress.done / progress.total))
    if room >= 36 then add(row.bar(fraction, CELLS), "bar") end
    add(("%3.0f%%"):format(math.floor(fraction * 100)), nil)
    add(text.line(label .. number(progress.done) .. "/" .. number(progress.total)), nil, 0.5)
  else
    add(text.line(label .. number(progress.done)), nil, 0.5)
  end
end

--- All of them, as uploads run at the same time.
local function running_steps(job)
  local names = {}
  for _, step in ipairs(job.steps) do
    if step.state == "running" then names[#names + 1] = text.line(step.name) end
  end
  return table.concat(names, ", ")
end

local details = {}

function details.running(job, _, add, room)
  local attempt = job.attempts[#job.attempts]
  if attempt and attempt.number > 1 then add("attempt " .. attempt.number, "warn") end
  if job.progress then progress_parts(job.progress, add, room) end
  add(running_steps(job), nil, (job.message or job.last_line) and 0.5 or 1)
  if job.message then add(text.line(job.message), nil, job.last_line and 0.6 or 1) end
  if job.last_line then add(text.line(job.last_line), "dim") end
end

function details.queued(job, _, add)
  local waiting = job.waiting
  if not waiting then return end
  local holders = #waiting.held_by > 0 and ", held by " .. show.names(waiting.held_by, 3) or ""
  add("waits for " .. text.line(tostring(waiting.pool)) .. holders, "warn")
end

function details.retrying(job, now, add, room)
  local pause = math.ceil((job.retry_at or now) - now)
  local attempt = "attempt " .. #job.attempts + 1
  if pause > 0 then
    add(("%s in %s: %s"):format(attempt, show.whole(pause), show.failure(job.error)), "warn")
  else
    add(attempt, "warn")
    details.queued(job, now, add, room)
  end
end

local function since(job)
  if job.state == "queued" then return job.queued_at end
  local attempt = job.attempts[#job.attempts]
  return job.state == "running" and attempt and attempt.started_at or nil
end

---@param job orch.RunJob
---@param now number seconds since the run began
---@param layout {name: integer, width: integer} columns: of the names; of the line, at most
---@param paint fun(text: string, what: string, name: string?): string
---@return string line
function row.of(job, now, layout, paint)
  local began = since(job)
  local name = text.cut_name(text.line(job.name), layout.name)
  local time = began and show.whole(now - began) or ""
  local start = ("  %s %s%s"):format(text.pad(name, layout.name), (" "):rep(TIME - #time), time)
  local room = layout.width - layout.name - TIME - 3
  if room < 0 then return text.cut(start, layout.width) end
  local parts = { "  ", paint(text.pad(name, layout.name), "name", job.name), " ",
    (" "):rep(TIME - #time), paint(time, "dim") }
  local function add(words, what, most)
    if room < SMALL + 2 or words == "" then return end
    local part = text.cut(words, math.max(SMALL, math.floor((room - 2) * (most or 1))))
    room = room - 2 - require("orch.tty").width(part)
    parts[#parts + 1] = "  " .. (what and paint(part, what) or part)
  end
  local describe = details[job.state]
  if describe then describe(job, now, add, room) end
  return table.concat(parts)
end

return row
