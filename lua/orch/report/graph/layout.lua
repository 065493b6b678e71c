-- Where the boxes of a graph stand, and which way its edges go: from left to right, in
-- pieces that hang together, several pieces packed into rows.
--
--   local drawing = layout.find(boxes, edges)
--   for i, box in ipairs(drawing.boxes) do print(box.x, box.y, box.width, box.height) end
--
-- An edge crosses a layer on a straight line through a lane of its own, and bends only
-- between layers: so it never runs through a box.

local layers = require "orch.report.graph.layers"
local order = require "orch.report.graph.order"
local place = require "orch.report.graph.place"

local layout = {}

local ROW_GAP, LANE_GAP = 18, 13 -- between boxes; beside a lane
local LEAST_GAP, MOST_GAP, SLOPE = 46, 260, 0.16 -- between layers
local PIECE_GAP, ASPECT = 34, 1.7

-- The pieces of a graph, each {vertices, edges}, in the order of their first vertex.
local function pieces_of(n, edges)
  local parent = {}
  for v = 1, n do parent[v] = v end
  local function top(v)
    while parent[v] ~= v do
      parent[v] = parent[parent[v]]
      v = parent[v]
    end
    return v
  end
  for _, edge in ipairs(edges) do
    local a, b = top(edge[1]), top(edge[2])
    if a ~= b then parent[math.max(a, b)] = math.min(a, b) end
  end
  local pieces, by_top = {}, {}
  for v = 1, n do
    local t = top(v)
    if not by_top[t] then
      by_top[t] = { vertices = {}, edges = {} }
      pieces[#pieces + 1] = by_top[t]
    end
    table.insert(by_top[t].vertices, v)
  end
  for i, edge in ipairs(edges) do table.insert(by_top[top(edge[1])].edges, i) end
  return pieces
end

-- Left and right end of each layer. Steep bundles of edges get more room to bend in.
local function columns(g, rows, boxes, y)
  local list, x = {}, 0
  for i, row in ipairs(rows) do
    local width, steepest = 0, 0
    for _, v in ipairs(row) do
      if not g.dummy[v] then width = math.max(width, boxes[v].width) end
      for _, w in ipairs(g.downs[v]) do steepest = math.max(steepest, math.abs(y[v] - y[w])) end
    end
    list[i] = { left = x, right = x + width }
    x = x + width + math.max(LEAST_GAP, math.min(MOST_GAP, 24 + SLOPE * steepest))
  end
  return list
end

local function points_of(way, g, column, y)
  local points = {}
  for i, v in ipairs(way) do
    local at = column[g.layer[v]]
    if i > 1 then points[#points + 1] = { at.left, y[v] } end
    if i < #way then points[#points + 1] = { at.right, y[v] } end
  end
  return points
end

local function reverse(list)
  for i = 1, #list // 2 do
    list[i], list[#list + 1 - i] = list[#list + 1 - i], list[i]
  end
end

-- One piece, its upper left corner at 0, 0.
local function draw_piece(piece, boxes, edges)
  local number, mine, links = {}, {}, {}
  for i, v in ipairs(piece.vertices) do number[v], mine[i] = i, boxes[v] end
  for i, e in ipairs(piece.edges) do
    links[i] = { number[edges[e][1]], number[edges[e][2]], style = edges[e].style }
  end
  local g = layers.build(#mine, links)
  local rows = order.find(g)
  local function half(v) return g.dummy[v] and 0 or mine[v].height / 2 end
  local y = place.find(g, rows, function(a, b)
    local both = g.dummy[a] and g.dummy[b]
    local gap = both and LANE_GAP or (g.dummy[a] or g.dummy[b]) and LANE_GAP + 3 or ROW_GAP
    return half(a) + half(b) + gap
  end)
  local low, high = math.huge, -math.huge
  for v = 1, g.n do
    low, high = math.min(low, y[v] - half(v)), math.max(high, y[v] + half(v))
  end
  for v = 1, g.n do y[v] = y[v] - low end
  local column = columns(g, rows, mine, y)
  local drawing = { boxes = {}, ways = {}, height = high - low,
    width = column[#column].right }
  for i, v in ipairs(piece.vertices) do
    local at = column[g.layer[i]]
    drawing.boxes[v] = { x = at.left, y = y[i] - half(i), width = at.right - at.left,
      height = mine[i].height, layer = g.layer[i] }
  end
  for i, e in ipairs(piece.edges) do
    local points = points_of(g.ways[i], g, column, y)
    if g.reversed[i] then reverse(points) end
    drawing.ways[e] = points
  end
  return drawing
end

-- Shelves, about as wide as the screen asks for; pieces of one box come last, so that
-- jobs that have nothing to do with each other become a grid.
local function pack(drawings)
  local widest, area = 0, 0
  for i, one in ipairs(drawings) do
    one.number = i
    widest = math.max(widest, one.width)
    area = area + (one.width + PIECE_GAP) * (one.height + PIECE_GAP)
  end
  local limit = math.max(widest, math.sqrt(area * ASPECT))
  table.sort(drawings, function(a, b)
    if a.single ~= b.single then return not a.single end
    return a.number < b.number
  end)
  local x, y, shelf, width = 0, 0, 0, 0
  for i, one in ipairs(drawings) do
    local fresh = i > 1 and one.single and not drawings[i - 1].single
    if x > 0 and (fresh or x + one.width > limit) then x, y, shelf = 0, y + shelf, 0 end
    local gap = one.single and ROW_GAP or PIECE_GAP
    one.left, one.top = x, y
    x, shelf = x + one.width + gap, math.max(shelf, one.height + gap)
    width = math.max(width, x - gap)
  end
  local last = drawings[#drawings]
  return width, last and last.top + shelf - (last.single and ROW_GAP or PIECE_GAP) or 0
end

---@param boxes {width: number, height: number}[]
---@param edges {[1]: integer, [2]: integer, style: string?}[] from, to; without loops, none
---  twice
---@return {width: number, height: number, boxes: {x: number, y: number, width: number, height: number}[], ways: number[][][]} drawing
---  a way is a list of {x, y}: a curve, a straight line, a curve, ... to the last point
function layout.find(boxes, edges)
  local drawings, lone = {}, 0
  local pieces = pieces_of(#boxes, edges)
  for _, piece in ipairs(pieces) do
    if #piece.vertices == 1 then lone = math.max(lone, boxes[piece.vertices[1]].width) end
  end
  for i, piece in ipairs(pieces) do
    local drawing = draw_piece(piece, boxes, edges)
    if #piece.vertices == 1 then
      drawing.single, drawing.width = true, lone
      drawing.boxes[piece.vertices[1]].width = lone
    else
      drawing.single = false
    end
    drawings[i] = drawing
  end
  local whole = { boxes = {}, ways = {} }
  whole.width, whole.height = pack(drawings)
  for _, one in ipairs(drawings) do
    for v, box in next, one.boxes do
      box.x, box.y = box.x + one.left, box.y + one.top
      whole.boxes[v] = box
    end
    for e, way in next, one.ways do
      for _, point in ipairs(way) do
        point[1], point[2] = point[1] + one.left, point[2] + one.top
      end
      whole.ways[e] = way
    end
  end
  return whole
end

return layout
