-- Draws who is busy and when, a row for each: growing while it runs on a terminal, and once,
-- at the end, anywhere else.
--
--   local chart = timeline.new("Both at once", { "openai", "gemini" }, 3)  -- 3 s wide
--   local a = chart:watch(orch.ai.openai {})                               -- draws its calls
--   chart:show(function() ... end)
local tty = orch.tty

local WIDEST, AROUND = 120, 14 -- columns; AROUND: what is left and right of bars and names

local Chart = {}
Chart.__index = Chart

-- A provider that draws its calls: like every combinator, it only has to have `chat`.
function Chart:watch(provider)
  local row = self.rows[provider.name]
  return { name = provider.name, model = provider.model, chat = function(_, ...)
    local call = { from = orch.time() - self.began }
    table.insert(row, call)
    local _ <close> = orch.defer(function(err)
      call.to, call.failed = orch.time() - self.began, err ~= nil
    end)
    return provider:chat(...)
  end }
end

-- Partial blocks make a bar grow smoothly; every other call of a row looks different.
local eighths = { "▏", "▎", "▍", "▌", "▋", "▊", "▉", [0] = "" }

local function bar(length, i)
  if tty.is_terminal() and i % 2 == 1 then
    local parts = math.max(1, math.floor(length * 8 + 0.5))
    return ("█"):rep(parts // 8) .. eighths[parts % 8]
  end
  local cell = tty.is_terminal() and "▒" or i % 2 == 1 and "#" or "="
  return cell:rep(math.max(1, math.floor(length + 0.5)))
end

local function style(call)
  return call.failed and "red" or call.to and "green" or "yellow"
end

function Chart:row(name, now, columns)
  local parts, used, busy, last = { ("  %-" .. self.label .. "s  "):format(name) }, 0, 0, nil
  local scale = columns / math.max(self.seconds, now)
  for i, call in ipairs(self.rows[name]) do
    local seconds = (call.to or now) - call.from
    local gap = math.max(0, math.floor(call.from * scale + 0.5) - used)
    local length = math.min(call.from * scale + seconds * scale - used - gap, columns - used - gap)
    local text = bar(length, i)
    parts[#parts + 1] = (" "):rep(gap) .. tty.style(text, style(call))
    used, busy, last = used + gap + tty.width(text), busy + seconds, call
  end
  if not last then return parts[1] end
  return table.concat(parts) .. (" "):rep(columns - used)
    .. tty.style(("%6.2f s"):format(busy), style(last)) .. (last.failed and " x" or "")
end

function Chart:draw()
  local now, width = orch.time() - self.began, math.min(tty.size(), WIDEST)
  local columns = math.max(10, width - self.label - AROUND)
  local title = self.title .. (" "):rep(self.label + columns + 4 - tty.width(self.title))
  local lines = { tty.style(("%s%6.2f s"):format(title, now), "bold") }
  for _, name in ipairs(self.names) do lines[#lines + 1] = self:row(name, now, columns) end
  if not tty.is_terminal() then
    for i, line in ipairs(lines) do lines[i] = line:gsub(" +$", "") end
    io.write(table.concat(lines, "\n"), "\n")
    return
  end
  io.write(self.drawn and ("\27[%dA"):format(#lines) or "", table.concat(lines, "\27[K\n"),
    "\27[K\n"):flush()
  self.drawn = true
end

-- Calls fn(...), draws meanwhile, and gives its result.
function Chart:show(fn, ...)
  local _ <close> = orch.defer(function() self:draw() end)
  if not tty.is_terminal() then return fn(...) end
  local s <close> = orch.scope()
  s:spawn({ daemon = true }, function()
    while true do
      self:draw()
      orch.sleep "40ms"
    end
  end)
  return fn(...)
end

local timeline = {}

function timeline.new(title, names, seconds)
  local self = setmetatable({ title = title, names = names, seconds = seconds, rows = {},
    label = 0, began = orch.time() }, Chart)
  for _, name in ipairs(names) do
    self.rows[name], self.label = {}, math.max(self.label, #name)
  end
  return self
end

return timeline
