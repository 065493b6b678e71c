--- What went wrong with a command, in one sentence that ends with its last words.

local errors = require "orch.core.error"

local failure = {}

local TAIL = 4096 -- bytes of output on an error

---The command in the words of a message: short, on one line.
---@param command string
---@return string
function failure.show(command)
  local text = command:gsub("%s+", " ")
  return #text > 120 and text:sub(1, 117) .. "..." or text
end

--- The last line that says something.
local function last_line(tail)
  local line
  for text in tail:sub(-TAIL):gmatch "[^\r\n]+" do
    if text:find "%S" then line = text end
  end
  line = line and line:gsub("\27%[[%d;]*%a", ""):gsub("%c", " "):match "^%s*(.-)%s*$"
  return line and (#line > 200 and line:sub(1, 197) .. "..." or line)
end

---The end of what a command printed, for its error.
---@class orch.OutputTail
---@field name "stderr"|"output" the error's field; `output`: both streams in one
---@field text string

local function raise(command, fields, tail)
  local line = tail and last_line(tail.text)
  if line then fields.message = fields.message .. ": " .. line end
  fields.command = command
  if tail then fields[tail.name] = tail.text:sub(-TAIL) end
  errors.throw(errors.make(fields))
end

---Raises kind `process`.
---@param command string
---@param result orch.ProcessResult
---@param tail orch.OutputTail?
function failure.ended(command, result, tail)
  local how = result.signal and "died of " .. result.signal
    or "failed with exit code " .. result.exit_code
  raise(command, {
    kind = "process", message = ("`%s` %s"):format(failure.show(command), how),
    exit_code = result.exit_code, signal = result.signal,
  }, tail)
end

local function in_words(seconds)
  return seconds == math.floor(seconds) and ("%d s"):format(seconds) or ("%.3g s"):format(seconds)
end

---A limit was hit: ends the command first, then says so.
---@async
---@param what "timeout"|"stall"|"overflow"
---@param which "stdout"|"stderr"|nil what overflowed
---@param tail orch.OutputTail?
function failure.limit(child, what, which, opts, command, tail)
  child:close()
  local lost = select(4, child:result())
  local fields = { kind = "timeout" }
  if what == "timeout" then
    fields.message = ("`%s` did not end within %s and was stopped"):format(
      failure.show(command), in_words(opts.timeout))
  elseif what == "stall" then
    fields.stalled = true
    fields.message = ("`%s` printed nothing for %s and was stopped"):format(
      failure.show(command), in_words(opts.stall))
  else
    fields.kind = "process"
    fields.message = ("`%s` wrote more than %d bytes to %s and was stopped; handle it line by "
      .. "line with on_%s, or raise max_output"):format(failure.show(command), opts.max_output,
      which, which)
    tail = nil
  end
  if lost then
    fields.message = fields.message .. (", but process %d could not be killed"):format(child:pid())
  end
  raise(command, fields, tail)
end

return failure
