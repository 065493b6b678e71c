--- Jobs that could run, the most urgent on top: by priority, then in the order of
--- declaration. A heap for each combination of pools, so that those who wait for a pool do
--- not stand in the way of the others. Most jobs come in the order in which they will go:
--- those stand in a line, and only who would have to be let in goes into the heap.
---
---     local ready = heap.new()
---     ready:push(node)
---     local node = ready:take(function(job) return has_room(job.pools) end)

local heap = {}

local function before(a, b)
  if a.priority ~= b.priority then return a.priority > b.priority end
  return a.index < b.index
end

local function sift_up(list, i)
  local node = list[i]
  while i > 1 do
    local up = i // 2
    if not before(node, list[up]) then break end
    list[i], i = list[up], up
  end
  list[i] = node
end

local function sift_down(list, node)
  local size, i = #list, 1
  while true do
    local down = 2 * i
    if down > size then break end
    if down < size and before(list[down + 1], list[down]) then down = down + 1 end
    if not before(list[down], node) then break end
    list[i], i = list[down], down
  end
  list[i] = node
end

local function pop(list)
  local top, last = list[1], table.remove(list)
  if top ~= last then sift_down(list, last) end
  return top
end

--- `line[first..last]` is in order; `heap` has the others.
local function new_list()
  return { line = {}, first = 1, last = 0, heap = {} }
end

local function add(list, node)
  local last = list.last
  if list.first > last then
    list.line, list.first, list.last = { node }, 1, 1
  elseif before(list.line[last], node) then
    list.line[last + 1], list.last = node, last + 1
  else
    list.heap[#list.heap + 1] = node
    sift_up(list.heap, #list.heap)
  end
end

local function top_of(list)
  local head, top = list.line[list.first], list.heap[1]
  if head and top then return before(top, head) and top or head end
  return head or top
end

local function remove_top(list)
  local node = top_of(list)
  if node ~= list.line[list.first] then return pop(list.heap) end
  list.line[list.first], list.first = nil, list.first + 1
  return node
end

---@class orch.ReadyHeap
---@field private lists table<string, table>
local Heap = {}
Heap.__index = Heap

---@return orch.ReadyHeap
function heap.new()
  return setmetatable({ lists = {}, keys = {}, size = 0 }, Heap)
end

local function key_of(pools)
  if not pools or next(pools) == nil then return "" end
  local parts = {}
  for name, amount in pairs(pools) do parts[#parts + 1] = name .. "=" .. amount end
  table.sort(parts)
  return table.concat(parts, ",")
end

---@param node {job: table, priority: number, index: integer}
function Heap:push(node)
  local key = key_of(node.job.pools)
  local list = self.lists[key]
  if not list then
    list = new_list()
    self.lists[key] = list
    self.keys[#self.keys + 1] = key
  end
  add(list, node)
  self.size = self.size + 1
end

---Takes the most urgent one that fits.
---@param fits fun(node: table): boolean asked for the top of each heap only
---@return table? node
function Heap:take(fits)
  local best, urgent
  for _, key in ipairs(self.keys) do
    local list = self.lists[key]
    local top = top_of(list)
    if top and (not best or before(top, urgent)) and fits(top) then best, urgent = list, top end
  end
  if not best then return nil end
  self.size = self.size - 1
  return remove_top(best)
end

---All that are left, in no particular order.
---@return table[] nodes
function Heap:clear()
  local all = {}
  for _, key in ipairs(self.keys) do
    local list = self.lists[key]
    table.move(list.line, list.first, list.last, #all + 1, all)
    table.move(list.heap, 1, #list.heap, #all + 1, all)
    self.lists[key] = new_list()
  end
  self.size = 0
  return all
end

return heap
