-- The words and times of reports, and text that may stand in them.
--
--   text.duration(72.4)               --> "1m 12s"
--   text.plain("\27[31mred\27[0m")    --> "red"

local tty = require "orch.tty"

local text = {}

---@param seconds number?
---@return string "" for nil
function text.duration(seconds)
  if not seconds then return "" end
  if seconds < 0.9995 then return ("%dms"):format(math.floor(seconds * 1000 + 0.5)) end
  if seconds < 59.95 then return ("%.1fs"):format(seconds) end
  local whole = math.floor(seconds + 0.5)
  if whole < 3600 then return ("%dm %02ds"):format(whole // 60, whole % 60) end
  return ("%dh %02dm"):format(whole // 3600, whole % 3600 // 60)
end

---@param n integer
---@param noun string
---@return string such as "1 job", "2 jobs"
function text.count(n, noun)
  return ("%d %s%s"):format(n, noun, n == 1 and "" or "s")
end

---A time of day for people, in UTC.
---@param unix number?
---@return string
function text.time(unix)
  return unix and os.date("!%Y-%m-%d %H:%M:%S UTC", math.floor(unix)) or "unknown"
end

-- Characters that XML 1.0 and JSON readers choke on, although they are UTF-8.
local function drop_controls(value)
  value = value:gsub("[\0-\8\11\12\14-\31\127]", "")
  return (value:gsub("\239\191[\190\191]", "")) -- U+FFFE, U+FFFF
end

-- Patterns that begin with a repetition would take a second for a line of 20 KB.
local function last_written(line)
  line = line:match "^.*[^\r]" or ""
  local at = line:match "^.*\r()"
  return at and line:sub(at) or line
end

---Text without escape sequences, control characters and what is not UTF-8 (that becomes
---U+FFFD); of what a carriage return overwrites, the last.
---@param value any
---@return string
function text.plain(value)
  value = tostring(value)
  if not value:find "[\0-\8\11-\31\127-\255]" then return value end
  value = value:gsub("\27%[[0-?]*[ -/]*[@-~]", ""):gsub("\27%][^\7\27]*\27?[\7\\]?", "")
  value = value:gsub("\27[ -/]*[0-~]", "")
  if value:find("\r", 1, true) then value = value:gsub("[^\n]+", last_written) end
  -- Surrogates and what is above U+10FFFF are refused by utf8.len, too.
  if not utf8.len(value) then value = require("orch.pipeline.text").valid(value) end
  return drop_controls(value)
end

---The same on one line.
---@param value any
---@return string
function text.line(value)
  return (text.plain(value):gsub("%s+", function(space)
    return space:find "[\n\t]" and (space:find("\n", 1, true) and " " or space:gsub("\t", " "))
  end))
end

-- The characters of which a cut text may consist, with their columns: of a long one only
-- those near its ends.
local function characters(value, columns)
  local length, near = utf8.len(value), 4 * columns
  local list = {}
  local function add(part)
    for _, code in utf8.codes(part) do
      local char = utf8.char(code)
      list[#list + 1] = { char, tty.width(char) }
    end
  end
  if length <= 2 * near then
    add(value)
  else
    add(value:sub(1, utf8.offset(value, near + 1) - 1))
    add(value:sub(utf8.offset(value, -near)))
  end
  return list
end

---Cut in the middle to a number of columns of a terminal or of a monospaced font.
---@param value string of `plain` or `line`
---@param columns integer
---@return string
function text.fit(value, columns)
  if #value <= columns then return value end -- no character is wider than its bytes
  local for_tail = (columns - 1) * 2 // 5
  if not value:find "[\128-\255\n]" then
    return value:sub(1, columns - 1 - for_tail) .. "…" .. value:sub(#value + 1 - for_tail)
  end
  if tty.width(value) <= columns then return value end
  local chars, head, tail = characters(value, columns), {}, ""
  local room, first, last = columns - 1, 1, #chars
  while last > 1 and for_tail >= chars[last][2] do
    tail = chars[last][1] .. tail
    for_tail, room, last = for_tail - chars[last][2], room - chars[last][2], last - 1
  end
  while first <= last and room >= chars[first][2] do
    head[first], room, first = chars[first][1], room - chars[first][2], first + 1
  end
  return table.concat(head) .. "…" .. tail
end

local ended = { running = "still running" }

---How a run stands, in a word or two.
---@param status string
---@return string
function text.status(status)
  return ended[status] or text.line(status)
end

---What an error says, and of a command its exit.
---@param err any
---@return string
function text.error(err)
  if type(err) ~= "table" then return text.plain(err or "failed") end
  local parts = { text.plain(err.message or err.kind or "failed") }
  local exit = err.signal and "signal " .. text.line(err.signal)
    or err.exit_code and "exit code " .. text.line(err.exit_code)
  if exit and not parts[1]:find(tostring(err.signal or err.exit_code), 1, true) then
    parts[2] = exit
  end
  return table.concat(parts, "; ")
end

return text
