-- Prints an uncaught error: the sentence, the script's line with a caret, the
-- traceback without orch's own frames, what else failed.
--
--   io.stderr:write(report.text(err, "orch: "))

local excerpt = require "orch.cli.excerpt"

local MAX_SUPPRESSED = 5
local MAX_FRAMES = 22

local report = {}

local function colour_of(stream)
  local ok, tty = pcall(require, "orch.tty")
  if not ok then return false end
  local known, on = pcall(tty.color, stream)
  return known and on
end

---Paints text, or returns it as it is where `on` is false.
---@param on boolean
---@param code string of an ANSI sequence, "31" for red
---@param text string
---@return string
function report.paint(on, code, text)
  if not on then return text end
  return "\27[" .. code .. "m" .. text .. "\27[0m"
end

---Whether a standard stream takes colour (a terminal, NO_COLOR unset).
---@param stream "stdout"|"stderr"
---@return boolean
report.color = colour_of

---The sentence without the position before it, and the position.
---@param err any
---@return string message, string? where "file:line"
function report.sentence(err)
  local ok, text = pcall(tostring, err)
  if not ok then text = "(an error value whose __tostring failed)" end
  local own = type(err) == "table" and rawget(err, "where")
  if own == "?" then own = nil end
  local is_plain = type(err) ~= "table" or rawget(err, "kind") == "error"
  local where, rest = text:match("^([^\n]-:%d+): (.*)$")
  -- "cannot connect to 127.0.0.1:1: refused" has a colon and a number, too.
  if where and (where == own or not own and is_plain or where:find "^orch/"
    or excerpt.line(excerpt.split(where))) then
    return rest, where
  end
  return text, own or nil
end

-- Frames of orch's own Lua, and C functions without a name worth reading.
local function own_frame(line)
  if line:find("^orch/") then return true end
  if line:find("^%(%.%.%.tail calls%.%.%.%)") then return true end
  local name = line:match("^%[C%]: in %a+ '(.*)'")
  if not line:find("^%[C%]") then return false end
  return name == nil or name:find("^orch%.") ~= nil
    or name == "error" or name == "pcall" or name == "xpcall"
end

local function full_trace()
  return os.getenv("ORCH_TRACE") == "full"
end

