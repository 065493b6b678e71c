--- What findings cost, in words, and added up.
---
---     cost.words { vram = 16777216 }                 -- "wastes 16.0 MiB of VRAM"
---     cost.short("vram", 16777216)                   -- "16.0 MiB"
---     cost.total(result.findings)                    -- { vram = ..., disk = ... }

local say = require "orch.check.report.say"

local cost = {}

--- In the order in which they are told. `format` is for the amount; whatever is measured
--- in bytes is wasted, anything else is a price.
local known = {
  { "vram", "%s of VRAM", "VRAM", bytes = true },
  { "memory", "%s of memory", "Memory", bytes = true },
  { "disk", "%s on disk", "Disk", bytes = true },
  { "download", "%s of download", "Download", bytes = true },
  { "triangles", "%s triangles", "Triangles" },
  { "draw_calls", "%s draw calls", "Draw calls" },
  { "ms", "%s ms", "Run time" },
}
local by_name = {}
for i, unit in ipairs(known) do by_name[unit[1]] = { place = i, unit = unit } end

local prefixes = { "KiB", "MiB", "GiB", "TiB" }

---@param n number
---@return string such as "310 B", "16.0 MiB"
function cost.bytes(n)
  if n ~= n or n < 0 then return say.number(n) .. " B" end
  if n < 1000 then return ("%.0f B"):format(n) end
  local i = 1
  n = n / 1024
  while n >= 999.95 and i < #prefixes do n, i = n / 1024, i + 1 end
  return ("%.1f %s"):format(n, prefixes[i])
end

---@param name string a unit
---@param amount number
---@return string such as "16.0 MiB", "0.4 ms", "1,200"
function cost.short(name, amount)
  local unit = by_name[name] and by_name[name].unit
  if unit and unit.bytes then return cost.bytes(amount) end
  return say.number(amount) .. (name == "ms" and " ms" or "")
end

---@param name string
---@return string such as "VRAM", "Draw calls"
function cost.title(name)
  return by_name[name] and by_name[name].unit[3] or say.line(name)
end

---The units of a cost that say something, those that are known first.
---@param amounts table<string, number>?
---@return string[]
function cost.units(amounts)
  local names = {}
  for name, amount in pairs(amounts or {}) do
    if type(name) == "string" and type(amount) == "number" and amount ~= 0 then
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    local x, y = by_name[a] and by_name[a].place or 99, by_name[b] and by_name[b].place or 99
    if x ~= y then return x < y end
    return a < b
  end)
  return names
end

local function phrase(name, amount)
  local unit = by_name[name] and by_name[name].unit
  if not unit then return say.number(amount) .. " " .. say.line(name) end
  if name == "triangles" then return say.count(amount, "triangle") end
  if name == "draw_calls" then return say.count(amount, "draw call") end
  return unit[2]:format(unit.bytes and cost.bytes(amount) or say.number(amount))
end

---@param amounts table<string, number>?
---@param wastes? string the verbs for several: "waste", "cost"
---@param costs? string
---@return string? words such as "wastes 16.0 MiB of VRAM, costs 0.4 ms"; nil for nothing
function cost.words(amounts, wastes, costs)
  local wasted, paid = {}, {}
  for _, name in ipairs(cost.units(amounts)) do
    local list = by_name[name] and by_name[name].unit.bytes and wasted or paid
    list[#list + 1] = phrase(name, amounts[name])
  end
  local parts = {}
  if #wasted > 0 then parts[1] = (wastes or "wastes") .. " " .. say.list(wasted) end
  if #paid > 0 then parts[#parts + 1] = (costs or "costs") .. " " .. say.list(paid) end
  return parts[1] and table.concat(parts, ", ") or nil
end

---@param findings {cost: table<string, number>?}[]
---@return table<string, number>
function cost.total(findings)
  local total = {}
  for _, finding in ipairs(findings) do
    for name, amount in next, finding.cost or {} do
      if type(amount) == "number" then total[name] = (total[name] or 0) + amount end
    end
  end
  return total
end

--- One string for each cost: numbers that are not negative are in order as big-endian
--- doubles. Sorting thousands of findings asks often.
local keys = setmetatable({}, { __mode = "k" })
local NOTHING = ("\0"):rep(8 * #known)

local function key_of(amounts)
  if not amounts then return NOTHING end
  local key = keys[amounts]
  if key then return key end
  local parts = {}
  for i, unit in ipairs(known) do
    local amount = amounts[unit[1]]
    local counts = type(amount) == "number" and amount > 0
    parts[i] = (">d"):pack(counts and amount or 0)
  end
  key = table.concat(parts)
  keys[amounts] = key
  return key
end

---Which of two findings costs more: by the first unit in which they differ.
---@param a table<string, number>?
---@param b table<string, number>?
---@return boolean?  nil where they cost the same
function cost.more(a, b)
  local x, y = key_of(a), key_of(b)
  if x == y then return nil end
  return x > y
end

return cost
