--- Rules about a project's files, which `orch check` runs. Each rule file (checks/*.lua) sees
--- this table as the global `check`.
---
---     local check = orch.check
---     check "texture.size" {
---       title = "Textures fit the budget", files = "Assets/**/*.png", config = { max = 2048 },
---       run = function(file, cfg)
---         local img = orch.image.info(file.path)
---         if img.width > cfg.max then
---           file:error { "%d px wide", img.width, wanted = "at most " .. cfg.max .. " px" }
---         end
---       end,
---     }
---     local result = check.run { paths = { "Assets" } }

local arg = require "orch.arg"
local declare = require "orch.check.declare"

local check = {}

declare.add_words(check)

---@class orch.check.Result
---@field findings orch.check.Finding[] by path, line and rule
---@field files integer looked at
---@field checked integer of these, for how many a rule really ran
---@field cached integer of these, how many were as they were when they were checked before
---@field rules orch.check.Rule[]
---@field counts {error: integer, warning: integer, info: integer}
---@field elapsed number seconds
---@field folder string the project's, absolute

local run_options = {
  paths = "table|string", rules = "table|string", only = "table|string", cache = "boolean",
  fail_on = "string", folder = "path",
}

---Runs rules from a script or a job: those of `checks/`, of `rules`, or those that the script
---itself has declared. In a job each finding is one of its problems, too.
---@async
---@param opts? {paths: string[]|string|nil, rules: string[]|string|nil, only: string[]|string|nil, cache: boolean?, fail_on: "error"|"warning"|"info"|"never"|nil, folder: string?}
---  `paths`: files, folders, globs; `only`: ids of rules, or globs of them; `fail_on`: raise
---  kind `check` (with `.result`) where there is a finding of that severity or worse; default
---  error
---@return orch.check.Result result raises kinds `rules` (no such rules), `check`
function check.run(opts)
  return require("orch.check.call")(arg.options("check.run", opts, run_options))
end

---In a rule: what several rules need, worked out by `fn` once in a check.
---@async
---@generic T
---@param name string rules that use the same name get the same
---@param fn fun(): T
---@return T
function check.once(name, fn)
  return require "orch.check.once"(name, fn)
end

---In a test: what a rule says about a file, which may be made up. See orch.check.expect.
---@async
---@param id string of a rule
---@param subject table|string
---@param opts? {config: table?, as: string?}
---@return orch.check.Expected
function check.expect(id, subject, opts)
  return require "orch.check.expect"(id, subject, opts)
end

arg.public("check", check)
getmetatable(check).__call = function(_, id)
  return declare.begin(id)
end

return check
