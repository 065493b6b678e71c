-- Layers of a graph: every edge goes from a layer to a later one. The first step of
-- K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual Understanding of Hierarchical
-- System Structures", IEEE Trans. SMC 11 (1981): cycles are broken, layers are the
-- longest paths, and what lies in a layer between its ends becomes a dummy vertex.
--
--   local g = layers.build(3, { { 1, 2 }, { 2, 3 }, { 1, 3 } })
--
-- Vertices and edges are numbers here: names and pictures are somebody else's.

local layers = {}

-- Edges that close a cycle, found by a depth-first search without recursion: a chain
-- of 100,000 jobs is deep.
local function find_back_edges(n, edges)
  local out, state, back = {}, {}, {}
  for v = 1, n do out[v] = {} end
  for i, edge in ipairs(edges) do out[edge[1]][#out[edge[1]] + 1] = i end
  for root = 1, n do
    local stack, at = { root }, { 0 }
    if state[root] then stack = {} else state[root] = "open" end
    while #stack > 0 do
      local v = stack[#stack]
      at[#stack] = at[#stack] + 1
      local i = out[v][at[#stack]]
      if not i then
        state[v] = "done"
        stack[#stack] = nil
      else
        local w = edges[i][2]
        if state[w] == "open" then
          back[i] = true
        elseif not state[w] then
          state[w] = "open"
          stack[#stack + 1] = w
          at[#stack] = 0
        end
      end
    end
  end
  return back
end

-- Vertices in topological order of the edges as they will be drawn.
local function sorted(n, downs, ups)
  local open, order, at = {}, {}, 1
  for v = 1, n do
    open[v] = #ups[v]
    if open[v] == 0 then order[#order + 1] = v end
  end
  while order[at] do
    for _, w in ipairs(downs[order[at]]) do
      open[w] = open[w] - 1
      if open[w] == 0 then order[#order + 1] = w end
    end
    at = at + 1
  end
  return order
end

-- The longest path from a source; then what has more edges out than in moves towards
-- them, so that a job which only the last one needs stands beside it.
local function longest_paths(order, downs, ups)
  local layer = {}
  for _, v in ipairs(order) do
    local at = 1
    for _, u in ipairs(ups[v]) do at = math.max(at, layer[u] + 1) end
    layer[v] = at
  end
  for i = #order, 1, -1 do
    local v = order[i]
    if #downs[v] > #ups[v] then
      local at = math.huge
      for _, w in ipairs(downs[v]) do at = math.min(at, layer[w] - 1) end
      layer[v] = at
    end
  end
  return layer
end

local function neighbours(n, links)
  local downs, ups = {}, {}
  for v = 1, n do downs[v], ups[v] = {}, {} end
  for _, link in ipairs(links) do
    local u, w = link[1], link[2]
    downs[u][#downs[u] + 1] = w
    ups[w][#ups[w] + 1] = u
  end
  return downs, ups
end

-- Long edges from one vertex, or to one, share their dummies: they are drawn as one
-- line that branches, and a fan of a thousand costs no more than its longest.
local function add_dummies(g, links)
  local out, into, made = {}, {}, {}
  local function long(link) return g.layer[link[2]] - g.layer[link[1]] > 1 end
  for _, link in ipairs(links) do
    if long(link) then
      out[link[1]] = (out[link[1]] or 0) + 1
      into[link[2]] = (into[link[2]] or 0) + 1
    end
  end
  local joined, segments = {}, {}
  local function connect(u, w)
    local row = joined[u] or {}
    joined[u] = row
    if row[w] then return end
    row[w] = true
    segments[#segments + 1] = { u, w }
  end
  local function dummy(key, layer)
    local row = made[key] or {}
    made[key] = row
    if not row[layer] then
      g.n = g.n + 1
      g.layer[g.n], g.dummy[g.n] = layer, true
      row[layer] = g.n
    end
    return row[layer]
  end
  for i, link in ipairs(links) do
    local u, w = link[1], link[2]
    local way = { u }
    if long(link) then
      local key = (out[u] >= into[w] and u or -w) .. (link.style or "")
      for layer = g.layer[u] + 1, g.layer[w] - 1 do way[#way + 1] = dummy(key, layer) end
    end
    way[#way + 1] = w
    for k = 2, #way do connect(way[k - 1], way[k]) end
    g.ways[i] = way
  end
  g.downs, g.ups = neighbours(g.n, segments)
  g.segments = #segments
end

local function find_layers(n, edges)
  local reversed, links = find_back_edges(n, edges), {}
  for i, edge in ipairs(edges) do
    local u, w = edge[1], edge[2]
    if reversed[i] then u, w = w, u end
    links[i] = { u, w, style = edge.style }
  end
  local downs, ups = neighbours(n, links)
  return longest_paths(sorted(n, downs, ups), downs, ups), links, reversed
end

---The layers alone.
---@param n integer
---@param edges {[1]: integer, [2]: integer}[]
---@return integer[] layer by vertex, from 1
function layers.depths(n, edges)
  return (find_layers(n, edges))
end

---@param n integer vertices are 1..n
---@param edges {[1]: integer, [2]: integer, style: string?}[] no loops, none twice; only
---  edges of one style share a way
---@return {n: integer, real: integer, layer: integer[], dummy: table<integer, true>, ways: integer[][], reversed: table<integer, true>, downs: integer[][], ups: integer[][], segments: integer} graph
---  vertices above `real` are dummies; a way lists the vertices of an edge from the
---  earlier layer to the later one, `reversed` has the edges that run the other way
function layers.build(n, edges)
  local layer, links, reversed = find_layers(n, edges)
  local g = { n = n, real = n, layer = layer, dummy = {}, ways = {}, reversed = reversed }
  add_dummies(g, links)
  return g
end

return layers
