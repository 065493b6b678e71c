-- Shows where two strings differ: line by line when they have lines, by the
-- first differing character when they have one.
--
--   lines.text("a\nb\n", "a\nc\n")   -->   a / -b / +c
--
-- "-" is what was expected, "+" is what came.

local show = require "orch.test.show"

local CONTEXT = 2
local MAX_CELLS = 400 * 400
local MAX_LINES = 60

local NO_NEWLINE = " (no newline at the end)"

-- A missing last newline counts only where the other string has one.
local function split(text, other)
  local list = {}
  for line in text:gmatch("([^\n]*)\n") do list[#list + 1] = line end
  local rest = text:match("[^\n]*$")
  if rest ~= "" then
    list[#list + 1] = other:sub(-1) == "\n" and rest .. NO_NEWLINE or rest
  end
  return list
end

-- How many entries the two lists share at the front and at the back.
local function common_ends(a, b)
  local front = 0
  while front < #a and front < #b and a[front + 1] == b[front + 1] do
    front = front + 1
  end
  local back = 0
  while back < #a - front and back < #b - front
    and a[#a - back] == b[#b - back] do
    back = back + 1
  end
  return front, back
end

-- length[i][j]: the longest common subsequence of a[i..] and b[j..].
local function lcs_table(a, a1, an, b, b1, bn)
  local length = {}
  length[an + 1] = setmetatable({}, { __index = function() return 0 end })
  for i = an, a1, -1 do
    local row, below = { [bn + 1] = 0 }, length[i + 1]
    for j = bn, b1, -1 do
      if a[i] == b[j] then
        row[j] = (below[j + 1] or 0) + 1
      else
        row[j] = math.max(below[j] or 0, row[j + 1])
      end
    end
    length[i] = row
  end
  return length
end

-- The edit script as a list of {mark, line}.
local function edits(a, b)
  local front, back = common_ends(a, b)
  local an, bn = #a - back, #b - back
  local script = {}
  local function add(mark, line) script[#script + 1] = { mark, line } end

  for i = 1, front do add(" ", a[i]) end
  local i, j = front + 1, front + 1
  if (an - front) * (bn - front) <= MAX_CELLS then
    local length = lcs_table(a, i, an, b, j, bn)
    while i <= an and j <= bn do
      if a[i] == b[j] then
        add(" ", a[i])
        i, j = i + 1, j + 1
      elseif (length[i + 1][j] or 0) >= (length[i][j + 1] or 0) then
        add("-", a[i])
        i = i + 1
      else
        add("+", b[j])
        j = j + 1
      end
    end
  end
  for k = i, an do add("-", a[k]) end
  for k = j, bn do add("+", b[k]) end
  for k = an + 1, #a do add(" ", a[k]) end
  return script
end

-- A line as it is, except what a terminal would swallow or obey.
local function printable(line)
  if line:find("[%c]") or line:find("%s$") or not utf8.len(line) then
    return show.quote(line):sub(2, -2)
  end
  return line
end

local function near_change(script, at)
  for k = at - CONTEXT, at + CONTEXT do
    if script[k] and script[k][1] ~= " " then return true end
  end
  return false
end

local function many(a, b)
  local script = edits(a, b)
  local out, skipped = {}, false
  for k, edit in ipairs(script) do
    if not near_change(script, k) then
      skipped = true
    elseif #out >= MAX_LINES then
      out[#out + 1] = "..."
      break
    else
      if skipped and #out > 0 then out[#out + 1] = "..." end
      skipped = false
      out[#out + 1] = edit[1] .. show.cut(printable(edit[2]), 200)
    end
  end
  return table.concat(out, "\n")
end

-- Two long lines: the neighbourhood of the first differing byte.
local function one(expected, got)
  local at = 1
  while expected:byte(at) == got:byte(at) do at = at + 1 end
  -- Neither end may fall into the middle of a character.
  local function aligned(s, i)
    while i > 1 and (s:byte(i) or 0) & 0xC0 == 0x80 do i = i - 1 end
    return i
  end
  local function excerpt(s)
    local from = aligned(s, math.max(1, at - 30))
    local past = aligned(s, math.min(#s + 1, at + 30))
    return (from > 1 and "..." or "") .. show.quote(s:sub(from, past - 1))
      .. (past <= #s and "..." or "")
  end
  return string.format("first difference at byte %d\n-%s\n+%s", at,
    excerpt(expected), excerpt(got))
end

local lines = {}

---The difference of two strings that are not equal.
---@param expected string
---@param got string
---@return string? text nil when both are short enough to be read as they are
function lines.text(expected, got)
  if expected == got then return nil end
  if expected:find("\n") or got:find("\n") then
    return many(split(expected, got), split(got, expected))
  end
  if #expected <= 40 and #got <= 40 then return nil end
  return one(expected, got)
end

return lines
