--- Collects what changes below several folders, for `orch watch`.
---
---     local changes = collector.new(scope)
---     changes:follow { { path = "Assets", recursive = true } }
---     changes:wait()
---     for _, change in ipairs(changes:take()) do print(change.path, change.kind) end

local clock = require "orch.core.clock"
local park = require "orch.core.park"
local scopes = require "orch.scope"

local TOLD_WITHIN = 0.02 -- seconds; what belongs together is collected here
local SETTLED = 0.08 -- by then whatever has happened before has been told

---@class orch.WatchChanges
---@field lost boolean the kernel could not tell all of them
---@field gone boolean a folder is not there any more: the folders have to be looked up anew
---@field private list {path: string, kind: string}[]
---@field private count integer ever
local Changes = {}
Changes.__index = Changes

---Has whoever waits look again.
function Changes:wake()
  self.count = self.count + 1
  self.arrived:wake_all()
end

---@private
function Changes:read(root, begun)
  local fs = require "orch.fs"
  local watch <close> = fs.watch(root.path, { recursive = root.recursive, debounce = TOLD_WITHIN,
    exclude = root.exclude })
  begun()
  for batch in watch do
    if batch.overflow then self.lost = true end
    table.move(batch, 1, #batch, #self.list + 1, self.list)
    self:wake()
  end
end

---@private
function Changes:read_until_gone(root, begun)
  local ok, err = pcall(self.read, self, root, begun)
  if ok then return end
  if err.kind ~= "os" or err.code ~= "ENOENT" then error(err, 0) end
  begun()
  self.gone = true
  self:wake()
end

---Looks at these folders from now on, and at no others.
---@async
---@param roots {path: string, recursive: boolean, exclude: string[]?}[] raises kind `os` where one cannot be
---  watched
function Changes:follow(roots)
  if self.task then self.task:cancel "other folders are watched" end
  self.gone = false
  local waiting, known, ready = #roots, {}, park.new "changes"
  self.task = self.scope:spawn({ name = "changes", daemon = true }, function()
    local scope <close> = scopes.scope()
    for _, root in ipairs(roots) do
      local function begun()
        if known[root] then return end
        known[root], waiting = true, waiting - 1
        ready:wake_all()
      end
      scope:spawn({ name = "changes of " .. root.path }, self.read_until_gone, self, root, begun)
    end
  end)
  while waiting > 0 do ready:wait() end
end

---Until there is something to take.
---@async
function Changes:wait()
  while #self.list == 0 and not self.lost and not self.gone do self.arrived:wait() end
end

---Until something new has come, or `wake` was called.
---@async
function Changes:wait_for_more()
  self.arrived:wait()
end

---Until there was nothing new for a while.
---@async
---@param seconds number
function Changes:settle(seconds)
  repeat
    local before = self.count
    clock.sleep(math.max(seconds, SETTLED))
  until self.count == before
end

---@return {path: string, kind: "created"|"changed"|"removed"}[] changes
---@return boolean lost there were more
function Changes:take()
  local list, lost = self.list, self.lost
  self.list, self.lost = {}, false
  return list, lost
end

local collector = {}

---@param scope orch.Scope for the tasks that watch
---@return orch.WatchChanges
function collector.new(scope)
  return setmetatable({ scope = scope, list = {}, count = 0, lost = false, gone = false,
    arrived = park.new "changes" }, Changes)
end

return collector
