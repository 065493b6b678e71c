--- Jobs that were not run: told one by one when they are few, as a number when they are many.
---
---     crowd:add("skip", "up to date", "build:ios")
---     for _, item in ipairs(crowd:take()) do print(item.word, item.name, item.detail) end

local show = require "orch.view.show"
local text = require "orch.view.text"

local FEW = 3        -- in a group: one line each
local MOST = 12      -- such lines in a run; from then on only the summary counts them
local NAMED = 3      -- of those that are counted

---@class orch.ViewCrowd
---@field private groups table[] {word, reason, names, count}
---@field private by_key table<string, table>
---@field private told integer lines with a name so far
local Crowd = {}
Crowd.__index = Crowd

local function group_of(self, word, reason)
  local key = word .. "\n" .. reason
  local group = self.by_key[key]
  if not group then
    group = { word = word, reason = reason, names = {}, count = 0 }
    self.by_key[key] = group
    self.groups[#self.groups + 1] = group
  end
  return group
end

---@param word "skip"|"cancel"
---@param reason string
---@param name string of the job
function Crowd:add(word, reason, name)
  local group = self.groups[#self.groups]
  if not group or group.reason ~= reason or group.word ~= word then
    group = group_of(self, word, reason)
  end
  group.count = group.count + 1
  if #group.names < FEW then group.names[group.count] = name end
end

local function sentence(group)
  local reason = text.line(group.reason)
  if group.word == "skip" then return show.count(group.count, "job") .. " " .. reason end
  return ("%s %s: %s"):format(show.count(group.count, "job"), reason,
    show.names(group.names, NAMED, group.count))
end

---What was added since the last time; it is empty then.
---@return {word: string, name: string?, detail: string}[] items `name` only where it is one job
function Crowd:take()
  local items = {}
  for _, group in ipairs(self.groups) do
    if group.count <= FEW then
      if self.told >= MOST then goto continue end
      self.told = self.told + group.count
      for _, name in ipairs(group.names) do
        items[#items + 1] = { word = group.word, name = name, detail = text.line(group.reason) }
      end
    else
      items[#items + 1] = { word = group.word, detail = sentence(group) }
    end
    ::continue::
  end
  if #self.groups > 0 then self.groups, self.by_key = {}, {} end
  return items
end

return {
  ---@return orch.ViewCrowd
  new = function()
    return setmetatable({ groups = {}, by_key = {}, told = 0 }, Crowd)
  end,
}
