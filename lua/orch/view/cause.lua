--- Why a job failed, with all that one needs to go on: the command and how it ended, the end
--- of its log, and the command that runs only it again.
---
---     cause.add(run, run.failures[1], add, paint, run_folder)

local again = require "orch.view.again"
local show = require "orch.view.show"
local text = require "orch.view.text"

local cause = {}

local LOG_LINES = 20
local COMMAND_LINES = 4
local MESSAGE_LINES = 12
local FRAMES = 6           -- of a traceback

---Lines with a word in front of the first.
---@param add fun(...: string)
---@param paint fun(text: string, what: string): string
---@param word string
---@param lines string[]
function cause.field(add, paint, word, lines)
  for i, line in ipairs(lines) do
    add("  ", paint(text.pad(i == 1 and word or "", 8), "dim"), " ", line)
  end
end

local function first_lines(words, most)
  local lines = {}
  for line in text.clean(words):gmatch "[^\n]*%S[^\n]*" do
    if #lines == most then
      lines[most] = lines[most] .. " ..."
      break
    end
    lines[#lines + 1] = line
  end
  return lines
end

--- How it ended, in words: with the limits that were set, where one was hit.
local function ending_text(job, err)
  local how = show.failure(err)
  if err.kind == "timeout" and not err.stalled and tonumber(job.timeout) then
    local limit = job.timeout < 10 and show.seconds or show.whole
    how = "timed out after " .. limit(job.timeout)
  elseif err.exit_code and not err.signal then
    how = ("exit code %s"):format(err.exit_code)
  end
  return how
end

--- The message, unless command and exit code have said it all.
local function add_reason(add, paint, job, err)
  local how, message = ending_text(job, err), tostring(err.message or "")
  local told = err.exit_code or err.signal or err.kind == "timeout"
  if told then cause.field(add, paint, "failed", { paint(how, "bad") }) end
  if told and err.command and err.kind == "process" then return end
  local lines = first_lines(message, MESSAGE_LINES)
  if #lines == 0 and not told then lines = { how } end
  for i, line in ipairs(lines) do lines[i] = paint(line, told and "strong" or "bad") end
  cause.field(add, paint, told and "error" or "failed", lines)
end

local function add_traceback(add, paint, err)
  if type(err.traceback) ~= "string" or err.command then return end
  local frames = {}
  for line in text.clean(err.traceback):gmatch "[^\n]+" do
    local frame = line:match "^%s*(.-)%s*$"
    local own = frame == "stack traceback:" or frame:find "^%[C%]" or frame:find "^orch/"
    if not own and #frames < FRAMES then frames[#frames + 1] = frame end
  end
  if #frames > 1 or frames[1] and not frames[1]:find(tostring(err.where or "?"), 1, true) then
    cause.field(add, paint, "at", frames)
  end
end

local function add_log(add, paint, job, folder)
  local attempt = job.attempts[#job.attempts]
  if not folder or not attempt then return end
  local project = require "orch.pipeline.project"
  local path = project.job_log(folder, job.name, attempt.number)
  local lines, more = require("orch.view.tail").lines(path, LOG_LINES)
  if not lines then return cause.field(add, paint, "log", { "none: it printed nothing" }) end
  if #lines > 0 then
    add("  ", paint(more and ("the last %d lines of its log:"):format(#lines) or "its log:", "dim"))
  end
  for _, line in ipairs(lines) do add("  ", paint("|", "dim"), " ", line) end
  cause.field(add, paint, "log", { project.shown(path) })
end

---@param run orch.RunModel
---@param job orch.RunJob that failed
---@param add fun(...: string) takes the parts of a line
---@param paint fun(text: string, what: string): string
---@param folder string? of the run, for the log
function cause.add(run, job, add, paint, folder)
  local err = type(job.error) == "table" and job.error or { message = tostring(job.error) }
  local attempts = #job.attempts > 1 and (", attempt %d"):format(#job.attempts) or ""
  local time = job.elapsed and " after " .. show.seconds(job.elapsed) or ""
  add(paint("FAILED", "bad"), " ", paint(text.line(job.name), "strong"), time, attempts)
  local command = err.command or job.command
  if command then
    cause.field(add, paint, "command", first_lines(tostring(command), COMMAND_LINES))
  end
  add_reason(add, paint, job, err)
  local where = err.where or job.where
  if where then cause.field(add, paint, "where", { text.line(tostring(where)) }) end
  add_traceback(add, paint, err)
  add_log(add, paint, job, folder)
  cause.field(add, paint, "re-run", { again.job(run, job.name) })
end

return cause
