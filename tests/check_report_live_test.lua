-- What a terminal shows while a check goes on: orch.check.report.live.

local live = require "orch.check.report.live"

--- A view, what it has written, and a clock that goes when it is told.
local function stage(opts)
  opts = opts or {}
  local self = { pieces = {}, now = 100, columns = opts.columns or 80, rows = opts.rows or 24 }
  local file = {}
  function file.write(_, text) self.pieces[#self.pieces + 1] = text; return file end
  function file.flush() return file end
  self.view = live.open { stdout = file, color = false, clock = function() return self.now end,
    size = function() return self.columns, self.rows end }
  return self
end

--- What stands on a screen after all that was written; it knows what the view uses.
local function screen(self)
  local lines, row, column = { "" }, 1, 0
  local text = table.concat(self.pieces)
  local at = 1
  while at <= #text do
    local up = text:match("^\27%[(%d*)A", at)
    local sequence = text:match("^\27%[[%d?;]*%a", at)
    if up then
      row = math.max(1, row - (tonumber(up) or 1))
    elseif sequence == "\27[K" then
      lines[row] = lines[row]:sub(1, column)
    end
    if sequence then
      at = at + #sequence
    else
      local char = text:sub(at, at)
      if char == "\n" then
        row, column = row + 1, 0
        lines[row] = lines[row] or ""
      elseif char == "\r" then
        column = 0
      else
        lines[row] = lines[row]:sub(1, column) .. char .. lines[row]:sub(column + 2)
        column = column + 1
      end
      at = at + 1
    end
  end
  while #lines > 0 and lines[#lines] == "" do lines[#lines] = nil end
  return lines
end

local function finding(rule, severity, path)
  return { rule = rule, severity = severity or "error", path = path or "Assets/a.png",
    message = "is too big" }
end

describe("while a check goes on", function()
  it("a short one shows nothing at all", function()
    local s = stage()
    s.view.on_progress(0, 10)
    s.now = 100.3
    s.view.on_finding(finding "a")
    s.view.on_progress(10, 10)
    s.view:close()
    expect(s.pieces):equals {}
  end)

  it("one line says how far it is, and what was found", function()
    local s = stage()
    s.now = 101
    s.view.on_progress(300, 1200)
    expect(screen(s)):equals { "checking  300 of 1,200 files  25%  1.00 s" }
    s.now = 112
    s.view.on_finding(finding("texture.size", "error", "Assets/b\n.png"))
    expect(screen(s)):equals {
      "error   texture.size             Assets/b\\n.png  is too big",
      "checking  300 of 1,200 files  25%  1 error  12.0 s",
    }
    s.view:close()
  end)

  it("the first of each kind is shown, the worst on top, four of them", function()
    local s = stage()
    s.now = 101
    for i, severity in ipairs { "info", "warning", "info", "error", "warning", "error" } do
      s.view.on_finding(finding("r" .. i, severity))
      s.view.on_finding(finding("r" .. i, severity, "Assets/other.png"))
    end
    s.now = 102
    s.view.on_progress(1, 2)
    local shown = {}
    for i, line in ipairs(screen(s)) do shown[i] = line:match "^%a+ +r%d" or line end
    expect(shown):equals { "error   r4", "error   r6", "warning r2", "warning r5",
      "checking  1 of 2 files  50%  4 errors, 4 warnings, 4 notes  2.00 s" }
    s.view:close()
  end)

  it("no line is wider than the terminal, and the block no higher", function()
    for _, columns in ipairs { 20, 40, 300 } do
      local s = stage { columns = columns, rows = 4 }
      s.now = 101
      for i = 1, 6 do s.view.on_finding(finding("rule" .. ("x"):rep(40) .. i)) end
      s.now = 102
      s.view.on_progress(1, 2)
      local lines = screen(s)
      expect(#lines):less_than(4)
      for _, line in ipairs(lines) do expect(#line):less_than(columns) end
      s.view:close()
    end
  end)

  it("is redrawn ten times a second at most", function()
    local s = stage()
    s.now = 101
    for i = 1, 1000 do
      s.now = 101 + i / 1000
      s.view.on_progress(i, 1000)
    end
    expect(#s.pieces):less_than(12)
    s.view:close()
  end)

  it("goes on by the clock where nothing is told", function()
    local s = stage()
    s.view.on_progress(1, 2)
    s.now = 105
    orch.sleep "300ms"
    expect(screen(s)):equals { "checking  1 of 2 files  50%  5.00 s" }
    s.view:close()
  end)

  it("is gone at the end, also when the terminal was made narrower", function()
    for _, columns in ipairs { 80, 30 } do
      local s = stage()
      s.now = 101
      s.view.on_finding(finding "a")
      s.now = 102
      s.view.on_progress(1, 2)
      s.columns = columns
      s.view:close()
      s.view:close()
      if columns == 80 then expect(screen(s)):equals {} end
      expect(select(2, s.pieces[#s.pieces]:gsub("\27%[A", ""))):equals(columns == 80 and 1 or 3)
      s.view.on_progress(2, 2)
      s.view.on_finding(finding "b")
    end
  end)

  it("what a rule prints stays above, in whole lines", function()
    local s = stage()
    print "early"
    s.now = 101
    s.view.on_progress(1, 2)
    print "hello"
    io.write "half"
    io.write " a line\nand"
    expect(screen(s)):equals { "early", "hello", "half a line",
      "checking  1 of 2 files  50%  1.00 s" }
    s.view:close()
    expect(screen(s)):equals { "early", "hello", "half a line", "and" }
  end)

  it("does nothing where nobody would see it", function()
    if require("orch.tty").is_terminal "stdout" then test.skip "standard output is a terminal" end
    expect(live.possible()):equals(false)
    local view <close> = live.open()
    view.on_progress(1, 2)
    view.on_finding(finding "a")
  end)
end)
