--- A lock between processes, on a file; the kernel frees it when its owner dies.
---
---     local _ <close> = fs.lock("deploy.lock", { timeout = "1m" })

local arg = require "orch.arg"
local core = require "orch.core.flock"
local errors = require "orch.core.error"
local path = require "orch.fs.path"
local place = require "orch.place"
local task = require "orch.core.task"
local unclosed = require "orch.unclosed"

--- Absolute path -> guards of this process that hold it.
local held = {}

local Guard = {}
Guard.__index = Guard
Guard.__name = "orch.fs.lock"
Guard.leak = "the fs.lock of %s was never released: write `local _ <close> = fs.lock(...)`"

---Gives the lock back; a second time does nothing.
function Guard:release()
  if not self.holder then return end
  unclosed.remove(self)
  self.holder:release()
  self.holder = nil
  local guards = held[self.path]
  for i, guard in ipairs(guards) do
    if guard == self then table.remove(guards, i) end
  end
  if #guards == 0 then held[self.path] = nil end
end

function Guard:__close()
  self:release()
end

--- The script's line that called us.
local function caller()
  for level = 3, 20 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.currentline > 0 and not info.source:find("^=orch/") then
      return info.short_src .. ":" .. info.currentline
    end
  end
  return "?"
end

local function refuse_own(key, name)
  for _, guard in ipairs(held[key] or {}) do
    if guard.task == task.current() then
      errors.throw(errors.make {
        kind = "deadlock", path = name,
        message = ("fs.lock: this task holds '%s' already (since %s) and would wait "
          .. "for itself"):format(name, guard.where),
      })
    end
  end
end

local function lock(name, opts)
  arg.check("fs.lock", 1, name, "path")
  opts = arg.options("fs.lock", opts, { timeout = "duration", shared = "boolean" })
  local key = path.absolute(name)
  refuse_own(key, name)
  local holder = core.lock(place.resolve(name), opts.timeout or math.huge, opts.shared)
  local guard = setmetatable({
    holder = holder, path = key, task = task.current(), where = caller(),
  }, Guard)
  held[key] = held[key] or {}
  table.insert(held[key], guard)
  return unclosed.add(guard)
end

return lock
