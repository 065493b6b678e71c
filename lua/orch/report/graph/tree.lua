-- A graph as an indented tree for the terminal: what nothing else needs comes first,
-- below it what it needs. A job that has been shown with its needs already is not
-- unfolded again.
--
--   upload:ios            failed  1m 12s  To the store
--   ├─ build:ios          ok      6m 52s
--   │  └─ fetch           ok        3.2s
--   └─ licence            ok       410ms

local text = require "orch.report.text"
local tty = require "orch.tty"

local DEEPEST = 60 -- levels: deeper ones are not indented any further
local NAME_COLUMNS = 64

local signs = {
  ok = { "✓", "green" }, failed = { "✗", "bold red" }, running = { "▶", "blue" },
  skipped = { "–", "dim" }, cancelled = { "⊘", "yellow" }, retrying = { "↻", "yellow" },
  queued = { "…", "dim" }, pending = { "·", "dim" },
}

-- The jobs with their neighbours, by name; needs first, in the order of declaration.
local function link(order)
  local jobs, used = {}, {}
  for i, job in ipairs(order) do jobs[job.name] = { job = job, number = i, below = {} } end
  for _, job in ipairs(order) do
    local mine, seen = jobs[job.name], {}
    for _, kind in ipairs { "needs", "after" } do
      for _, name in ipairs(job[kind] or {}) do
        if jobs[name] and name ~= job.name and not seen[name] then
          seen[name], used[name] = true, true
          mine.below[#mine.below + 1] = { node = jobs[name], after = kind == "after" }
        end
      end
    end
  end
  local tops = {}
  for _, job in ipairs(order) do
    if not used[job.name] then tops[#tops + 1] = jobs[job.name] end
  end
  if #tops == 0 and order[1] then tops[1] = jobs[order[1].name] end -- a cycle
  return tops
end

-- Lines {prefix, node, note}, without recursion: a chain may be 100,000 jobs deep.
local function unfold(tops)
  local lines, stack, shown = {}, {}, {}
  for i = #tops, 1, -1 do
    stack[#stack + 1] = { node = tops[i], lead = "", tail = "", depth = 0 }
  end
  while #stack > 0 do
    local at = table.remove(stack)
    local node = at.node
    local again = shown[node] and #node.below > 0
    lines[#lines + 1] = { prefix = at.lead, depth = math.min(at.depth, DEEPEST), node = node,
      after = at.after, again = again }
    if not shown[node] then
      shown[node] = true
      for i = #node.below, 1, -1 do
        local last = i == #node.below
        local flat = at.depth >= DEEPEST
        stack[#stack + 1] = {
          node = node.below[i].node, after = node.below[i].after, depth = at.depth + 1,
          lead = flat and at.lead or at.tail .. (last and "└─ " or "├─ "),
          tail = flat and at.tail or at.tail .. (last and "   " or "│  "),
        }
      end
    end
  end
  return lines
end

-- What a line says, column by column.
local function fill(line, hot)
  local job = line.node.job
  local name = text.fit(text.line(job.name), NAME_COLUMNS)
  local sign = signs[job.state]
  line.name = name .. (line.after and " (after)" or "") .. (line.again and " (see above)" or "")
  line.name_style = line.again and "dim" or hot[job.name] and "bold yellow"
    or job.state == "failed" and "bold red" or (job.state == "pending" and "dim") or ""
  line.sign = not line.again and sign or nil
  line.columns = 3 * line.depth + tty.width(line.name)
  line.state = not line.again and job.state and text.line(job.state) or ""
  line.time = not line.again and job.state ~= "skipped" and text.duration(job.elapsed) or ""
  line.mark = hot[job.name] and "*" or ""
  line.note = line.again and "" or job.state == "failed" and text.line(text.error(job.error))
    or job.because and "because " .. text.line(job.because)
    or job.desc and text.line(job.desc) or ""
end

local function cut(value, columns)
  if tty.width(value) <= columns then return value end
  return columns > 12 and text.fit(value, columns) or ""
end

-- Cells {text, columns, style}, padded up to the last one that says something.
local function join(cells, paint)
  local last, row = #cells, {}
  while last > 1 and cells[last][1] == "" do last = last - 1 end
  for i = 1, last do
    local value, columns, style = cells[i][1], cells[i][2], cells[i][3]
    row[#row + 1] = cells[i].before
    row[#row + 1] = style and style ~= "" and value ~= "" and paint(value, style) or value
    if i < last and columns then row[#row + 1] = (" "):rep(columns) end
  end
  return table.concat(row)
end

local function measure(lines)
  local wide, states, times, signs_shown = 0, 0, 0, false
  for _, line in ipairs(lines) do
    wide = math.max(wide, line.columns)
    states, times = math.max(states, #line.state), math.max(times, #line.time)
    signs_shown = signs_shown or line.sign ~= nil
  end
  return wide, states, times, signs_shown
end

---@param what {order: table[]}
---@param opts {critical: string[]?, columns: integer?, style: (fun(text: string, style: string): string)?}
---@return string
return function(what, opts)
  local paint = opts.style or function(value) return value end
  local lines, hot = unfold(link(what.order)), {}
  for _, name in ipairs(opts.critical or {}) do hot[name] = true end
  for _, line in ipairs(lines) do fill(line, hot) end
  local wide, states, times, signs_shown = measure(lines)
  local used = wide + (opts.critical and 2 or 0) + (signs_shown and states + times + 6 or 0)
  local out = {}
  for i, line in ipairs(lines) do
    local cells = { { line.prefix, 0, "dim" }, { line.name, wide - line.columns, line.name_style } }
    if opts.critical then
      cells[3] = { line.mark, line.mark == "" and 1 or 0, "bold yellow", before = " " }
    end
    if signs_shown then
      local sign = line.sign or { "", "" }
      cells[#cells + 1] = { sign[1], line.sign and 0 or 1, sign[2], before = "  " }
      cells[#cells + 1] = { line.state, states - #line.state, before = " " }
      cells[#cells + 1] = { (" "):rep(times - #line.time) .. line.time, 0, before = "  " }
      if line.time == "" then cells[#cells] = { "", times, before = "  " } end
    end
    local room = (opts.columns or math.maxinteger) - used - 2
    cells[#cells + 1] = { cut(line.note, room), 0, "dim", before = "  " }
    out[i] = join(cells, paint)
  end
  return table.concat(out, "\n") .. "\n"
end
