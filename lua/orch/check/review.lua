--- A check as a person means it: the rules, what is waived, what was known before, and what
--- has changed, read anew each time.
---
---     local review = reviews.new { folder = "/home/ann/game", paths = { "Assets" } }
---     review:load()
---     local result = review:run()

local arg = require "orch.arg"
local baseline = require "orch.check.baseline"
local engine = require "orch.check.engine"
local glob = require "orch.pipeline.glob"
local select = require "orch.check.select"
local waivers = require "orch.check.waivers"

---@class orch.check.ReviewOptions
---@field folder string the project's, absolute
---@field paths string[]? relative to it
---@field files string[]? exactly these
---@field rules string[]? files and folders with rules, absolute
---@field only string[]? ids of rules, or globs of them
---@field cache boolean?
---@field jobs integer?
---@field baseline string|false|nil a file; false: none; nil: the usual one, if there is one
---@field remake boolean? the baseline is about to be written

---@class orch.check.Review: orch.check.ReviewOptions
---@field ruleset orch.check.Set
---@field known orch.check.Baseline?
---@field private waivers orch.check.Waivers
---@field private is_usual boolean the rules are those of the project
local Review = {}
Review.__index = Review

local function check_only(self)
  for _, one in ipairs(self.only or {}) do
    local found = false
    for _, rule in ipairs(self.ruleset.list) do found = found or glob.matches(one, rule.id) end
    if not found and #self.ruleset.findings == 0 then
      local near = arg.suggest(one, arg.keys_of(self.ruleset.by_id))
      arg.fail("there is no rule '%s'%s", one, near
        and ("; did you mean '%s'?"):format(near) or "; orch check --list prints those there are")
    end
  end
end

--- One that nobody can read may be made anew, where all of it is looked at.
local function load_baseline(self)
  local path = self.baseline or baseline.path(self.folder)
  local ok, known = pcall(baseline.load, path)
  if ok and not known and self.baseline then
    arg.fail("there is no baseline '%s'; orch check --update-baseline makes it",
      require("orch.pipeline.project").shown(self.baseline))
  elseif not ok and not (known.kind == "baseline" and self.remake and not known.newer
    and self:is_complete())
  then
    error(known, 0)
  end
  return ok and known or nil
end

---Whether all the project's rules look at all files.
---@return boolean
function Review:is_complete()
  return self.is_usual and not (self.paths or self.files or self.only)
end

---Reads rules, waivers and the baseline.
---@async
---@param set orch.check.Set? rules that are known already
function Review:load(set)
  self.ruleset = set or require "orch.check.load" { rules = self.rules, folder = self.folder }
  check_only(self)
  self.is_usual = not (set or self.rules)
  self.waivers = waivers.load(self.folder, self.is_usual and self.ruleset or nil)
  self.known = self.baseline ~= false and load_baseline(self) or nil
end

---What is looked at.
---@return orch.check.Scope
function Review:scope()
  local of_path
  if self.files then
    local set = {}
    for _, path in ipairs(self.files) do set[path] = true end
    of_path = function(path) return set[path] == true end
  elseif self.paths then
    of_path = select.matcher(self.paths)
  end
  return {
    path = of_path or function() return true end,
    rule = function(id)
      if self.only then return glob.any(self.only, id) end
      return self.is_usual or self.ruleset.by_id[id] ~= nil
    end,
  }
end

--- Files that were made meanwhile belong to what was asked for.
---@param paths string[]
function Review:add_files(paths)
  local list = self.files or self.paths
  if list then table.move(paths, 1, #paths, #list + 1, list) end
end

---@async
---@param view {on_finding: function?, on_progress: function?}?
---@return orch.check.Result result `self.all`: the findings that are not waived, known or not
function Review:run(view)
  view = view or {}
  local result = engine.run { ruleset = self.ruleset, folder = self.folder, paths = self.paths,
    files = self.files, only = self.only, cache = self.cache, jobs = self.jobs,
    on_finding = view.on_finding, on_progress = view.on_progress }
  waivers.apply(result, self.waivers, { complete = self:is_complete() })
  self.all = result.findings
  if self.known then baseline.apply(result, self.known, self:scope()) end
  return result
end

local reviews = {}

---@param options orch.check.ReviewOptions
---@return orch.check.Review
function reviews.new(options)
  return setmetatable(options, Review)
end

return reviews
