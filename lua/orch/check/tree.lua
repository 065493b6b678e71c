--- The files of a project as a check sees them: all at once from outside, or one by one with
--- what stands for their content.
---
---     local tree = tree.new("/home/ann/game", set.ignore)
---     local look = tree:look()                  -- look.stamp: nothing has changed
---     local all = tree:list(known_blob)         -- all.paths, all.contents, ...

local core = require "orch.core.stamp"
local fs = require "orch.fs"
local hex = require "orch.hex"
local pattern = require "orch.fs.pattern"

local tree = {}

--- Files with more bytes are told apart by size and time alone: to read them costs more than to
--- look at their headers again.
local LIMIT = 256 << 10

local always = { ".git", ".hg", ".svn", ".orch", "node_modules" }

--- What the engines make themselves, where there is a project of theirs.
local engines = {
  { "ProjectSettings/ProjectVersion.txt", { "Library", "Temp", "Logs", "obj", "UserSettings",
    "MemoryCaptures" } },
  { "*.uproject", { "Intermediate", "Saved", "DerivedDataCache", "Binaries" } },
  { "project.godot", { ".godot", ".import" } },
}

--- Every `.git`, wherever it is; of the engines' folders only those at the top.
local function ignored(folder, more)
  local list = {}
  for _, name in ipairs(always) do list[#list + 1] = "**/" .. name end
  for _, engine in ipairs(engines) do
    if fs.glob(engine[1], { cwd = folder })[1] then
      table.move(engine[2], 1, #engine[2], #list + 1, list)
    end
  end
  if #more > 0 then
    local includes = pattern.parse("check.ignore", 1, more)
    table.move(includes, 1, #includes, #list + 1, list)
  end
  return list
end

---@class orch.check.Tree
---@field folder string absolute
---@field patterns string[]
---@field excludes string[]
---@field private began integer seconds since 1970
---@field private stamp string|false|nil of all of it, when it was listed
local Tree = {}
Tree.__index = Tree

--- The patterns are prepared already: C takes them as they are.
local function as_it_is(patterns) return patterns, {} end

---@async
---@param folder string absolute
---@param ignore string[] globs of the rule files
---@return orch.check.Tree
function tree.new(folder, ignore)
  return setmetatable({ folder = folder, patterns = { "**" }, began = os.time(),
    excludes = ignored(folder, ignore) }, Tree)
end

---@async
---@param groups string[][]? further patterns, a look each
---@return orch.pipeline.Look look
---@return orch.pipeline.Look[] others
function Tree:look(groups)
  local all, excludes = { self.patterns }, { self.excludes }
  for i, group in ipairs(groups or {}) do all[i + 1] = group end
  local looks = core.look(self.folder, all, excludes, as_it_is, false, true)
  return looks[1], table.move(looks, 2, #looks, 1, {})
end

---@private
function Tree:keep_stamp(stamp, times)
  if self.stamp ~= nil then return end
  self.stamp = hex(stamp)
  for i = 1, #times do
    if times[i] >= self.began - 1 then self.stamp = false end
  end
end

---@class orch.check.Listing
---@field blob string
---@field paths string[] sorted
---@field contents string[] 16 bytes each: of the content, or of size and time
---@field sizes integer[]
---@field times number[]
---@field unread {path: string, reason: string}? a folder that could not be read

---@async
---@param known string? a blob of before
---@param by_facts boolean? sizes and times stand for all contents: nothing will be remembered
---@return orch.check.Listing
function Tree:list(known, by_facts)
  local blob, _, _, _, stamp, unread, reason =
    core.detail(self.folder, self.patterns, self.excludes, as_it_is, known,
      by_facts and 0 or LIMIT, true)
  local paths, contents, sizes, times = core.records(blob)
  self:keep_stamp(stamp, times)
  return { blob = blob, paths = paths, contents = contents, sizes = sizes, times = times,
    stamp = stamp, unread = unread and { path = unread, reason = reason } or nil }
end

--- So new that it may not be what a rule has seen, or may change once more without a new time.
local function is_unsure(self, look)
  return look.young or look.files > 0 and look.newest >= self.began
end

---What files and folders look like from outside; "." is the tree as it was listed.
---@async
---@param paths table<string, any> by path, relative to the folder or absolute
---@return table<string, string|false> stamps by path; false: not to be relied on
function Tree:stamps(paths)
  local list, groups, stamps = {}, {}, {}
  for path in pairs(paths) do
    if path == "." then
      stamps[path] = self.stamp
    else
      list[#list + 1] = path
      groups[#list] = { (path:gsub("[*?%[\\]", "\\%0")) }
    end
  end
  if #list == 0 then return stamps end
  for i, look in ipairs(core.look(self.folder, groups, {}, as_it_is, false, true)) do
    stamps[list[i]] = not is_unsure(self, look) and hex(look.stamp)
  end
  return stamps
end

return tree
