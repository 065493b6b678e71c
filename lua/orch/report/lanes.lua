-- Intervals side by side: each gets the first lane that is free from its beginning to its
-- end, so that what happened at once never overlaps.
--
--   lanes.assign { { from = 0, to = 2 }, { from = 1, to = 3 }, { from = 2, to = 4 } }
--   --> their lanes are 1, 2, 1

local lanes = {}

--- Two heaps with the least key on top: lanes that are taken, by the end of that, and free
--- ones by number. Of a thousand jobs that queue at once, nobody asks a thousand lanes.
local function push(heap, key, lane)
  local i = #heap + 1
  while i > 1 and heap[i // 2].key > key do
    heap[i] = heap[i // 2]
    i = i // 2
  end
  heap[i] = { key = key, lane = lane }
end

local function pop(heap)
  local top, last = heap[1], table.remove(heap)
  local i, size = 1, #heap
  if size == 0 then return top.lane end
  while 2 * i <= size do
    local down = 2 * i
    if down < size and heap[down + 1].key < heap[down].key then down = down + 1 end
    if heap[down].key >= last.key then break end
    heap[i] = heap[down]
    i = down
  end
  heap[i] = last
  return top.lane
end

---@param list {from: number, to: number, lane: integer?}[] sorted by `from`; `lane` is set
---@return integer count of lanes
function lanes.assign(list)
  local taken, free, count = {}, {}, 0
  for _, one in ipairs(list) do
    while taken[1] and taken[1].key <= one.from do
      local lane = pop(taken)
      push(free, lane, lane)
    end
    if free[1] then
      one.lane = pop(free)
    else
      count = count + 1
      one.lane = count
    end
    push(taken, one.to, one.lane)
  end
  return count
end

return lanes
