-- What there is that a word being typed may become: commands, scripts, jobs, runs, rules. Each
-- is a list of words with, for some, what they are.

local options = require "orch.cli.options"

local LIMIT = 2 -- seconds for a script's body
local MOST_RUNS = 20

local known = {}

---@class orch.complete.Item
---@field [1] string
---@field [2] string? what it is

---@return orch.complete.Item[]
function known.commands()
  local items = {}
  for i, one in ipairs(options.commands) do items[i] = { one[1], one[2] } end
  return items
end

--- Scripts and folders, for the folder that the word begins with.
---@param word string
---@return orch.complete.Item[]
function known.scripts(word)
  local folder, base = word:match "^(.*/)([^/]*)$"
  local items = {}
  for _, name in ipairs(require("orch.fs").list(folder or ".")) do
    local path = (folder or "") .. name
    if name:find "^%." and not (base or word):find "^%." then goto continue end
    if require("orch.fs").stat(path).type == "folder" then
      items[#items + 1] = { path .. "/" }
    elseif name:find "%.lua$" then
      items[#items + 1] = { path }
    end
    ::continue::
  end
  return items
end

--- What the script that is meant declares; nil where that cannot be told.
---@param context table the line so far
function known.registry(context)
  if context.registry == nil then
    require("orch.core.runtime").set_slow(0) -- the watchdog's hook would replace the limit's
    local ok, registry = pcall(function()
      local loader = require "orch.pipeline.load"
      return loader.script { file = context.file or loader.find(), silent = true, limit = LIMIT }
    end)
    context.registry = ok and registry or false
  end
  return context.registry or nil
end

---@param context table
---@return orch.complete.Item[]
function known.jobs(context)
  local registry, items = known.registry(context), {}
  for i, job in ipairs(registry and registry.jobs or {}) do items[i] = { job.name, job.desc } end
  return items
end

---@return orch.complete.Item[]
function known.runs()
  local project, items = require "orch.pipeline.project", { { "last", "the latest run" } }
  local ids = project.runs(project.find())
  for i = #ids, math.max(1, #ids - MOST_RUNS + 1), -1 do items[#items + 1] = { ids[i] } end
  return items
end

---@param list string[]
---@return orch.complete.Item[]
function known.words(list)
  local items = {}
  for i, word in ipairs(list) do items[i] = { word } end
  return items
end

--- Rules, of the project that the word is completed in.
---@return orch.complete.Item[]
function known.rules()
  require("orch.core.runtime").set_slow(0)
  local folder = require("orch.check.project").find()
  local ok, set = pcall(require "orch.check.load", { folder = folder })
  local items = {}
  for i, rule in ipairs(ok and set.list or {}) do items[i] = { rule.id, rule.title } end
  return items
end

--- Fixes that `orch check --undo ID` may take back, the latest first.
---@return orch.complete.Item[]
function known.fixes()
  local folder, items = require("orch.check.project").find(), {}
  local ids = require("orch.check.undo_place").ids(folder)
  for i = #ids, 1, -1 do items[#items + 1] = { ids[i] } end
  return items
end

return known
