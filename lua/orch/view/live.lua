--- The view of a terminal: a block of a few lines under what was printed, redrawn by a
--- timer, never the whole screen.
---
---     local v = require("orch.view").open("live", run)
---     orch.spawn({ daemon = true }, v.run, v)
---
--- Lines that stay (ended jobs, what the script prints) are kept for the next redraw and go
--- above the block in the same write. The block's lines do not wrap, whatever is in them,
--- and the cursor stays below it, at the start of a line.

local boards = require "orch.view.board"
local clock = require "orch.core.clock"
local crowds = require "orch.view.crowd"
local news = require "orch.view.news"
local painter = require "orch.view.paint"
local place = require "orch.place"
local text = require "orch.view.text"
local tty = require "orch.tty"

local REDRAW = 0.1     -- seconds
local CALM = 0.25      -- seconds between two looks at what jobs print
local FORGOTTEN = 3    -- seconds without a redraw: suspended, and the screen is another one
local WORD = 6         -- columns: "cancel"
local LONGEST_NAME = 30

local BEGIN, END = "\27[?2026h", "\27[?2026l"      -- to be shown at once
local NO_WRAP, WRAP = "\27[?7l", "\27[?7h"
local CLEAR_LINE, CLEAR_BELOW = "\27[K", "\27[J"

---@class orch.LiveView
---@field private run_model orch.RunModel
---@field private out orch.ViewOut
---@field private board orch.ViewBoard? from the first redraw on: many runs have nothing to do
---@field private crowd orch.ViewCrowd
---@field private above string[] texts for the next redraw, each with its line end
---@field private drawn string[] the block as it stands on the screen
---@field private columns integer the terminal's when it was drawn
---@field private rows integer
---@field private names integer columns of names in lines that stay
---@field private fresh boolean nothing has happened since it was drawn
---@field private paused boolean
---@field private timed boolean? false: there is no timer any more
---@field private closed boolean
local Live = {}
Live.__index = Live

--- Seconds since the run began, going on between records.
function Live:now()
  return math.max(self.run_model.now, self.clock() - self.zero)
end

