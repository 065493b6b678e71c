--- Connections whose owners wait for one more: when that is all of a pool, none will ever come
--- back, and whoever is the last to wait is told instead.
---
---     local waits <close> = blocked.wait(pool)

local context = require "orch.context"
local core = require "orch.core.task"
local errors = require "orch.core.error"

local blocked = {}

--- The transactions that a task is in, also those of the tasks that it comes from, which wait
--- for its end.
blocked.inside = context("db.postgres.transaction")

--- The connections of a pool that do not come back before this task goes on.
local function held_by(pool, task)
  local list = {}
  for conn in next, pool.all do
    if conn.task == task then list[#list + 1] = conn end
  end
  local at = core.locals() and blocked.inside:get()
  while at do
    if pool.all[at.conn] and at.conn.task ~= task then list[#list + 1] = at.conn end
    at = at.outer
  end
  return list
end

local Wait = { __close = function(wait)
  for _, conn in ipairs(wait) do conn.blocked = conn.blocked - 1 end
end }

local function raise(pool)
  errors.throw(errors.make { kind = "deadlock", database = pool.settings.place.shown,
    message = ("%s: all connections (%d, option `max`) are in use by transactions and loops over "
      .. "rows that wait for one more; in a transaction use the argument of its function")
      :format(pool.settings.place.shown, pool.count) })
end

---While the running task waits for a connection.
---@param pool orch.db.pg.Pool
---@return table wait for `<close>`; raises kind `deadlock`
function blocked.wait(pool)
  local wait = setmetatable(held_by(pool, core.current()), Wait)
  for _, conn in ipairs(wait) do conn.blocked = (conn.blocked or 0) + 1 end
  if #wait == 0 then return wait end
  local count = 0
  for conn in next, pool.all do
    if (conn.blocked or 0) > 0 then count = count + 1 end
  end
  if count < pool.count then return wait end
  getmetatable(wait).__close(wait)
  raise(pool)
end

return blocked
