--- Slots and pools: how much may run at once, and who has it.
---
---     local p = pools.new({ unity = 2 }, 8)
---     if not p:lacking(job.pools) then p:take(job) end

local MAX_HOLDERS = 5

local pools = {}

---@class orch.Pools
---@field private free table<string, integer>
---@field private holding table<string, table[]> jobs by pool
---@field private slots integer left
local Pools = {}
Pools.__index = Pools

---@param sizes table<string, integer>
---@param slots integer jobs at once
---@return orch.Pools
function pools.new(sizes, slots)
  local free, holding = {}, {}
  for name, size in pairs(sizes) do free[name], holding[name] = size, {} end
  return setmetatable({ free = free, holding = holding, slots = slots }, Pools)
end

---@return boolean
function Pools:is_full()
  return self.slots <= 0
end

---@param wanted table<string, integer>?
---@return string? pool the first, by name, that has not enough left
function Pools:lacking(wanted)
  local first
  for name, amount in pairs(wanted or {}) do
    if self.free[name] < amount and (not first or name < first) then first = name end
  end
  return first
end

---@param job table
function Pools:take(job)
  self.slots = self.slots - 1
  for name, amount in pairs(job.pools or {}) do
    self.free[name] = self.free[name] - amount
    table.insert(self.holding[name], job)
  end
end

---@param job table
function Pools:give_back(job)
  self.slots = self.slots + 1
  for name, amount in pairs(job.pools or {}) do
    self.free[name] = self.free[name] + amount
    for i, holder in ipairs(self.holding[name]) do
      if holder == job then
        table.remove(self.holding[name], i)
        break
      end
    end
  end
end

---@param pool string
---@return string[] names of jobs that hold some of it, not more than 5
function Pools:holders(pool)
  local names = {}
  for i = 1, math.min(MAX_HOLDERS, #self.holding[pool]) do
    names[i] = self.holding[pool][i].name
  end
  return names
end

return pools