-- The frames of a traceback as Lua writes it, without its heading. The first
-- one, if it is C, is what raised the error: the sentence has it already.
local function frames(err)
  local trace = type(err) == "table" and rawget(err, "traceback")
  if type(trace) ~= "string" then return {} end
  local full = full_trace()
  local list = {}
  for line in trace:gmatch("[^\n]+") do
    local text = line:gsub("^%s+", "")
    local skip = text == "stack traceback:" or text == "spawned at ?" or not full
      and (own_frame(text) or #list == 0 and text:find("^%[C%]"))
    if not skip then
      text = text:gsub("in %a+ 'script_body'$", "in main chunk")
      list[#list + 1] = text
    end
  end
  return list
end

-- A recursion fills the page with the same line: say it once.
local function fold(list)
  local out, count = {}, 0
  for i, line in ipairs(list) do
    count = count + 1
    if list[i + 1] ~= line then
      out[#out + 1] = count > 1 and line .. " (" .. count .. " times)" or line
      count = 0
    end
  end
  return out
end

local function cut_frames(list)
  if #list <= MAX_FRAMES then return list end
  local half = MAX_FRAMES // 2
  local short = table.move(list, 1, half, 1, {})
  short[half + 1] = string.format("... (%d more)", #list - 2 * half)
  return table.move(list, #list - half + 1, #list, half + 2, short)
end

local function add_traceback(out, err, where)
  local list = cut_frames(fold(frames(err)))
  -- One frame that only repeats the first line says nothing.
  if #list == 0 then return end
  if #list == 1 and where and list[1]:find(where, 1, true) == 1 then return end
  out[#out + 1] = "traceback:"
  for _, line in ipairs(list) do out[#out + 1] = "  " .. line end
end

local function add_suppressed(out, err)
  local others = type(err) == "table" and rawget(err, "suppressed")
  if type(others) ~= "table" or #others == 0 then return end
  out[#out + 1] = #others == 1 and "this failed too:"
    or string.format("these %d failed too:", #others)
  for i = 1, math.min(#others, MAX_SUPPRESSED) do
    local message, where = report.sentence(others[i])
    message = message:match("^[^\n]*")
    out[#out + 1] = "  " .. (where and where .. ": " or "") .. message
  end
  if #others > MAX_SUPPRESSED then
    out[#out + 1] = string.format("  and %d more", #others - MAX_SUPPRESSED)
  end
end

local function add_cause(out, err)
  local cause = type(err) == "table" and rawget(err, "cause")
  if not require("orch.error").is(cause) then return end
  local message, where = report.sentence(cause)
  local words = message:gsub("^%u+ %l+://%S+: ", "") -- of a request
  if report.sentence(err):find(words, 1, true) then return end -- it is told already
  out[#out + 1] = "caused by: " .. (where and where .. ": " or "") .. message
end

-- A module that did not compile or was not found.
local function add_module(out, err)
  if type(err) ~= "table" then return end
  local at, searched = rawget(err, "required_at"), rawget(err, "searched")
  if at and at ~= "?" then out[#out + 1] = "required at " .. at end
  if searched and full_trace() then
    out[#out + 1] = "searched:"
    for line in searched:gmatch("[^\n]+") do
      out[#out + 1] = "  " .. line:gsub("^%s+", "")
    end
  end
end

-- Tasks that orch itself has made.
local own_tasks = { main = true, ["clean-up"] = true }

local function task_name(err)
  local task = type(err) == "table" and rawget(err, "task")
  if task == nil then return nil end
  local ok, name = pcall(function()
    return type(task) == "string" and task or task.name
  end)
  if ok and type(name) == "string" and not own_tasks[name]
    and not name:find("^orch/") and not name:find("^task %d+$") then
    return name
  end
  return nil
end

-- What belongs to a kind and helps to mend it.
local function add_details(out, err)
  if type(err) ~= "table" then return end
  for _, field in ipairs { "tree", "diff", "details" } do
    local text = rawget(err, field)
    if type(text) == "string" and text ~= "" then
      for line in text:gmatch("[^\n]+") do out[#out + 1] = "  " .. line end
    end
  end
end

-- The fields of an error that was raised without a message.
local function fields_text(err)
  local fields = {}
  for key, value in next, err do
    if not (key == "kind" and value == "error") and key ~= "message"
      and key ~= "traceback" and key ~= "where" and key ~= "task" then
      fields[key] = value
    end
  end
  return next(fields) and require("orch.test.show")(fields, 200)
end

-- The first line: what a script's author understands by the sentence.
local function head(err)
  local message, where = report.sentence(err)
  local hint
  message, where, hint = require("orch.cli.dotted").explain(err, message, where)
  message = message:gsub("%f[%a]an? orch%.task value", "a Task")
    :gsub(" %(for iterator 'for iterator'%)$", "")
  if type(err) ~= "table" then return message, where, hint end
  if message == "an error without a message" then
    local text = fields_text(err)
    if text then message = message .. ": " .. text end
  end
  local attempts = rawget(err, "attempts")
  if math.type(attempts) and attempts > 1 then
    message = message .. (" (after %d attempts)"):format(attempts)
  end
  return message, where, hint
end

---The report as lines, the first of them the sentence.
---@param err any
---@param colour? boolean
---@param known_task? string a task's name that need not be told
---@return string[]
function report.lines(err, colour, known_task)
  local message, where, advice = head(err)
  local hint, instead = require("orch.cli.hint").of(err, message, where)
  if instead then message = message:gsub("; did you mean '[^']*'%?$", "") end
  hint = advice or hint
  local out = {}
  out[1] = (where and where .. ": " or "")
    .. report.paint(colour, "1;31", message)
  local name = task_name(err)
  if name and name ~= known_task then
    out[1] = out[1] .. " (in task '" .. name .. "')"
  end

  local column = type(err) == "table" and rawget(err, "column")
  if math.type(column) ~= "integer" then column = nil end -- a database's column has a name
  local opened = type(err) == "table" and rawget(err, "opened_at")
  if opened and opened ~= where then
    table.move(excerpt.lines(opened), 1, 2, #out + 1, out)
  end
  table.move(excerpt.lines(where, message, column), 1, 2, #out + 1, out)
  add_details(out, err)
  if hint then out[#out + 1] = report.paint(colour, "36", hint) end
  add_cause(out, err)
  add_module(out, err)
  add_traceback(out, err, where)
  add_suppressed(out, err)
  return out
end

---Writes the report of an uncaught error to stderr.
---@param err any
---@param known_task? string a task's name that need not be told
function report.print(err, known_task)
  local lines = report.lines(err, colour_of("stderr"), known_task)
  lines[1] = "orch: " .. lines[1]
  io.stderr:write(table.concat(lines, "\n"), "\n")
end

return report
