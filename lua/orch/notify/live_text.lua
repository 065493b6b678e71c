--- What a live message shows: a line for each piece of work, as many as one wants to read.
---
---     text.content { title = "Deploy", items = { { name = "ios", state = "running", done = 4,
---       total = 10 } }, notes = {} }

local show = require "orch.report.text"

local text = {}

local LINES = 20
local BAR = 10 -- characters
local LONGEST = 200 -- columns of a line

text.signs = { waiting = "⏳", running = "▶️", ok = "✅", skipped = "⏩", failed = "❌",
  cancelled = "🚫" }

--- What comes first where not all have room.
local weight = { failed = 1, running = 2, cancelled = 3, ok = 4, waiting = 5, skipped = 6 }
local order = { "failed", "cancelled", "running", "ok", "skipped", "waiting" }

local function bar(share)
  local full = math.floor(share * BAR + 0.5)
  return ("▓"):rep(full) .. ("░"):rep(BAR - full)
end

local function number(value)
  return ("%.14g"):format(value)
end

local function progress(item)
  local done, total = item.done, item.total
  if not done then return "" end
  if total and total > 0 then
    local share = math.max(0, math.min(1, done / total))
    return (" %s %d%%"):format(bar(share), math.floor(share * 100))
  end
  return " " .. number(done)
end

local function line_of(item)
  local line = text.signs[item.state] .. " " .. show.line(item.name)
  if item.state == "running" then line = line .. progress(item) end
  if item.elapsed then line = line .. " " .. show.duration(item.elapsed) end
  if item.text and item.text ~= "" then
    line = line .. (item.state == "running" and item.done and "  " or ": ") .. show.line(item.text)
  end
  return show.fit(line, LONGEST)
end

local function count(items)
  local counts = {}
  for _, state in ipairs(order) do counts[state] = 0 end
  for _, item in ipairs(items) do counts[item.state] = counts[item.state] + 1 end
  return counts
end
text.count = count

--- The most telling ones, in the order in which they stand.
local function chosen(items)
  if #items <= LINES then return items end
  local ranked = {}
  for i, item in ipairs(items) do ranked[i] = { weight[item.state] * #items * 2 + i, i } end
  table.sort(ranked, function(a, b) return a[1] < b[1] end)
  local places = {}
  for i = 1, LINES - 1 do places[i] = ranked[i][2] end
  table.sort(places)
  local found = {}
  for i, place in ipairs(places) do found[i] = items[place] end
  return found
end

local function rest_of(items, shown)
  if #shown == #items then return nil end
  local all, there, parts = count(items), count(shown), {}
  for _, state in ipairs(order) do
    local left = all[state] - there[state]
    if left > 0 then parts[#parts + 1] = ("%d %s"):format(left, state) end
  end
  return ("… and %d more: %s"):format(#items - #shown, table.concat(parts, ", "))
end

local function color_of(view, counts)
  if counts.failed > 0 or view.status == "failed" then return "danger" end
  if view.status == "cancelled" then return "warning" end
  return view.status == "ok" and "good" or nil
end

local function sign_of(view, counts)
  if counts.failed > 0 or view.status == "failed" then return text.signs.failed end
  return text.signs[view.status] or text.signs.running
end

---@param view {title: string?, items: table[], notes: string[], status: "running"|"ok"|"failed"|"cancelled", link: table?, cause: string?}
---@return orch.notify.Content
function text.content(view)
  local counts, shown = count(view.items), chosen(view.items)
  local lines = { view.cause } -- at the top: chats fold long messages
  for _, item in ipairs(shown) do lines[#lines + 1] = line_of(item) end
  lines[#lines + 1] = rest_of(view.items, shown)
  for _, note in ipairs(view.notes) do lines[#lines + 1] = "• " .. show.fit(note, LONGEST) end
  local title = show.line(view.title or "Progress")
  if #view.items > 1 then
    local over = counts.ok + counts.skipped + counts.failed + counts.cancelled
    title = ("%s: %d of %d"):format(title, over, #view.items)
  end
  return { title = ("%s %s"):format(sign_of(view, counts), title),
    text = #lines > 0 and table.concat(lines, "\n") or nil, color = color_of(view, counts),
    link = view.link }
end

return text
