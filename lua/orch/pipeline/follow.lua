--- A run that another process writes, read as it grows. Nothing is watched: files are
--- looked at again, which works on every file system.
---
---     local following = follow.run(folder)
---     following:look()
---     print(following.run.counts.running, following:is_over())

local events = require "orch.pipeline.events"
local history = require "orch.pipeline.history"
local model = require "orch.pipeline.model"

local follow = {}

---@class orch.Tail
---@field private path string
---@field private at integer
local Tail = {}
Tail.__index = Tail

---@param path string of a file that need not be there yet
---@return orch.Tail
function follow.tail(path)
  return setmetatable({ path = path, at = 0 }, Tail)
end

local CHUNK = 1 << 20

---What has been added since.
---@return string? bytes nil: nothing, for now
function Tail:read()
  local file = io.open(self.path, "rb")
  if not file then return nil end
  local _ <close> = file
  file:seek("set", self.at)
  local bytes = file:read(CHUNK)
  self.at = self.at + #(bytes or "")
  return bytes
end

---@class orch.Following
---@field run orch.RunModel
---@field private tail orch.Tail
---@field private rest string a line that has no end yet
local Following = {}
Following.__index = Following

---@param folder orch.RunFolder
---@return orch.Following
function follow.run(folder)
  return setmetatable({ run = model.new(), tail = follow.tail(folder.events), rest = "" },
    Following)
end

---Takes in what the log has got.
function Following:look()
  local bytes = self.tail:read()
  while bytes do
    local whole, rest = (self.rest .. bytes):match "^(.*\n)(.*)$"
    self.rest = whole and rest or self.rest .. bytes
    for record in events.parse(whole or "") do self.run:apply(record) end
    bytes = self.tail:read()
  end
end

---Whether nothing can come any more: the run has ended, or its process has.
---@return boolean
function Following:is_over()
  return self.run.ended or not history.is_live(self.run)
end

return follow
