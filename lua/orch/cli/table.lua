-- Tables in columns: as wide as what is in them; on a terminal the flexible column is cut
-- so that a row is one line.
--
--   io.stdout:write(layout.render({ { "JOB" }, { "TIME", right = true } }, rows))

local report = require "orch.report.text"
local tty = require "orch.tty"

local layout = {}

local GAP = 2
local LEAST = 8 -- columns that a cell keeps, however narrow the terminal is

---@class orch.Column
---@field [1] string title
---@field right boolean? numbers
---@field flexible boolean? gives up what others need
---@field optional boolean? left out where no row has anything in it

---How wide a row may be; nil: as wide as it wants (a pipe, a file).
---@return integer?
function layout.width()
  if tty.is_terminal "stdout" then return (tty.size()) end
  return math.tointeger(tonumber(require("orch.place").getenv "COLUMNS"))
end

local function cell_text(cell)
  if type(cell) == "table" then cell = cell[1] end
  return report.line(cell == nil and "" or cell)
end

--- The columns that have something to show, and what is in them.
local function texts_of(columns, rows)
  local shown = {}
  for c, column in ipairs(columns) do
    local texts, widest, filled = {}, tty.width(column[1]), false
    for r, row in ipairs(rows) do
      texts[r] = cell_text(row[c])
      filled = filled or texts[r] ~= ""
      widest = math.max(widest, tty.width(texts[r]))
    end
    if filled or not column.optional then
      shown[#shown + 1] = { column = column, texts = texts, width = widest, index = c }
    end
  end
  return shown
end

local function shrink(shown, limit)
  local total = GAP * (#shown - 1)
  for _, one in ipairs(shown) do total = total + one.width end
  while total > limit do -- column by column of the terminal, from the widest
    local widest
    for _, one in ipairs(shown) do
      if one.column.flexible and one.width > LEAST
        and (not widest or one.width > widest.width)
      then
        widest = one
      end
    end
    if not widest then return end
    widest.width, total = widest.width - 1, total - 1
  end
end

local function padded(text, one, is_last)
  text = report.fit(text, one.width)
  local room = (" "):rep(one.width - tty.width(text))
  if one.column.right then return room, text, "" end
  return "", text, is_last and "" or room
end

local function line_of(shown, pick, style_of)
  local parts = {}
  for i, one in ipairs(shown) do
    local before, text, after = padded(pick(one), one, i == #shown)
    local style = text ~= "" and style_of(one)
    parts[i] = before .. (style and tty.style(text, style) or text) .. after
  end
  return (table.concat(parts, (" "):rep(GAP)):gsub("%s+$", "")) .. "\n"
end

---@param columns orch.Column[]
---@param rows any[][] a cell is text, a number, nil or {text, style}
---@return string
function layout.render(columns, rows)
  local shown = texts_of(columns, rows)
  local limit = layout.width()
  if limit then shrink(shown, limit) end
  local lines = { line_of(shown, function(one) return one.column[1] end,
    function() return "dim" end) }
  for r, row in ipairs(rows) do
    lines[r + 1] = line_of(shown, function(one) return one.texts[r] end, function(one)
      local cell = row[one.index]
      return type(cell) == "table" and cell[2]
    end)
  end
  return table.concat(lines)
end

local styles = {
  ok = "green", skipped = "dim", failed = "red", cancelled = "yellow", interrupted = "yellow",
  crashed = "red", running = "cyan", retrying = "cyan", pending = "dim", queued = "dim",
}

---@param status string of a run or a job
---@return {[1]: string, [2]: string?} cell
function layout.status(status)
  return { status, styles[status] }
end

return layout
