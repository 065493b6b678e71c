--- `orch check --watch`: checks, and again when a file, a rule or a waiver changes. What has
--- not changed is not looked at again; a broken rule is shown, and watching goes on.
---
---     watch.run(review, outputs, { words = { "Assets" }, write = io.write })

local collector = require "orch.pipeline.watch_changes"
local errors = require "orch.core.error"
local say = require "orch.check.report.say"

local DEBOUNCE = 0.1 -- seconds
local NAMED = 3

local watch = {}

local function tell(text, ...)
  io.stderr:write("orch: ", text:format(...), "\n")
end

--- Not what orch and the version control write themselves, nor our own reports.
local IGNORED = { "**/.git", "**/.hg", "**/.svn", "**/.orch", "**/node_modules" }

local function named(changes, folder)
  local seen, names = {}, {}
  for _, change in ipairs(changes) do
    local name = change.path:sub(1, #folder + 1) == folder .. "/"
      and change.path:sub(#folder + 2) or change.path
    if not seen[name] then
      seen[name] = true
      names[#names + 1] = say.name(name)
    end
  end
  table.sort(names)
  local shown = table.concat(names, ", ", 1, math.min(#names, NAMED))
  return #names > NAMED and ("%s and %d more"):format(shown, #names - NAMED) or shown
end

local function without(changes, own)
  local list = {}
  for _, change in ipairs(changes) do
    if not own[change.path] then list[#list + 1] = change end
  end
  return list
end

--- Files that are written meanwhile, also by the shell: `orch check --watch > seen.txt`.
local function own_files(outputs)
  local set = outputs:paths()
  for fd = 1, 2 do
    local ok, target = pcall(function()
      return require("orch.fs").stat("/proc/self/fd/" .. fd, { follow = false }).target
    end)
    if ok and target then set[target] = true end
  end
  return set
end

--- Folders of the project and of the rules that are elsewhere.
local function roots(review)
  local fs = require "orch.fs"
  local list = { { path = review.folder, recursive = true, exclude = IGNORED } }
  for _, path in ipairs(review.rules or {}) do
    local full = fs.path.absolute(path)
    if full:sub(1, #review.folder + 1) ~= review.folder .. "/" and fs.exists(full) then
      local is_folder = fs.stat(full).type == "folder"
      list[#list + 1] = { path = is_folder and full or fs.path.dirname(full),
        recursive = is_folder }
    end
  end
  return list
end

--- What is wrong now may be right after the next change.
local tolerable = { rules = true, baseline = true, usage = true, os = true }

local function round(review, outputs, opts)
  local ok, result = pcall(function()
    review:load()
    return review:run()
  end)
  if not ok then
    if not (errors.is(result) and tolerable[result.kind]) then error(result, 0) end
    tell("%s", (tostring(result):gsub("^orch: ", "")))
    return tell "waiting for changes"
  end
  outputs:write(result, { all = opts.all, paths = opts.words, at = opts.at, write = opts.write,
    tell = false })
  tell "waiting for changes"
end

---Runs until it is cancelled.
---@async
---@param review orch.check.Review
---@param outputs orch.check.Outputs
---@param opts {words: string[], at: string?, all: boolean?, write: fun(text: string)}
function watch.run(review, outputs, opts)
  local scope <close> = require("orch.scope").scope()
  local changes, own = collector.new(scope), own_files(outputs)
  changes:follow(roots(review))
  round(review, outputs, opts)
  while true do
    changes:wait()
    changes:settle(DEBOUNCE)
    local list, lost = changes:take()
    list = without(list, own)
    if lost or changes.gone then
      tell "much has changed: checking"
      changes:follow(roots(review))
      round(review, outputs, opts)
    elseif #list > 0 then
      tell("%s changed: checking", named(list, review.folder))
      round(review, outputs, opts)
    end
  end
end

return watch