local function stay(self, item)
  local detail = item.detail
  local word = self.paint(text.pad(item.word, WORD), item.what)
  if item.name then
    local name = text.line(item.name)
    detail = self.paint(text.pad(name, self.names), "name", item.name) .. "  " .. detail
  end
  self.above[#self.above + 1] = word .. " " .. detail .. "\n"
end

local function tell_crowd(self)
  for _, item in ipairs(self.crowd:take()) do
    stay(self, news.item(item.word, item.name, item.detail))
  end
end

--- The columns of names in lines that stay: no name takes more of them than bytes.
local function learn_name(self, name)
  if #name <= self.names or self.names >= LONGEST_NAME then return end
  self.names = math.min(LONGEST_NAME, math.max(self.names, tty.width(text.line(name))))
end

--- The timer's task is cancelled with the run, while jobs still end.
local function draw_without_timer(self)
  if self.timed == false and not self.paused and self.clock() - self.drawn_at >= REDRAW then
    self:draw()
  end
end

--- What jobs say of themselves comes often, and nobody reads it ten times a second.
local talk = { output = true, progress = true, message = true }

---@param record table that the model has applied already
function Live:event(record)
  self.zero = self.clock() - self.run_model.now
  if talk[record.event] then self.talked = true else self.fresh = false end
  if self.board then self.board:event(record) end
  if record.event == "job" then learn_name(self, record.job) end
  if record.event == "output" and not record.job then return self:print(record.text) end
  if news.is_one_of_many(record, self.crowd) then return end
  local item = news.of(record, self.run_model.jobs[record.job])
  if item then
    tell_crowd(self)
    stay(self, item)
  end
  draw_without_timer(self)
end

---Puts text of the script above the block.
---@param words string a line end is added where it has none
function Live:print(words)
  if words == "" then return end
  tell_crowd(self)
  self.above[#self.above + 1] = words:sub(-1) == "\n" and words or words .. "\n"
  self.fresh = false
  if self.paused then self:draw() end
end

--- xterm and the console of Linux cut long lines when they become narrower, all others
--- wrap them: the block is higher then.
local function wraps_anew()
  return not place.getenv "XTERM_VERSION" and place.getenv "TERM" ~= "linux"
end

--- How many rows the block takes on the screen as it is now.
local function rows_drawn(self, columns, rows)
  local taken = #self.drawn
  if columns < self.columns and wraps_anew() then
    taken = 0
    for _, line in ipairs(self.drawn) do
      taken = taken + math.max(1, (tty.width(line) + columns - 1) // columns)
    end
  end
  return math.min(taken, rows - 1)
end

---The lines of the block.
---@private
function Live:lines(columns, rows)
  self.board = self.board or boards.new(self.run_model, self.paint)
  return self.board:lines(self:now(), columns, rows)
end

local function same(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- Takes the old block away line by line: clearing all below at once, from the top of the
--- screen, makes tmux keep it in its history.
local function erase(frame, up)
  if up == 0 then return end
  frame[#frame + 1] = (CLEAR_LINE .. "\n"):rep(up) .. ("\27[%dA"):format(up)
end

--- One write: up to the block's first line, what stays, the block anew.
local function paint_frame(self, lines, columns, rows)
  local frame = { BEGIN, "\r" }
  local up = rows_drawn(self, columns, rows)
  if up > 0 then frame[#frame + 1] = ("\27[%dA"):format(up) end
  local moves = #self.above > 0 or #lines ~= up or columns ~= self.columns
  if moves then erase(frame, up) end
  table.move(self.above, 1, #self.above, #frame + 1, frame)
  frame[#frame + 1] = NO_WRAP
  for _, line in ipairs(lines) do frame[#frame + 1] = line .. CLEAR_LINE .. "\n" end
  if #lines > 0 then frame[#frame + 1] = CLEAR_BELOW end
  frame[#frame + 1] = WRAP .. END
  self.above, self.drawn, self.columns, self.rows = {}, lines, columns, rows
  self.out:write(table.concat(frame))
end

---Brings the screen up to date, if it is not.
---@private
function Live:draw()
  local instant, columns, rows = self.clock(), self.out:size()
  if instant - self.drawn_at > FORGOTTEN and not self.paused then self.drawn = {} end
  self.drawn_at = instant
  local second = self:now() // 1
  local resized = columns ~= self.columns or rows ~= self.rows
  local heard = self.talked and instant - self.heard_at >= CALM
  if self.fresh and not heard and second == self.second and not resized then return end
  self.fresh, self.second, self.talked, self.heard_at = true, second, false, instant
  tell_crowd(self)
  local hidden = self.paused or self.closed
  local lines = hidden and {} or self:lines(columns, rows)
  if #self.above == 0 and not resized and same(lines, self.drawn) then return end
  if hidden and #self.drawn == 0 and #self.above == 0 then return end
  paint_frame(self, lines, columns, rows)
end

---Redraws until the view is closed: for a task of its own. It keeps neither the run alive
---nor the report of a deadlock from coming.
---@async
function Live:run()
  local quiet = require "orch.core.quiet"
  local _ <close> = setmetatable({}, { __close = function() self.timed = false end })
  while not self.closed do
    if not self.paused then self:draw() end
    quiet.sleep(REDRAW)
  end
end

---Takes the block away, for a question to the person; what happens meanwhile is told after
---it.
function Live:pause()
  self.fresh, self.paused = false, true
  self:draw()
end

function Live:resume()
  self.fresh, self.paused, self.drawn_at = false, false, self.clock()
  self:draw()
end

---Leaves what is to stay, and the summary.
function Live:close()
  if self.closed then return end
  self.fresh, self.closed = false, true
  self:draw()
  self.out:write(require("orch.view.summary").text(self.run_model, {
    folder = self.folder, color = self.out.color,
  }))
  self.out:whole(false)
end

Live.__close = Live.close

---@param run orch.RunModel
---@param out orch.ViewOut
---@param opts {folder: string?, clock: (fun(): number)?}
---@return orch.LiveView
return function(run, out, opts)
  local now = opts.clock or clock.now
  local self = setmetatable({
    run_model = run, out = out, folder = opts.folder, clock = now, paint = painter(out.color),
    crowd = crowds.new(), above = {}, drawn = {}, names = 0, zero = now() - run.now,
    drawn_at = now(), heard_at = -math.huge, talked = false, fresh = false, paused = false, closed = false,
  }, Live)
  self.columns, self.rows = out:size()
  out:whole(true)
  for _, job in ipairs(run.order) do learn_name(self, job.name) end
  return self
end
