--- Names in the order in which they came, any of which may go at any time: the jobs at
--- work, of which there may be thousands while a view shows the first few.
---
---     local chain = chains.new()
---     chain:add "build"; chain:remove "build"

---@class orch.ViewChain
---@field count integer
---@field private items (string|false)[]
---@field private places table<string, integer>
---@field private last integer
local Chain = {}
Chain.__index = Chain

---@param name string a second time changes nothing
function Chain:add(name)
  if self.places[name] then return end
  self.last = self.last + 1
  self.items[self.last], self.places[name] = name, self.last
  self.count = self.count + 1
end

--- Closes the gaps once they are most of it, so that each removal costs the same.
local function close_gaps(self)
  local items, n = {}, 0
  for i = 1, self.last do
    local name = self.items[i]
    if name then
      n = n + 1
      items[n], self.places[name] = name, n
    end
  end
  self.items, self.last = items, n
end

---@param name string
function Chain:remove(name)
  local place = self.places[name]
  if not place then return end
  self.items[place], self.places[name] = false, nil
  self.count = self.count - 1
  if self.last > 2 * self.count + 16 then close_gaps(self) end
end

---@param most integer?
---@return string[] names the oldest first
function Chain:first(most)
  local names, i = {}, 0
  most = math.min(most or self.count, self.count)
  while #names < most do
    i = i + 1
    local name = self.items[i]
    if name then names[#names + 1] = name end
  end
  return names
end

return {
  ---@return orch.ViewChain
  new = function()
    return setmetatable({ items = {}, places = {}, last = 0, count = 0 }, Chain)
  end,
}
