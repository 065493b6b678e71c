--- Which other files a rule looks at: its results hold for as long as those stay as they are.
---
---     local tracking <close> = track.open()
---     local slot, guard <close> = track.slot(folder)
---     slot.run = run          -- run.depends = { ["Assets/a.png.meta"] = true }

local arg = require "orch.arg"
local context = require "orch.context"
local place = require "orch.place"
local tasks = require "orch.core.task"

local track = {}

local running = context("the rule that runs")

---"./a//b/" -> "a/b", relative to the project's folder where it is below it; "." is that.
---@param path string
---@param folder string absolute
---@return string
function track.shape(path, folder)
  if path == folder then return "." end
  if path:sub(1, #folder + 1) == folder .. "/" then path = path:sub(#folder + 2) end
  path = path:gsub("//+", "/"):gsub("^%./", "")
  return path == "" and "." or #path > 1 and path:gsub("/$", "") or path
end

local function note(path)
  local slot = running:get()
  local run = slot and slot.run
  if not run then return end
  if path == nil then
    run.volatile = run.volatile or not run.rule.trusted
  elseif path ~= run.path then
    path = track.shape(path, slot.folder)
    if path == run.path then return end
    run.depends = run.depends or {}
    run.depends[path] = true
  end
end

--- Elsewhere, in a folder of their own, rules may keep what they need.
local function refuse_change(fname, path)
  local slot = running:get()
  if not slot or not slot.run then return end
  local shaped = track.shape(path, slot.folder)
  if shaped:sub(1, 1) == "/" then return end
  arg.fail("%s would change '%s': rules only look, as many run at once; what mends a file is "
    .. "a fix", fname, shaped)
end

---@return table guard for `<close>`
function track.open()
  place.observe(note, refuse_change)
  return setmetatable({}, { __close = function() place.observe(nil) end })
end

---Where the running task, and those that it spawns, say what they do; until the guard closes.
---@param folder string the project's
---@return {folder: string, run: table?, locals: table} slot
---@return table guard for `<close>`
function track.slot(folder)
  local slot = { folder = folder }
  local guard = running:set(slot)
  slot.locals = tasks.locals()
  return slot, guard
end

---The rule that runs in this task, or nil.
---@return orch.check.Run?
function track.run()
  local slot = running:get()
  return slot and slot.run
end

---A run uses what another one has worked out: its results hold as long as those of that one.
---@param run orch.check.Run
---@param other orch.check.Run
function track.share(run, other)
  run.volatile = run.volatile or other.volatile
  for path in pairs(other.depends or {}) do
    run.depends = run.depends or {}
    if path ~= run.path then run.depends[path] = true end
  end
end

return track
