--- The public table `orch`. A field is loaded when it is first used, so that a
--- script pays for what it uses only.

--- field -> module, or {module, field of the module}
local lazy = {
  archive = "archive",
  audio = "audio", font = "font", convert = "convert", gltf = "gltf", model = "model",
  fs = "fs", db = "db", process = "process", thread = { "thread", "thread" },
  thread_map = { "thread", "thread_map" }, json = "json", hash = "hash",
  log = "log", notify = "notify", tty = "tty", stdin = "stdin", sh = "sh", progress = "progress",
  test = "test", http = "http", ai = "ai", secrets = "secrets",
  asset = "asset", check = "check", image = "image",
  deploy = "deploy", jwt = "jwt",
  csv = "csv", unity = "unity", xml = "xml", yaml = "yaml",

  create_task = { "task", "spawn" }, spawn = { "task", "spawn" },
  current_task = { "task", "current_task" }, all_tasks = { "task", "all_tasks" },
  task_tree = { "tree", "text" }, checkpoint = { "task", "checkpoint" },
  sleep = { "time", "sleep" }, time = { "time", "time" },

  scope = { "scope", "scope" }, wait_for = { "scope", "wait_for" },
  move_on_after = { "scope", "move_on_after" }, shield = { "scope", "shield" },
  defer = { "scope", "defer" },

  gather = "gather", settle = "settle", race = { "race", "race" },
  first_success = { "race", "first_success" }, wait = { "wait", "wait" },
  as_completed = { "wait", "as_completed" }, map = { "map", "map" },
  each = { "map", "each" }, retry = "retry",

  lock = { "lock", "lock" }, semaphore = { "lock", "semaphore" },
  event = "event", condition = "condition", queue = "queue",
  barrier = "barrier", rate_limiter = "rate_limiter",
  single_flight = { "single_flight", "single_flight" },
  once = { "single_flight", "once" },

  job = { "pipeline.declare", "job" }, pools = { "pipeline.declare", "pools" },
  default = { "pipeline.declare", "default" }, params = { "pipeline.params", "params" },
  step = { "pipeline.step", "step" }, result = { "pipeline.results", "result" },
  results = { "pipeline.results", "results" },

  context = "context", cd = { "place", "cd" }, with_env = { "place", "with_env" },

  error = "error", try = { "error", "try" },
  is_cancelled = { "error", "is_cancelled" }, is_timeout = { "error", "is_timeout" },
}

local orch = {}

return setmetatable(orch, {
  __index = function(_, name)
    local entry = lazy[name]
    if entry == nil then
      if type(name) ~= "string" then return nil end
      local arg = require "orch.arg"
      local near = arg.suggest(name, arg.keys_of(lazy))
      arg.fail("orch has no '%s'%s", name,
        near and ("; did you mean '%s'?"):format(near) or "")
    end
    local value
    if type(entry) == "string" then
      value = require("orch." .. entry)
    else
      value = require("orch." .. entry[1])[entry[2]]
    end
    rawset(orch, name, value)
    return value
  end,
  __pairs = function()
    local arg = require "orch.arg"
    local names, i = arg.keys_of(lazy), 0
    return function()
      i = i + 1
      if names[i] then return names[i], orch[names[i]] end
    end
  end,
})
