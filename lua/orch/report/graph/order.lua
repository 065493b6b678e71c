-- The order of the vertices in their layers, with few crossings: barycentre sweeps
-- (Sugiyama, Tagawa, Toda 1981) followed by exchanges of neighbours (E. Gansner and
-- others, "A Technique for Drawing Directed Graphs", 1993). Crossings are counted with
-- an accumulator tree (W. Barth, P. Mutzel, M. Juenger, 2004).
--
--   local rows = order.find(g)    --> lists of vertices, a list for each layer

local order = {}

local SWEEPS, PATIENCE = 24, 4
local BUDGET = 300000 -- edge segments looked at: a thousand jobs stay below a second
local EXCHANGE_LIMIT = 1500 -- segments, above which exchanging costs too much

-- Depth first from the sources, so that what belongs together stands together.
local function first_order(g)
  local rows, seen = {}, {}
  local function visit(root)
    local stack = { root }
    while #stack > 0 do
      local v = table.remove(stack)
      if not seen[v] then
        seen[v] = true
        local row = rows[g.layer[v]] or {}
        rows[g.layer[v]] = row
        row[#row + 1] = v
        for i = #g.downs[v], 1, -1 do stack[#stack + 1] = g.downs[v][i] end
      end
    end
  end
  for v = 1, g.n do
    if #g.ups[v] == 0 then visit(v) end
  end
  return rows
end

local function positions(rows)
  local position = {}
  for _, row in ipairs(rows) do
    for i, v in ipairs(row) do position[v] = i end
  end
  return position
end

-- Pairs among the edges, taken in order of their upper ends, whose lower ends are the
-- other way round: inversions, counted with a Fenwick tree.
local function crossings_below(row, downs, position, size)
  local tree, total, seen = {}, 0, 0
  for i = 1, size do tree[i] = 0 end
  for _, v in ipairs(row) do
    local ends = {}
    for i, w in ipairs(downs[v]) do ends[i] = position[w] end
    for _, at in ipairs(ends) do
      local before, i = 0, at
      while i > 0 do
        before = before + tree[i]
        i = i - (i & -i)
      end
      total = total + seen - before
    end
    for _, at in ipairs(ends) do
      while at <= size do
        tree[at] = tree[at] + 1
        at = at + (at & -at)
      end
    end
    seen = seen + #ends
  end
  return total
end

---How many pairs of edges cross.
---@param g table of `layers.build`
---@param rows integer[][]
---@return integer
function order.crossings(g, rows)
  local position, total = positions(rows), 0
  for i = 1, #rows - 1 do
    total = total + crossings_below(rows[i], g.downs, position, #rows[i + 1])
  end
  return total
end

-- Sorts a layer by the mean position of the neighbours in the layer beside it; who has
-- none keeps its place.
local function sort_row(row, sides, position, backwards)
  local weight, movable, free = {}, {}, {}
  for i, v in ipairs(row) do
    local sum, near = 0, sides[v]
    for _, u in ipairs(near) do sum = sum + position[u] end
    if #near > 0 then
      weight[v] = sum / #near
      movable[#movable + 1] = v
      free[#free + 1] = i
    end
  end
  -- Equal weights turn round in every other sweep, which gets out of local minima.
  table.sort(movable, function(a, b)
    if weight[a] ~= weight[b] then return weight[a] < weight[b] end
    if backwards then return position[a] > position[b] end
    return position[a] < position[b]
  end)
  for k, i in ipairs(free) do row[i] = movable[k] end
  for i, v in ipairs(row) do position[v] = i end
end

local function sweep(g, rows, position, number)
  local backwards = number % 4 >= 2
  if number % 2 == 0 then
    for i = 2, #rows do sort_row(rows[i], g.ups, position, backwards) end
  else
    for i = #rows - 1, 1, -1 do sort_row(rows[i], g.downs, position, backwards) end
  end
end

local function count_pair(a, b, sides, position)
  local n = 0
  for _, x in ipairs(sides[a]) do
    for _, y in ipairs(sides[b]) do
      if position[x] > position[y] then n = n + 1 end
    end
  end
  return n
end

-- Exchanges neighbours as long as that takes crossings away.
local function exchange(g, rows, position)
  for _ = 1, 8 do
    local better = false
    for _, row in ipairs(rows) do
      for i = 1, #row - 1 do
        local a, b = row[i], row[i + 1]
        local now = count_pair(a, b, g.ups, position) + count_pair(a, b, g.downs, position)
        if now > 0 then
          local other = count_pair(b, a, g.ups, position) + count_pair(b, a, g.downs, position)
          if other < now then
            row[i], row[i + 1] = b, a
            position[a], position[b] = i + 1, i
            better = true
          end
        end
      end
    end
    if not better then return end
  end
end

local function copy(rows)
  local new = {}
  for i, row in ipairs(rows) do new[i] = table.move(row, 1, #row, 1, {}) end
  return new
end

---@param g table of `layers.build`
---@return integer[][] rows a list of vertices for each layer
function order.find(g)
  local rows = first_order(g)
  local position = positions(rows)
  local best, fewest = copy(rows), order.crossings(g, rows)
  local idle = 0
  local sweeps = math.max(2, math.min(SWEEPS, BUDGET // (g.segments + 1)))
  for number = 0, sweeps - 1 do
    if fewest == 0 or idle >= PATIENCE then break end
    sweep(g, rows, position, number)
    if g.segments <= EXCHANGE_LIMIT then exchange(g, rows, position) end
    local n = order.crossings(g, rows)
    if n < fewest then
      best, fewest, idle = copy(rows), n, 0
    else
      idle = idle + 1
    end
  end
  return best
end

return order
