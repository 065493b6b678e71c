--- Makes the Lua state of a worker thread what a function there may use: the
--- standard library, `require`, and orch without what waits. Runs once in each.

--- C modules that touch nothing of the main thread. The others would share the
--- event loop and the task list without a lock.
local safe = { error = true, json = true, hash = true, mask = true }

local core_error = require "orch.core.error"

local function refuse(name)
  core_error.throw(core_error.make {
    kind = "usage",
    message = ("a worker thread cannot wait or start tasks (%s); do that in the "
      .. "task that calls orch.thread"):format(name),
  })
end

--- Stands for a C module: may be loaded and looked into, but not called.
local function stand_in(name)
  return setmetatable({}, {
    __index = function(_, field) return stand_in(name .. "." .. tostring(field)) end,
    __call = function() refuse(name) end,
  })
end

local own = {
  clock = function(stub) stub.now = os.clock end,
  task = function(stub) -- the one "task" of this state has locals, for context
    local locals
    stub.current = function() return nil end
    stub.locals = function() return locals end
    stub.set_locals = function(value) locals = value end
  end,
  runtime = function(stub) stub.version = function() return _VERSION end end,
}

setmetatable(package.preload, {
  __index = function(_, module)
    local name = type(module) == "string" and module:match("^orch%.core%.(.+)$")
    if not name or safe[name] then return nil end
    return function()
      local stub = stand_in(name)
      if own[name] then own[name](stub) end
      return stub
    end
  end,
})

--- Loaded with the first use: most functions need nothing of it.
orch = setmetatable({}, { -- luacheck: ignore
  __index = function(_, name) return require("orch")[name] end,
})

function os.exit()
  core_error.throw(core_error.make {
    kind = "usage",
    message = "os.exit in a worker thread would end the whole run; return a "
      .. "value, and call it in the task that gets it",
  })
end

local create, resume, close = coroutine.create, coroutine.resume, coroutine.close

local function finish(co, ok, ...)
  if ok then return ... end
  close(co)
  error((...), 0)
end

--- Over the `resume` that a cancelled call needs; see lane.c.
function coroutine.wrap(fn)
  local co = create(fn)
  return function(...) return finish(co, resume(co, ...)) end
end
