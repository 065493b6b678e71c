--- Lines of a terminal: words wrapped to its columns with an indentation, fields with a
--- label in front.
---
---     local sheet = sheets.new { columns = 80, color = true }
---     sheet:field("how:", "resize it in your paint program, or raise the budget")
---     io.write(sheet:text())

local painter = require "orch.view.paint"
local say = require "orch.check.report.say"
local tty = require "orch.tty"

local INDENT, LABEL = 10, 7 -- columns
local READABLE = 110   -- columns of prose: longer lines lose the eye
local NARROWEST = 20

---@class orch.Sheet
---@field columns integer
---@field paint fun(text: string, what: string): string
---@field label integer columns of labels
---@field private lines string[]
local Sheet = {}
Sheet.__index = Sheet

---Text in lines of so many columns at most; a word that is longer stands alone, whole, so
---that it can be copied.
---@param text string without escape sequences; its line ends are kept
---@param columns integer
---@return string[]
local function wrap(text, columns)
  local lines = {}
  for paragraph in (text .. "\n"):gmatch "(.-)\n" do
    local line, used = {}, 0
    for word in paragraph:gmatch "%S+" do
      local width = tty.width(word)
      if used > 0 and used + 1 + width > columns then
        lines[#lines + 1] = table.concat(line, " ")
        line, used = {}, 0
      end
      used = used + width + (used > 0 and 1 or 0)
      line[#line + 1] = word
    end
    if used > 0 then lines[#lines + 1] = table.concat(line, " ") end
  end
  return lines
end

---A line as it is.
---@param ... string pieces
function Sheet:line(...)
  self.lines[#self.lines + 1] = table.concat { ... }
end

---@param text any
---@param indent? integer by default that of findings
---@param what? string the name of a colour
function Sheet:prose(text, indent, what)
  indent = indent or INDENT
  local room = math.max(NARROWEST, math.min(self.columns - indent, READABLE))
  for _, line in ipairs(wrap(say.text(text), room)) do
    self:line((" "):rep(indent), what and self.paint(line, what) or line)
  end
end

---A label and what belongs to it; further lines begin below the first one's text.
---@param label string
---@param text any
---@param what? string the name of a colour for the text
---@param indent? integer
function Sheet:field(label, text, what, indent)
  indent = indent or INDENT
  local column = indent + math.max(self.label, #label + 1)
  local room = math.max(NARROWEST, math.min(self.columns - column, READABLE))
  for i, line in ipairs(wrap(say.text(text), room)) do
    local before = i == 1 and (" "):rep(indent) .. self.paint(label, "dim")
      .. (" "):rep(column - indent - #label) or (" "):rep(column)
    self:line(before, what and self.paint(line, what) or line)
  end
end

---A label and a line that stays as it is, columns and all.
---@param label string
---@param text string
---@param indent? integer
function Sheet:raw_field(label, text, indent)
  indent = indent or INDENT
  local column = indent + math.max(self.label, #label + 1)
  self:line((" "):rep(indent), self.paint(label, "dim"), (" "):rep(column - indent - #label), text)
end

---A command, which is never broken, and what it does, behind or below it.
---@param label string
---@param command string
---@param note? string
---@param indent? integer
function Sheet:command(label, command, note, indent)
  indent = indent or INDENT
  local column = indent + math.max(self.label, #label + 1)
  local before = (" "):rep(indent) .. self.paint(label, "dim")
    .. (" "):rep(column - indent - #label)
  local words = note and "(" .. note .. ")"
  if not words then return self:line(before, command) end
  if column + tty.width(command) + 3 + tty.width(words) <= self.columns then
    return self:line(before, command, "   ", self.paint(words, "dim"))
  end
  self:line(before, command)
  self:prose(words, column, "dim")
end

function Sheet:gap()
  if self.lines[#self.lines] ~= "" and #self.lines > 0 then self:line "" end
end

---@return string text each line with its end
function Sheet:text()
  return #self.lines > 0 and table.concat(self.lines, "\n") .. "\n" or ""
end

local sheets = { wrap = wrap }

---@param opts {columns: integer?, color: boolean?}? by default as the terminal is
---@return orch.Sheet
function sheets.new(opts)
  opts = opts or {}
  local color, columns = opts.color, opts.columns
  if color == nil then color = tty.color "stdout" end
  return setmetatable({
    columns = columns or (tty.size()), paint = painter(color), label = LABEL, lines = {},
  }, Sheet)
end

return sheets
