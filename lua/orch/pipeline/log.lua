--- The log of one attempt: everything that the job printed, byte for byte, except that
--- secrets are masked. It is a sink of `orch.output`.
---
---     local log <close> = logs.open(project.job_log(run, "build", 1), show_lines)
---     local _ <close> = output.with(log)

local clock = require "orch.core.clock"
local journals = require "orch.core.journal"
local mask = require "orch.core.mask"

local LONGEST_LINE = 64 << 10 -- for those who look on; the file has it as it was
local TAIL = 64 << 10 -- bytes in which the last lines are looked for

---@class orch.JobLog: orch.Sink
---@field path string
---@field bytes integer written so far
---@field last_activity number of the clock, for stalls
---@field private on_lines fun(text: string)?
---@field private journal any? once something was printed
---@field private masker any
---@field private line string the last one, while it has not ended
local Log = {}
Log.__index = Log
Log.__name = "orch.JobLog"

local logs = {}

---The file and its folders are made with the first output.
---@param path string
---@param on_lines fun(text: string)? is told of whole lines, as many as there are at once; may
---  not wait
---@return orch.JobLog `<close>`-able
function logs.open(path, on_lines)
  return setmetatable({
    path = path, on_lines = on_lines, bytes = 0, last_activity = clock.now(),
    masker = mask.stream(), line = "",
  }, Log)
end

---@private
function Log:file()
  if not self.journal then
    if self.closed then return nil end -- somebody outlived the attempt
    self.journal = journals.open(self.path, true)
  end
  return self.journal
end

--- Tells of the lines that ended with `text`, whose first `whole` bytes are lines.
---@private
function Log:tell(text, whole)
  if not self.on_lines then return end
  if whole == 0 then
    self.line = self.line .. text
    if #self.line < LONGEST_LINE then return end
    text, self.line = self.line .. "\n", ""
  elseif whole == #text then
    if self.line ~= "" then text, self.line = self.line .. text, "" end
  else
    text, self.line = self.line .. text:sub(1, whole), text:sub(whole + 1)
  end
  require("orch.output").aside(self.on_lines, text)
end

---A sign of life that is not printed: for stalls.
function Log:touch()
  self.last_activity = clock.now()
end

---Appends to the file at once.
---@param text string any bytes; raises kind `os` where they cannot be written
function Log:write(text)
  self.last_activity = clock.now()
  local whole
  text, whole = self.masker:add(text)
  local file = text ~= "" and self:file()
  if not file then return end
  file:append(text)
  self.bytes = self.bytes + #text
  self:tell(text, whole)
end

---The same on another thread, for large pieces.
---@async
---@param text string
function Log:write_later(text)
  self.last_activity = clock.now()
  local whole
  text, whole = self.masker:add(text)
  local file = text ~= "" and self:file()
  if not file then return end
  file:append_later(text)
  self.bytes = self.bytes + #text
  self:tell(text, whole)
end

---What was printed last.
---@param count integer
---@return string[] lines at most so many, without their ends; of the last 64 KB
function Log:tail(count)
  return logs.tail(self.path, count)
end

---Ends it; what comes later is dropped.
function Log:close()
  if self.closed then return end
  self.closed = true
  local text = self.masker:finish()
  local file <close> = self.journal or (text ~= "" and journals.open(self.path, true)) or nil
  self.journal = nil
  if text ~= "" then
    file:append(text)
    self.bytes = self.bytes + #text
  end
  text = self.line .. text
  self.line = ""
  if text ~= "" then self:tell(text .. "\n", #text + 1) end
end

Log.__close = Log.close

---The last lines of a log.
---@param path string
---@param count integer
---@return string[] lines none where there is no such file
function logs.tail(path, count)
  local ok, text, whole = pcall(journals.tail, path, TAIL)
  if not ok and not (type(text) == "table" and text.code == "ENOENT") then error(text, 0) end
  if not ok or text == "" then return {} end
  if text:sub(-1) ~= "\n" then text = text .. "\n" end
  if not whole then text = text:match "^[^\n]*\n(.+)$" or text end
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return table.move(lines, math.max(1, #lines - count + 1), #lines, 1, {})
end

return logs
