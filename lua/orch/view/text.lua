--- Text of unknown origin made fit for a line on a terminal, and cut to its columns.
---
---     text.cut(text.line "\27[32mok\27[0m  caf\xe9\t1\r", 40)      -- "ok  caf\u{FFFD} 1"

local tty = require "orch.tty"
local valid = require("orch.pipeline.text").valid

local find, gsub, sub = string.find, string.gsub, string.sub

local text = {}

local LONGEST = 4000 -- bytes that are looked at of a line that is cut anyway
local DOTS = "..."

--- Escape sequences: CSI, then OSC and its like to their end or that of the text, then the
--- short ones. Colours may be kept, marked by a byte that the text has no more.
local function without_escapes(s, keep_colour)
  if keep_colour then s = gsub(s, "\27%[([%d;:]*)m", "\1%1m") end
  s = gsub(s, "\27%[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]?", "")
  s = gsub(s, "\27[%]PX^_][^\7\27\n]*\7?", "")
  return (gsub(s, "\27[\x20-\x2f]*[\x30-\x7e]?", ""))
end

--- Controls written as characters of two bytes, and those that turn text round.
local function without_wide_controls(s)
  s = gsub(s, "\xc2[\x80-\x9f]", "")
  s = gsub(s, "\xe2\x80[\xaa-\xae]", "")
  return (gsub(s, "\xe2\x81[\xa6-\xa9]", ""))
end

---The text without escape sequences and control characters, except line ends and tabs;
---bytes that are not UTF-8 are shown as U+FFFD. Of a line that overwrites itself by
---carriage returns the last version is left.
---@param s string
---@param keep_colour? boolean
---@return string
function text.clean(s, keep_colour)
  if not find(s, "[\0-\8\11-\31\127-\255]") then return s end
  if keep_colour then s = gsub(s, "\1", "") end
  if find(s, "\27", 1, true) then s = without_escapes(s, keep_colour) end
  if find(s, "\r", 1, true) then
    s = gsub(gsub(s, "\r+\n", "\n"), "\r+$", "")
    s = gsub(s, "[^\n]*\r", "")
  end
  s = gsub(s, keep_colour and "[\0\2-\8\11-\31\127]" or "[\0-\8\11-\31\127]", "")
  if keep_colour then s = gsub(s, "\1", "\27[") end
  if not find(s, "[\128-\255]") then return s end
  if not utf8.len(s) then s = valid(s) end
  return without_wide_controls(s)
end

--- So many bytes at most, and no part of a character.
local function first_bytes(s, bytes)
  if #s <= bytes then return s end
  while bytes > 0 and s:byte(bytes + 1) & 0xc0 == 0x80 do bytes = bytes - 1 end
  return sub(s, 1, bytes)
end

---The first line that says something, clean, tabs and runs of spaces as one space: for a
---place in a line of ours.
---@param s string
---@return string
function text.line(s)
  s = text.clean(sub(s, 1, LONGEST))
  local line = s:match "[^\n]*%S[^\n]*" or ""
  if find(line, "^%s") or find(line, "%s%s") or find(line, "[\t ]$") then
    line = gsub(gsub(line, "%s+", " "), "^ ", "")
    line = gsub(line, " $", "")
  end
  return line
end

local function first(s, n)
  return sub(s, 1, utf8.offset(s, n + 1) - 1)
end

local function last(s, n)
  return n == 0 and "" or sub(s, utf8.offset(s, -n))
end

--- As many characters as fit into so many columns. Behind a dot, as the end of a name is
--- shown: some are wider there than at the start of a line.
local function fitting(s, columns, part)
  local low, high = 0, math.min(utf8.len(s), columns * 4)
  while low < high do
    local middle = (low + high + 1) // 2
    if tty.width("." .. part(s, middle)) - 1 <= columns then
      low = middle
    else
      high = middle - 1
    end
  end
  return part(s, low)
end

--- No character takes more columns than bytes.
local function fits(s, columns)
  return #s <= columns or #s <= LONGEST and tty.width(s) <= columns
end

---Clean text cut to so many columns; where something is left out there are dots, if there
---is room for them.
---@param s string from `clean` or `line`: UTF-8 without escape sequences
---@param columns integer
---@return string
function text.cut(s, columns)
  if columns <= 0 then return "" end
  if fits(s, columns) then return s end
  local dots = columns >= 8 and DOTS or ""
  local room = columns - #dots
  if not find(s, "[\128-\255]") then return sub(s, 1, room) .. dots end
  return fitting(first_bytes(s, LONGEST), room, first) .. dots
end

---The same for names, which often differ at their end: what is left out is in the middle.
---@param s string
---@param columns integer
---@return string
function text.cut_name(s, columns)
  if columns < 12 or fits(s, columns) then return text.cut(s, columns) end
  local room = columns - #DOTS
  return fitting(s, room - room // 2, first) .. DOTS .. fitting(s, room // 2, last)
end

---@param s string
---@param columns integer
---@return string text with spaces behind it
function text.pad(s, columns)
  local width = find(s, "[\128-\255]") and tty.width(s) or #s
  return width < columns and s .. (" "):rep(columns - width) or s
end

return text
