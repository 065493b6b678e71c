--- A fix works on a copy in a folder of its own: what it leaves there is looked at, and only
--- then takes the place of the original. A fix that breaks off, or writes nonsense, has
--- touched nothing.
---
---     local copy = copies.take(base, folder, "Assets/a.png", { ".meta" })
---     fix.run(copy.file, config, finding)
---     for _, change in ipairs(copy:changes()) do print(change.kind, change.path) end
---
--- The folder holds the file under its own name and, where the fix has `with = { ".meta" }`,
--- also its companion `a.png.meta`. A file that the fix makes there comes beside the original;
--- one that it removes there is removed.

local errors = require "orch.core.error"
local fs = require "orch.fs"

local LFS_POINTER = "version https://git-lfs.github.com/spec/"
local WRITABLE = 146 -- 0222

local copies = {}

---@class orch.check.Change
---@field path string relative to the project's folder
---@field kind "changed"|"created"|"removed"
---@field before string? SHA-256; nil: created
---@field after string? SHA-256; nil: removed
---@field name string

---@class orch.check.Copy
---@field path string of the original
---@field file orch.check.File for the fix: its path is that of the copy
---@field work string folder that the fix may write to
---@field before string folder with what was there
local Copy = {}
Copy.__index = Copy

local function fail(text, ...)
  errors.throw(errors.make { kind = "fix", message = text:format(...) })
end

--- Why a file cannot be mended, before anything is tried.
local function check(full, path)
  if not fs.exists(full, { follow = false }) then fail("'%s' is not there any more", path) end
  local stat = fs.stat(full, { follow = false })
  if stat.type == "link" then
    fail("'%s' is a link: fixes are for the file that it points to, '%s'", path,
      tostring(stat.target))
  elseif stat.type ~= "file" then
    fail("'%s' is a %s, and fixes are for files", path, stat.type)
  elseif stat.mode & WRITABLE == 0 then
    fail("'%s' may only be read; make it writable first (in Perforce: p4 edit, in git lfs: "
      .. "git lfs lock)", path)
  end
  if stat.size < 1024 and fs.read(full):sub(1, #LFS_POINTER) == LFS_POINTER then
    fail("'%s' is a pointer of git lfs, its content is not here: git lfs pull", path)
  end
  return stat
end

local function is_same(a, b)
  return a.size == b.size and a.mtime == b.mtime and a.inode == b.inode
end

---@private
function Copy:take(name)
  local path = self.prefix .. name
  local full = self.project .. "/" .. path
  local stat = check(full, path)
  fs.copy(full, self.before .. "/" .. name, { sync = true, times = true })
  fs.copy(self.before .. "/" .. name, self.work .. "/" .. name, { times = true })
  self.known[name] = { stat = stat, hash = fs.hash(self.before .. "/" .. name) }
  self:check_unchanged(name)
end

---@private
function Copy:check_unchanged(name)
  local path = self.prefix .. name
  local full = self.project .. "/" .. path
  if fs.exists(full) and is_same(fs.stat(full, { follow = false }), self.known[name].stat) then
    return
  end
  fail("'%s' was changed by somebody else meanwhile: try again", path)
end

---Raises kind `fix` where the originals are not any more what the fix was given.
---@async
function Copy:check_all_unchanged()
  for name in pairs(self.known) do self:check_unchanged(name) end
end

--- The mode of the original stays, however the fix wrote the file.
local function keep_mode(full, mode)
  if fs.stat(full).mode == mode then return end
  fs.write(full, fs.read(full), { mode = mode, sync = false })
end

---@private
function Copy:change_of(name)
  local known, full = self.known[name], self.work .. "/" .. name
  local path = self.prefix .. name
  if fs.stat(full, { follow = false }).type ~= "file" then
    fail("it has made '%s', which is no file: a fix may change, make and remove files beside "
      .. "its own", name)
  end
  if not known then
    if fs.exists(self.project .. "/" .. path, { follow = false }) then
      fail("it has written '%s', which is there already and is not the file that it mends: name "
        .. 'it in the fix, such as with = { "%s" }', path,
        name:sub(1, #self.name) == self.name and name:sub(#self.name + 1) or ".meta")
    end
    return { path = path, name = name, kind = "created", after = fs.hash(full) }
  end
  keep_mode(full, known.stat.mode)
  local hash = fs.hash(full)
  if hash == known.hash then return nil end
  return { path = path, name = name, kind = "changed", before = known.hash, after = hash }
end

---What the fix has done: what is new first, what is removed last, so that nothing is ever
---missing.
---@async
---@return orch.check.Change[] changes raises kind `fix` where they cannot be taken over
function Copy:changes()
  local list, removed = {}, {}
  for _, name in ipairs(fs.list(self.work)) do list[#list + 1] = self:change_of(name) end
  self:check_all_unchanged()
  for name, known in pairs(self.known) do
    if not fs.exists(self.work .. "/" .. name, { follow = false }) then
      removed[#removed + 1] = { path = self.prefix .. name, name = name, kind = "removed",
        before = known.hash }
    end
  end
  table.sort(list, function(a, b)
    if a.kind ~= b.kind then return a.kind > b.kind end -- created, changed
    return a.name < b.name
  end)
  table.sort(removed, function(a, b) return a.name < b.name end)
  return table.move(removed, 1, #removed, #list + 1, list)
end

---The names that a fix of this file touches besides those it makes.
---@param path string
---@param with string[]? endings
---@return string[] paths
function copies.paths(path, with)
  local list = { path }
  for _, ending in ipairs(with or {}) do list[#list + 1] = path .. ending end
  return list
end

---@async
---@param base string a folder for this fix alone
---@param project string
---@param path string relative to it
---@param with string[]? endings of companions
---@return orch.check.Copy copy raises kind `fix`
function copies.take(base, project, path, with)
  local self = setmetatable({
    path = path, project = project, name = fs.path.basename(path), known = {},
    prefix = path:match "^(.*/)[^/]*$" or "", work = base .. "/work", before = base .. "/before",
  }, Copy)
  fs.mkdir(self.work)
  fs.mkdir(self.before)
  self:take(self.name)
  for _, ending in ipairs(with or {}) do
    if fs.exists(project .. "/" .. path .. ending, { follow = false }) then
      self:take(self.name .. ending)
    end
  end
  local stat = self.known[self.name].stat
  self.file = require("orch.check.file").new(self.work .. "/" .. self.name, stat.size, stat.mtime)
  self.file.original = path
  return self
end

return copies
