--- What a terminal shows while a check goes on: one line that is redrawn, and above it the
--- first problems of it, one of each kind. All of it is gone when the report comes.
---
---     local view <close> = live.open()
---     local result = engine.run { on_finding = view.on_finding, on_progress = view.on_progress }
---
--- A short check shows nothing, and neither does one without a terminal. What a rule prints
--- meanwhile goes above.

local clock = require "orch.core.clock"
local output = require "orch.output"
local outs = require "orch.view.out"
local painter = require "orch.view.paint"
local place = require "orch.place"
local say = require "orch.check.report.say"
local text = require "orch.view.text"
local tty = require "orch.tty"

local SILENCE = 0.4       -- seconds: most checks are done by then
local REDRAW = 0.1
local KINDS = 4           -- lines of problems
local HEAD = 8
local RULE = 24

local BEGIN, END = "\27[?2026h", "\27[?2026l"
local NO_WRAP, WRAP = "\27[?7l", "\27[?7h"
local CLEAR_LINE = "\27[K"

local colors = { error = "bad", warning = "warn", info = "bar" }

---@class orch.CheckLive
---@field on_finding fun(finding: table)
---@field on_progress fun(done: integer, total: integer)
---@field private shown table[] the first finding of each kind, the worst first
---@field private counts table<string, integer>
---@field private drawn string[] lines on the screen
---@field private columns integer the terminal's when they were drawn
---@field private pending string a printed line that has no end yet
local Live = {}
Live.__index = Live

local function progress_text(self)
  if not self.total then return "looking for files" end
  local words = ("%s of %s"):format(say.number(self.done), say.count(self.total, "file"))
  if self.total > 0 then
    words = ("%s  %d%%"):format(words, self.done * 100 // self.total)
  end
  return words
end

local function status_line(self, columns)
  local words = "checking  " .. progress_text(self)
  local counts = say.counts(self.counts)
  if counts ~= "" then words = words .. "  " .. counts end
  return self.paint(text.cut(words .. "  " .. say.seconds((self.clock() - self.from) // 1),
    columns - 1), "strong")
end

local function finding_line(self, finding, columns)
  local room = columns - 1 - HEAD
  local rule = text.pad(text.cut(say.name(finding.rule), RULE), math.min(RULE, room // 3))
  local words = say.place(finding) .. "  " .. say.line(finding.message)
  return self.paint(text.pad(say.severities[finding.severity] or "error", HEAD),
    colors[finding.severity] or "bad") .. self.paint(text.cut(rule .. "  ", room), "dim")
    .. text.cut(words, room - tty.width(rule) - 2)
end

local function lines_of(self, columns, rows)
  local lines = {}
  for i = 1, math.min(#self.shown, rows - 2) do
    lines[i] = finding_line(self, self.shown[i], columns)
  end
  lines[#lines + 1] = status_line(self, columns)
  return lines
end

--- Rows that the lines take now: most terminals wrap them when they become narrower.
local function rows_drawn(self, columns)
  if columns >= self.columns then return #self.drawn end
  local taken = 0
  for _, line in ipairs(self.drawn) do
    taken = taken + math.max(1, (tty.width(line) + columns - 1) // columns)
  end
  return taken
end

--- Each line is taken away by itself: what clears all below leaves copies in the history of
--- some terminals.
local function erase(self, columns)
  if #self.drawn == 0 then return "" end
  return "\r" .. CLEAR_LINE .. ("\27[A" .. CLEAR_LINE):rep(rows_drawn(self, columns) - 1)
end

local function draw(self, above)
  local columns, rows = self.out:size()
  local lines = lines_of(self, columns, rows)
  self.out:write(BEGIN .. erase(self, columns) .. (above or "") .. NO_WRAP
    .. table.concat(lines, "\n") .. WRAP .. END)
  self.drawn, self.columns, self.drawn_at = lines, columns, self.clock()
end

local function draw_in_time(self)
  local now = self.clock()
  if self.closed then return end
  if now - self.from >= SILENCE and now - self.drawn_at >= REDRAW then draw(self) end
end

local function remember(self, finding)
  local counts = self.counts
  counts[finding.severity] = (counts[finding.severity] or 0) + 1
  local kind = finding.rule .. "\0" .. finding.severity
  if self.kinds[kind] then return end
  self.kinds[kind] = true
  local rank, at = say.rank[finding.severity] or 3, 1
  while self.shown[at] and (say.rank[self.shown[at].severity] or 3) >= rank do at = at + 1 end
  if at > KINDS then return end
  table.insert(self.shown, at, finding)
  self.shown[KINDS + 1] = nil
end

---For what rules print: whole lines, above.
---@private
---@param words string
function Live:write(words)
  words = self.pending .. words
  local lines = words:match "^.*\n" or ""
  self.pending = words:sub(#lines + 1)
  if lines == "" then return end
  if #self.drawn == 0 then return self.out:write(lines) end
  draw(self, lines)
end

---Redraws by the clock, for what comes seldom.
---@async
---@private
function Live:run()
  local quiet = require "orch.core.quiet"
  while not self.closed do
    quiet.sleep(REDRAW)
    if not self.closed and self.clock() - self.drawn_at >= 1 then draw_in_time(self) end
  end
end

---Takes all of it away. Further calls do nothing.
function Live:close()
  if self.closed then return end
  self.closed = true
  local _ <close> = self.prints
  if #self.drawn > 0 then
    self.out:write(BEGIN .. erase(self, (self.out:size())) .. "\r" .. END)
  end
  if self.pending ~= "" then self.out:write(self.pending .. "\n") end
  self.out:whole(false)
end

Live.__close = Live.close

local live = {}

local function nothing() end
local quiet_one = setmetatable({ on_finding = nothing, on_progress = nothing, closed = true }, Live)

---Whether somebody would see it.
---@return boolean
function live.possible()
  local term = place.getenv "TERM"
  return term ~= nil and term ~= "" and term ~= "dumb" and tty.is_terminal "stdout"
end

---@param opts? {stdout: table?, color: boolean?, size: function?, clock: function?}
---  for tests: a file in place of the terminal, and so on
---@return orch.CheckLive view for `<close>`
function live.open(opts)
  opts = opts or {}
  if not opts.stdout and not live.possible() then return quiet_one end
  local out, now = outs.new(opts), opts.clock or clock.now
  local self = setmetatable({
    out = out, clock = now, paint = painter(out.color), from = now(), drawn_at = -math.huge,
    drawn = {}, columns = 0, shown = {}, kinds = {}, counts = {}, done = 0, pending = "",
  }, Live)
  self.on_finding = function(finding)
    remember(self, finding)
    draw_in_time(self)
  end
  self.on_progress = function(done, total)
    self.done, self.total = done, total
    draw_in_time(self)
  end
  out:whole(true)
  self.prints = output.with(self)
  require("orch.task").spawn({ daemon = true, name = "progress" }, self.run, self)
  return self
end

return live
