--- What a person sees of a run while it goes on: readers of its events, nothing else.
---
---     local v <close> = require("orch.view").open(nil, run, { folder = run_folder })
---     log:listen(function(record) run:apply(record); v:event(record) end)
---     orch.spawn({ daemon = true }, v.run, v)

local arg = require "orch.arg"
local place = require "orch.place"

local view = {}

---The kinds there are.
view.kinds = { "live", "plain", "github", "json", "quiet" }

--- The view that is open, and how many questions it gives way to.
local shown, questions = nil, 0

---@class orch.View
---@field event fun(self, record: table) a record that the model has applied; never waits
---@field print fun(self, text: string) what the script prints, not inside a job
---@field run fun(self) what has to be done by the clock, in a task of its own; internal sleeps
---@field pause fun(self) makes room for a question to the person
---@field resume fun(self)
---@field close fun(self) leaves the summary; further calls do nothing

local function automatic()
  if place.getenv "GITHUB_ACTIONS" == "true" then return "github" end
  local term = place.getenv "TERM"
  if term and term ~= "" and term ~= "dumb" and require("orch.tty").is_terminal "stdout" then
    return "live"
  end
  return "plain"
end

---Checks what was asked for, so that a wrong word is told before anything runs.
---@param kind string?
---@return string kind raises kind `usage`
function view.kind(kind)
  if kind == nil then return automatic() end
  for _, known in ipairs(view.kinds) do
    if kind == known then return kind end
  end
  local near = type(kind) == "string" and arg.suggest(kind, view.kinds)
  arg.fail("--ui should be %s or %s, not %s%s", table.concat(view.kinds, ", ", 1, #view.kinds - 1),
    view.kinds[#view.kinds], type(kind) == "string" and "'" .. kind .. "'" or arg.describe(kind),
    near and ("; did you mean '%s'?"):format(near) or "")
end

local options = {
  folder = "string", script = "string", stdout = "any", color = "boolean", size = "callable",
  clock = "callable", every = "number",
}

---@class orch.ViewOptions
---@field folder? string of the run, for the logs
---@field script? string as it was called
---@field stdout? table for tests, as the following: a file
---@field color? boolean whether it has colours
---@field size? fun(): integer, integer its columns and rows
---@field clock? fun(): number seconds
---@field every? number seconds between two "still running"

---@param kind "live"|"plain"|"github"|"json"|"quiet"|nil nil: what fits where it runs
---@param run orch.RunModel
---@param opts? orch.ViewOptions
---@return orch.View view raises kind `usage`
function view.open(kind, run, opts)
  kind = view.kind(kind)
  opts = arg.options("view.open", opts, options)
  local out = require("orch.view.out").new(opts)
  local opened = require("orch.view." .. kind)(run, out, opts)
  shown, questions = opened, 0
  return opened
end

local resumed = setmetatable({}, { __close = function()
  questions = questions - 1
  if questions == 0 and not shown.closed then shown:resume() end
end })

---Makes room for a question to the person, until what it gives is closed.
---@return table? guard nil where no view is open
function view.pause()
  if not shown or shown.closed then return nil end
  questions = questions + 1
  if questions == 1 then shown:pause() end
  return resumed
end

return view
