-- Draws a graph as SVG: boxes and curves where the layout has put them.
--
--   local text = svg(run, { embed = true, id = "graph" })

local layout = require "orch.report.graph.layout"
local style = require "orch.report.graph.style"
local subject = require "orch.report.graph.subject"
local text = require "orch.report.text"
local tty = require "orch.tty"
local xml = require "orch.report.xml"

local MARGIN, RADIUS = 20, 7
local COLUMN = 7.85 -- of the 13px font; the note's is smaller
local NOTE_COLUMN = 6.65
local WIDEST = 40 -- columns of a name
local LEFT, RIGHT = 16, 14

local function note_of(node)
  if not node.state then
    return node.group and text.count(#node.jobs, "job") or nil
  end
  local parts = {}
  if node.group then
    parts[1] = text.count(#node.jobs, "job")
    for _, state in ipairs { "failed", "running", "cancelled" } do
      local n = node.counts[state]
      if n then parts[#parts + 1] = ("%d %s"):format(n, state) end
    end
  else
    parts[1] = text.line(node.state)
    local attempts = node.job.attempts and #node.job.attempts or 0
    if attempts > 1 then parts[2] = attempts .. " attempts" end
  end
  if node.elapsed and node.state ~= "skipped" then
    parts[#parts + 1] = text.duration(node.elapsed)
  end
  return table.concat(parts, " · ")
end

local function box_of(node)
  node.shown = text.fit(node.label, WIDEST)
  node.note = note_of(node)
  local width = tty.width(node.shown) * COLUMN + (node.state and not node.group and 18 or 0)
  if node.note then width = math.max(width, tty.width(node.note) * NOTE_COLUMN) end
  return { width = math.ceil(width + LEFT + RIGHT), height = node.note and 46 or 34 }
end

local function first_lines(value)
  return text.fit(text.line(value), 200)
end

-- What one reads when the pointer rests on a box.
local function tooltip(node)
  local lines = { text.plain(node.group and node.label or node.name) }
  local function add(value) if value then lines[#lines + 1] = first_lines(value) end end
  if node.group then
    add(note_of(node))
    local names = {}
    for i = 1, math.min(#node.jobs, 12) do names[i] = text.line(node.jobs[i].name) end
    if #node.jobs > 12 then names[13] = ("and %d more"):format(#node.jobs - 12) end
    lines[#lines + 1] = table.concat(names, "\n")
    return table.concat(lines, "\n")
  end
  local job = node.job
  add(job.desc)
  add(node.note)
  if job.state == "failed" then add(text.error(job.error)) end
  add(job.state == "cancelled" and job.because and "because " .. text.plain(job.because))
  add(job.state == "skipped" and job.reason)
  add(job.where)
  return table.concat(lines, "\n")
end

local function rect(class, box, shift)
  return ('<rect class="%s" x="%.6g" y="%.6g" width="%.6g" height="%.6g" rx="%d"/>'):format(
    class, box.x + shift, box.y + shift, box.width, box.height, RADIUS)
end

-- How the jobs of a group stand, as a bar along its lower edge.
local function shares(node, box)
  local out, x, width = {}, box.x + 10, box.width - 20
  for _, state in ipairs(style.states) do
    local n = node.counts[state]
    if n then
      local part = width * n / #node.jobs
      out[#out + 1] = ('<rect class="c-%s" x="%.5g" y="%.6g" width="%.5g" height="3"/>'):format(
        state, x, box.y + box.height - 7, part)
      x = x + part
    end
  end
  return table.concat(out)
end

local function class_of(node)
  return (text.line(node.state):gsub("[^%w]", "-"))
end

-- The coloured left edge of a box, round like it.
local function edge_bar(node, box)
  local bend = ("a%d %d 0 0 0"):format(RADIUS, RADIUS)
  return ('<path class="c-%s" d="M%.6g %.6g%s-%d %dv%.6g%s %d %dz"/>'):format(class_of(node),
    box.x + RADIUS, box.y, bend, RADIUS, RADIUS, box.height - 2 * RADIUS, bend, RADIUS, RADIUS)
end

local function draw_node(node, box, id, hot)
  local class = "job" .. (node.state and " " .. class_of(node) or "")
    .. (hot and " hot" or "") .. (node.group and " group" or "")
  local out = { ("<g%s><title>%s</title>"):format(xml.attributes {
    "class", class, "id", id, node.group and "data-group" or "data-job",
    node.group and node.label or node.name, "data-state", node.state }, xml.text(tooltip(node))) }
  if node.group then out[#out + 1] = rect("under", box, 4) end
  out[#out + 1] = rect("box", box, 0)
  local line = node.group and 18 or node.note and 20 or box.height / 2 + 4.5
  local x, y = box.x + LEFT, box.y + line
  local middle = not node.note and not node.group
  if node.state and not node.group then
    out[#out + 1] = edge_bar(node, box)
    out[#out + 1] = style.sign(node.state, x + 7, y - 4.5)
    x = x + 18
  end
  if middle then x = box.x + box.width / 2 end
  out[#out + 1] = ('<text class="name" x="%.6g" y="%.6g"%s>%s</text>'):format(x, y,
    middle and ' text-anchor="middle"' or "", xml.text(node.shown))
  if node.note then
    out[#out + 1] = ('<text class="note" x="%.6g" y="%.6g">%s</text>'):format(box.x + LEFT,
      y + (node.group and 14 or 17), xml.text(node.note))
  end
  if node.group and node.state then out[#out + 1] = shares(node, box) end
  out[#out + 1] = "</g>"
  return table.concat(out)
end

local function point(x, y) return ("%.6g %.6g"):format(x, y) end

-- Curves between layers, straight lines across them.
local function path_of(way)
  local out = { "M" .. point(way[1][1], way[1][2]) }
  for i = 2, #way do
    local a, b = way[i - 1], way[i]
    if a[2] == b[2] then
      out[#out + 1] = ("H%.6g"):format(b[1])
    else
      local middle = (a[1] + b[1]) / 2
      out[#out + 1] = ("C%s %s %s"):format(point(middle, a[2]), point(middle, b[2]),
        point(b[1], b[2]))
    end
  end
  return table.concat(out)
end

local function draw_edge(edge, way, picture, prefix, hot)
  local from, to = picture.nodes[edge[1]], picture.nodes[edge[2]]
  local class = "edge " .. edge.style .. (hot and " hot" or "")
  local title = ("%s %s %s"):format(text.plain(to.label),
    edge.style == "needs" and "needs" or "runs after", text.plain(from.label))
  return ("<path%s><title>%s</title></path>"):format(xml.attributes {
    "class", class, "d", path_of(way), "data-from", from.name, "data-to", to.name,
    "marker-end", ("url(#%s-%s)"):format(prefix, hot and "hot" or "tip") }, xml.text(title))
end

local function marker(prefix, name, class)
  return ('<marker id="%s-%s" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="8" '
    .. 'refX="8.2" refY="4" orient="auto"><path class="%s" d="M0 0L9 4 0 8 2 4z"/></marker>')
    :format(prefix, name, class)
end

-- Nodes on the way that is marked, and its edges.
local function marked(picture, critical)
  local nodes, edges, of = {}, {}, {}
  for i, node in ipairs(picture.nodes) do
    for _, job in ipairs(node.jobs) do of[job.name] = i end
  end
  for i, name in ipairs(critical or {}) do
    local at, before = of[name], of[critical[i - 1]]
    if at then nodes[at] = true end
    if at and before then edges[before .. " " .. at] = true end
  end
  return nodes, edges
end

local function head(drawing, opts, prefix, picture)
  local width, height = drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN
  local out = { opts.embed and "" or '<?xml version="1.0" encoding="UTF-8"?>\n' }
  out[2] = ("<svg%s>\n"):format(xml.attributes {
    "xmlns", "http://www.w3.org/2000/svg", "class", "og", "id", prefix,
    "width", ("%.0f"):format(width), "height", ("%.0f"):format(height),
    "viewBox", ("%d %d %.0f %.0f"):format(-MARGIN, -MARGIN, width, height), "role", "img",
    "aria-label", opts.title or "graph of " .. text.count(picture.jobs, "job") })
  out[3] = ("<style>\n%s</style>\n<defs>%s%s</defs>\n"):format(style.css(),
    marker(prefix, "tip", "tip"), marker(prefix, "hot", "hot-tip"))
  if not opts.embed then
    out[4] = ('<rect class="back" x="%d" y="%d" width="100%%" height="100%%"/>\n'):format(
      -MARGIN, -MARGIN)
  end
  return table.concat(out)
end

---@param what {order: table[]}
---@param opts {id: string?, embed: boolean?, critical: string[]?, limit: integer?, title: string?}
---@return string
return function(what, opts)
  local picture, boxes = subject.read(what, opts), {}
  for i, node in ipairs(picture.nodes) do boxes[i] = box_of(node) end
  local drawing = layout.find(boxes, picture.edges)
  local prefix = opts.id or "orch"
  local hot_nodes, hot_edges = marked(picture, opts.critical)
  local out, late = { head(drawing, opts, prefix, picture) }, {}
  for i, edge in ipairs(picture.edges) do
    local hot = hot_edges[edge[1] .. " " .. edge[2]]
    local drawn = draw_edge(edge, drawing.ways[i], picture, prefix, hot)
    if hot then late[#late + 1] = drawn else out[#out + 1] = drawn end
  end
  table.move(late, 1, #late, #out + 1, out) -- above the others
  for i, node in ipairs(picture.nodes) do
    out[#out + 1] = draw_node(node, drawing.boxes[i], ("%s-job-%d"):format(prefix, i),
      hot_nodes[i])
  end
  out[#out + 1] = "</svg>\n"
  return table.concat(out, "\n")
end
