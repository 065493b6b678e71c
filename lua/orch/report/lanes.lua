-- Intervals side by side: each gets the first lane that is free from its beginning to its
-- end, so that what happened at once never overlaps.
--
--   lanes.assign { { from = 0, to = 2 }, { from = 1, to = 3 }, { from = 2, to = 4 } }
--   --> their lanes are 1, 2, 1

local lanes = {}

---@param list {from: number, to: number, lane: integer?}[] sorted by `from`; `lane` is set
---@return integer count of lanes
function lanes.assign(list)
  local free_at, count = {}, 0
  for _, one in ipairs(list) do
    local lane = 1
    while lane <= count and free_at[lane] > one.from do lane = lane + 1 end
    if lane > count then count = lane end
    free_at[lane], one.lane = one.to, lane
  end
  return count
end

return lanes
