-- The task tree as text: name, state, what each task waits for and since when.
--
--   io.stderr:write(require("orch.tree").text())
--
--   main: waits for its tasks (children, 3.1 s)
--     upload: waits for lock 'db', held by notify (deploy.lua:12), 3.0 s
--     notify: sleep, 1.2 s                  started at deploy.lua:20

local core = require "orch.core.task"

local tree = {}

---Seconds as a person reads them: "300 ms", "1.5 s", "3 min 5 s", "2 h 10 min".
---@param seconds number
---@return string
function tree.duration(seconds)
  if seconds < 0 or seconds > 1e9 then seconds = 0 end -- virtual time ended
  if seconds < 0.9995 then
    return string.format("%.0f ms", seconds * 1000)
  end
  if seconds < 10 then return string.format("%.1f s", seconds) end
  local whole = seconds // 1 | 0
  if whole < 60 then return whole .. " s" end
  if whole < 3600 then
    return string.format("%d min %d s", whole // 60, whole % 60)
  end
  return string.format("%d h %d min", whole // 3600, whole % 3600 // 60)
end

-- What the internal operations are called in a sentence.
local words = {
  children = "waits for its tasks",
  join = "waits for tasks to end",
  await = "awaits a task",
  park = "waits to be woken",
}

-- The object that a task waits for (a lock, a queue, ...) in its own words.
local function object_text(object)
  if object == nil then return nil end
  local ok, text = pcall(function()
    if object.waiting_text then return object:waiting_text() end
    return tostring(object)
  end)
  return ok and type(text) == "string" and text or nil
end

---The innermost line of the script in a traceback.
---@param trace any what `err.traceback` or `task:traceback()` gave
---@return string? where "file:line"
function tree.line_of_script(trace)
  if type(trace) ~= "string" then return nil end
  for line in trace:gmatch("[^\n]+") do
    local at = line:match("^%s*(.-:%d+): in ")
    if at and not at:find("^orch/") and not at:find("^%[") then return at end
  end
  return nil
end

-- The same for the place in which a task stands.
local function live_line(task)
  local ok, trace = pcall(task.traceback, task)
  return ok and tree.line_of_script(trace) or nil
end

local function doing(info, task)
  if info.state == "running" then
    local at = live_line(task)
    return at and "running at " .. at or info.state
  end
  if info.state ~= "waiting" then return info.state end
  local what = object_text(info.object)
  if what then
    what = "waits for " .. what
  else
    what = words[info.waiting_on] or info.waiting_on or "waiting"
  end
  return what .. ", " .. tree.duration(info.seconds or 0)
end

-- Tasks of orch itself (notices, time limits) are no part of the picture.
local function own(task)
  return task.name:sub(1, 5) == "orch/"
end

local function add(out, task, depth)
  local info = core.info(task)
  local line = ("  "):rep(depth) .. info.name .. ": " .. doing(info, task)
  if info.daemon then line = line .. " (daemon)" end
  if info.spawned_at and info.spawned_at ~= "?" then
    line = line .. "  [started at " .. info.spawned_at .. "]"
  end
  out[#out + 1] = line
  for _, child in ipairs(core.children(task)) do
    if not own(child) then add(out, child, depth + 1) end
  end
end

---The tree of the tasks below one, a line each, indented by two blanks.
---@param root? orch.Task default: everything that the script started
---@return string text without a line feed at the end
function tree.text(root)
  local out = {}
  for _, task in ipairs(core.children(root or core.root())) do
    if not own(task) then add(out, task, 0) end
  end
  return table.concat(out, "\n")
end

local function brief(task)
  local info = core.info(task)
  local what = object_text(info.object) or info.waiting_on or info.state
  return string.format("%s (%s, %s)", info.name, what,
    tree.duration(info.seconds or 0))
end

---Every live task below `root`, itself left out, in the order of the tree.
---@param root orch.Task
---@return orch.Task[]
function tree.below(root)
  local list = {}
  local function walk(task)
    for _, child in ipairs(core.children(task)) do
      if not own(child) then list[#list + 1] = child end
      walk(child)
    end
  end
  walk(root)
  return list
end

---"2 tasks: upload (fs.copy, 3.0 s), notify (sleep, 1.0 s)".
---@param tasks orch.Task[]
---@return string
function tree.summary(tasks)
  local names = {}
  for i = 1, math.min(#tasks, 5) do names[i] = brief(tasks[i]) end
  if #tasks > 5 then
    names[6] = string.format("and %d more", #tasks - 5)
  end
  return string.format("%d %s: %s", #tasks, #tasks == 1 and "task" or "tasks",
    table.concat(names, ", "))
end

return tree
