-- Coordinates of the vertices along their layers: long edges straight, a vertex in the
-- middle of its neighbours. U. Brandes, B. Koepf, "Fast and Simple Horizontal Coordinate
-- Assignment", Graph Drawing 2001, with blocks compacted by longest paths (which avoids
-- the slip in the paper's compaction, see its erratum of 2020).
--
--   local y = place.find(g, rows, function(a, b) return distance end)

local place = {}

-- Edges that cross a straight piece of a long edge: those pieces come first.
local function find_conflicts(g, rows, position)
  local conflicts = {}
  local function inner(v) -- the upper end of the piece that ends in v
    if not g.dummy[v] then return nil end
    for _, u in ipairs(g.ups[v]) do
      if g.dummy[u] then return u end
    end
  end
  for i = 2, #rows do
    local row, low, first = rows[i], 0, 1
    for k, v in ipairs(row) do
      local u = inner(v)
      if u or k == #row then
        local high = u and position[u] or #rows[i - 1]
        for at = first, k do
          local w = row[at]
          for _, other in ipairs(g.ups[w]) do
            local crosses = position[other] < low or position[other] > high
            if crosses and not (g.dummy[other] and g.dummy[w]) then
              conflicts[other * (g.n + 1) + w] = true
            end
          end
        end
        first, low = k + 1, high
      end
    end
  end
  return conflicts
end

-- Chains each vertex to a median neighbour in the row before, if it is still free.
local function align(rows, sides, position, blocked)
  local root = {}
  for _, row in ipairs(rows) do
    for _, v in ipairs(row) do root[v] = v end
  end
  for i = 2, #rows do
    local reached = 0
    for _, v in ipairs(rows[i]) do
      local near = sides[v]
      if #near > 0 then
        local sorted = table.move(near, 1, #near, 1, {})
        table.sort(sorted, function(a, b) return position[a] < position[b] end)
        local low, high = (#sorted + 1) // 2, #sorted // 2 + 1
        for k = low, high do
          local u = sorted[k]
          if root[v] == v and reached < position[u] and not blocked(u, v) then
            root[v], reached = root[u], position[u]
          end
        end
      end
    end
  end
  return root
end

-- Blocks from left to right: each as far left as its left neighbours allow, then as far
-- right as the right ones do.
local function compact(rows, root, distance)
  local after, before, blocks, open = {}, {}, {}, {}
  for _, row in ipairs(rows) do
    for i, v in ipairs(row) do
      local r = root[v]
      if not after[r] then
        after[r], before[r], open[r] = {}, {}, 0
        blocks[#blocks + 1] = r
      end
      if i > 1 then
        local left = root[row[i - 1]]
        local gap = distance(row[i - 1], v)
        if not before[r][left] then
          open[r] = open[r] + 1
          before[r][left] = gap
        elseif gap > before[r][left] then
          before[r][left] = gap
        end
        after[left][r] = before[r][left]
      end
    end
  end
  local order, at = {}, 1
  for _, r in ipairs(blocks) do
    if open[r] == 0 then order[#order + 1] = r end
  end
  local x = {}
  while order[at] do
    local r, least = order[at], 0
    for left, gap in next, before[r] do least = math.max(least, x[left] + gap) end
    x[r] = least
    for right in next, after[r] do
      open[right] = open[right] - 1
      if open[right] == 0 then order[#order + 1] = right end
    end
    at = at + 1
  end
  for i = #order, 1, -1 do
    local r, most = order[i], math.huge
    for right, gap in next, after[r] do most = math.min(most, x[right] - gap) end
    if most < math.huge then x[r] = math.max(x[r], most) end
  end
  return x
end

local function reversed(list)
  local new = {}
  for i = #list, 1, -1 do new[#new + 1] = list[i] end
  return new
end

local function mirrored(rows)
  local new = {}
  for i, row in ipairs(rows) do new[i] = reversed(row) end
  return new
end

-- One of the four extremes: from the first layer or the last, from the left or the right.
local function extreme(g, rows, conflicts, distance, upwards, leftwards)
  local mine = upwards and reversed(rows) or rows
  if leftwards then mine = mirrored(mine) end
  local position = {}
  for _, row in ipairs(mine) do
    for i, v in ipairs(row) do position[v] = i end
  end
  local function blocked(u, v)
    if upwards then u, v = v, u end
    return conflicts[u * (g.n + 1) + v]
  end
  local root = align(mine, upwards and g.downs or g.ups, position, blocked)
  local block = compact(mine, root, function(a, b)
    if leftwards then a, b = b, a end
    return distance(a, b)
  end)
  local x, low, high = {}, math.huge, -math.huge
  for v = 1, g.n do
    x[v] = leftwards and -block[root[v]] or block[root[v]]
    low, high = math.min(low, x[v]), math.max(high, x[v])
  end
  return { x = x, low = low, high = high, leftwards = leftwards }
end

---@param g table of `layers.build`
---@param rows integer[][] of `order.find`
---@param distance fun(a: integer, b: integer): number least distance of two neighbours, the
---  first before the second
---@return number[] x by vertex
function place.find(g, rows, distance)
  local position = {}
  for _, row in ipairs(rows) do
    for i, v in ipairs(row) do position[v] = i end
  end
  local conflicts, all = find_conflicts(g, rows, position), {}
  for i = 0, 3 do
    all[i + 1] = extreme(g, rows, conflicts, distance, i >= 2, i % 2 == 1)
  end
  local narrow = all[1]
  for _, one in ipairs(all) do
    if one.high - one.low < narrow.high - narrow.low then narrow = one end
  end
  for _, one in ipairs(all) do
    one.shift = one.leftwards and narrow.high - one.high or narrow.low - one.low
  end
  -- The median of four keeps every distance that each of them keeps.
  local x = {}
  for v = 1, g.n do
    local four = {}
    for i, one in ipairs(all) do four[i] = one.x[v] + one.shift end
    table.sort(four)
    x[v] = (four[2] + four[3]) / 2
  end
  return x
end

return place
