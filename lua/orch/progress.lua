--- How far a loop is: a line on the terminal, a bar of its job inside of one, and
--- nothing anywhere else.
---
---     for i, file in orch.progress({ "a.png", "b.png" }, "checking") do
---       assert(i == 1 or file == "b.png")
---     end
---
--- The line is redrawn at most ten times a second, only for what takes longer
--- than that, and becomes one line of summary at the end. Printing one's own
--- lines meanwhile is best done with `orch.log`, which makes room first.
local arg = require "orch.arg"
local clock = require "orch.core.clock"

local REDRAW = 0.1
local CLEAR = "\r\27[K"

--- The bars in work, the innermost last: that one has the line.
local bars = {}
local line_shown = false
local last_drawn = -math.huge

--- Standard error may be closed or gone: then there is just no bar.
local function write(text)
  return (pcall(io.stderr.write, io.stderr, text))
end

local function terminal_width()
  local ok, columns = pcall(function()
    local tty = require "orch.tty"
    if not tty.is_terminal "stderr" or os.getenv "TERM" == "dumb" then return nil end
    return (tty.size())
  end)
  return ok and columns or nil
end

local function text_width(text)
  local ok, width = pcall(function() return require("orch.tty").width(text) end)
  return ok and width or #text
end

--- Seconds as "0:07", "12:30" or "1:02:03".
local function show_time(seconds)
  local s = math.tointeger(seconds // 1) or 0
  if s >= 3600 then
    return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60)
  end
  return ("%d:%02d"):format(s // 60, s % 60)
end

local function show_count(n, unit)
  if unit ~= "bytes" then return ("%.0f"):format(n) end
  local prefixes, i = { "B", "KB", "MB", "GB", "TB" }, 1
  while n >= 1024 and i < #prefixes do n, i = n / 1024, i + 1 end
  return (i == 1 and "%.0f %s" or "%.1f %s"):format(n, prefixes[i])
end

local function show_rate(n, unit)
  if unit == "bytes" or n >= 10 then return show_count(n, unit) .. "/s" end
  return ("%.1f/s"):format(n)
end

---@class orch.Progress
---@field private total number?
---@field private label string?
---@field private unit string?
---@field private count number
---@field private started number seconds, of the clock
---@field private width integer? of the terminal; nil: draw nothing
---@field private report function? where it is a job's, not the terminal's
---@field private drawn boolean
---@field private closed boolean
local Bar = {}
Bar.__index = Bar
Bar.__name = "orch.progress"

---@private
function Bar:describe()
  local elapsed = clock.now() - self.started
  local rate = elapsed > 0 and self.count / elapsed or 0
  local count = show_count(self.count, self.unit)
  if self.total then count = count .. "/" .. show_count(self.total, self.unit) end
  if self.unit and self.unit ~= "bytes" then count = count .. " " .. self.unit end
  local parts = { count, show_rate(rate, self.unit) }
  if self.total and rate > 0 and self.count < self.total then
    parts[3] = "ETA " .. show_time((self.total - self.count) / rate)
  end
  return table.concat(parts, "  ")
end

--- The line for a terminal of `width` columns; what does not fit is left out: the
--- bar first, then the end of the label.
---@private
function Bar:render(width)
  local text, label = self:describe(), self.label and (self.label .. "  ") or ""
  if self.total and self.total > 0 then
    text = ("%3.0f%%  "):format(math.min(1, self.count / self.total) * 100) .. text
  end
  local room = width - 1 - text_width(label) - #text - 4
  if self.total and self.total > 0 and room >= 10 then
    local cells = math.min(room, 30)
    local full = math.floor(math.min(1, self.count / self.total) * cells)
    text = ("[%s%s]  "):format(("#"):rep(full), ("."):rep(cells - full)) .. text
  end
  while label ~= "" and text_width(label) + #text > width - 1 do
    label = label:sub(1, (utf8.offset(label, -1) or 1) - 1)
  end
  return label .. text:sub(1, math.max(0, width - 1))
end

---@private
function Bar:draw()
  if not self.width or bars[#bars] ~= self then return end
  local now = clock.now()
  if now - last_drawn < REDRAW or now - self.started < REDRAW then return end
  last_drawn = now
  self.width = terminal_width()
  if not self.width then return end
  if not write("\r" .. self:render(self.width) .. "\27[K") then self.width = nil end
  line_shown, self.drawn = true, true
end

--- `n` more are done.
---@param n? number 1 by default
function Bar:add(n)
  self.count = self.count + (n or 1)
  if self.width then self:draw() end
  if self.report then self.report(self.count, self.total) end
end

--- `n` are done altogether.
---@param n number
---@param total? number when it is known only now
function Bar:set(n, total)
  self.count, self.total = n, total or self.total
  if self.width then self:draw() end
  if self.report then self.report(self.count, self.total) end
end

local function clear()
  if line_shown then write(CLEAR) end
  line_shown, last_drawn = false, -math.huge
end

--- Ends the bar and leaves the summary. Leaving its block does the same.
function Bar:done()
  if self.closed then return end
  self.closed = true
  for i = #bars, 1, -1 do
    if bars[i] == self then table.remove(bars, i) end
  end
  if self.report then self.report(self.count, self.total, true) end
  if not self.drawn then return end
  clear()
  local elapsed = clock.now() - self.started
  local short = self.total and self.count < self.total
  local count = show_count(self.count, self.unit)
  if short then count = "stopped at " .. count .. " of " .. show_count(self.total, self.unit) end
  if self.unit and self.unit ~= "bytes" then count = count .. " " .. self.unit end
  write(("%s%s in %s (%s)\n"):format(self.label and (self.label .. ": ") or "", count,
    show_time(elapsed), show_rate(elapsed > 0 and self.count / elapsed or 0, self.unit)))
end

Bar.__close = Bar.done

local function new(total, label, unit)
  local output = package.loaded["orch.output"]
  local sink = output and output.current()
  local bar = setmetatable({
    total = total, label = label, unit = unit, count = 0, started = clock.now(),
    width = not sink and terminal_width() or nil, drawn = false, closed = false,
    report = sink and output.reporter(sink, label) or nil,
  }, Bar)
  if bar.width then bars[#bars + 1] = bar end
  return bar
end

local options = { total = "number", label = "string", unit = "string" }

local function is_object_form(value)
  return type(value) == "table" and value[1] == nil
    and (value.total ~= nil or value.label ~= nil or value.unit ~= nil)
end

--- The loop over a list, or over 1..total: an iterator, its state, its start and
--- the bar, which the loop closes, also after a `break`.
local function loop(subject, label, unit)
  local list = type(subject) == "table" and subject or nil
  local last = list and #list or subject
  local bar = new(last, label, unit)
  local function step(_, i)
    if i > 0 then bar:add(1) end
    if i >= last then return nil end
    if list then return i + 1, list[i + 1] end
    return i + 1
  end
  return step, nil, 0, bar
end

---@class ProgressOptions
---@field total? number how many there will be (object form)
---@field label? string what is being done
---@field unit? string what is counted: "files"; "bytes" is shown as KB, MB, ...

--- `for i, item in orch.progress(list, "checking") do`, `for i in
--- orch.progress(100) do`, or an object: `local p <close> = orch.progress {
--- total = 100 }` with `p:add(n)`, `p:set(n)` and `p:done()`. Never raises once it
--- runs, whatever becomes of the terminal.
---@param subject any[]|integer|ProgressOptions
---@param opts? ProgressOptions|string a string is the label
---@return orch.Progress|function ... the object, or what `for` takes
local function progress(_, subject, opts)
  if is_object_form(subject) then
    local o = arg.options("progress", subject, options)
    return new(o.total, o.label, o.unit)
  end
  arg.check("progress", 1, subject, "table|integer")
  if type(opts) == "string" then opts = { label = opts } end
  local o = arg.options("progress", opts, options)
  return loop(subject, o.label, o.unit)
end

--- For the options called `progress` elsewhere: true, a label, or a function that is
--- told `(done, total)`.
---@param total number
---@param shown boolean|string|fun(done: number, total: number)|nil
---@return {add: fun(n: number), close: fun()} counter to be closed
local function counter(total, shown)
  if arg.is_callable(shown) then
    local done = 0
    local function add(n)
      done = done + n
      shown(done, total)
    end
    local function close() end
    return setmetatable({ add = add, close = close }, { __close = close })
  end
  local bar = new(total, type(shown) == "string" and shown or nil)
  local function close() bar:done() end
  return setmetatable({ add = function(n) bar:add(n) end, close = close }, { __close = close })
end

return setmetatable({ counter = counter, clear = clear }, { __call = progress })
