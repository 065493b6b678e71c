--- The files of a folder that is sent: which they are, what each is called at the other end, and
--- how far all of them are together.
---
---     local files = folder.open("deploy.s3.upload", "out/web", { exclude = "*.map" })
---     local shown <close> = folder.progress("deploy.s3.upload", "web", files.total)

local arg = require "orch.arg"
local entry = require "orch.core.entry"
local errors = require "orch.core.error"
local place = require "orch.place"
local tellers = require "orch.teller"

local folder = {}

---@class orch.deploy.FolderFile
---@field path string absolute
---@field name string the way from the folder, with slashes
---@field size integer bytes
---@field mtime number seconds since 1970

--- What no protocol and no web address can carry safely: an FTP command would end there.
local function check_name(fname, name)
  local control = name:match "%c"
  if control then
    arg.fail("%s: the name '%s' has the control character 0x%02X in it; rename the file or leave "
      .. "it out with `exclude`", fname, (name:gsub("%c", "?")), control:byte())
  end
  if not utf8.len(name) then
    arg.fail("%s: the name '%s' is not UTF-8; rename the file or leave it out with `exclude`",
      fname, (name:gsub("[\128-\255]", "?")))
  end
end

local function no_folder(fname, shown, root)
  local ok, info = pcall(entry.stat, root, true)
  if ok and info.type == "folder" then return end
  if ok then
    arg.fail("%s: '%s' is no folder: it is a %s%s", fname, shown, info.type,
      info.type == "file" and "; the option for one file is `file`" or "")
  end
  if not errors.is(info) or info.code ~= "ENOENT" then error(info, 0) end
  errors.throw(errors.make { kind = "os", code = "ENOENT", path = shown, retryable = false,
    message = ("%s: there is no folder '%s'; has the build run?"):format(fname, shown) })
end

local function nothing(fname, shown, opts)
  arg.fail("%s: there is no file %sin the folder '%s'; %s", fname,
    (opts.include or opts.exclude) and "that `include` and `exclude` leave " or "", shown,
    (opts.include or opts.exclude) and "patterns are relative to it, such as \"Build/**\""
      or "has the build gone wrong?")
end

--- What orch itself remembers is nobody's build; and a database of it that is open must not be
--- opened a second time (SQLite would lose its locks).
local function without_state(exclude)
  local list = { "**/.orch" }
  local more = type(exclude) == "string" and { exclude } or exclude or {}
  return table.move(more, 1, #more, 2, list)
end

---All files below a folder, sorted by name. Links are followed; hidden files belong to it, but
---not `.orch`. A pattern is as in `fs.glob`, relative to the folder.
---@async
---@param fname string for messages
---@param path orch.Path
---@param opts {include: string|string[]|nil, exclude: string|string[]|nil}
---@return orch.deploy.FolderFile[] files with `total` (bytes), `path` (absolute) and `shown`;
---  raises kind `os`, or `usage` where there are none and for names that cannot be sent
function folder.open(fname, path, opts)
  local root = require("orch.fs.path").absolute(place.resolve(path))
  no_folder(fname, path, root)
  local files = { total = 0, path = root, shown = path }
  local prefix = root:gsub("/+$", "") .. "/"
  for one in require "orch.fs.walk"(root, { match = opts.include,
    exclude = without_state(opts.exclude), follow = true, stat = true }) do
    if one.type ~= "folder" then
      local name = one.path:sub(#prefix + 1)
      check_name(fname, name)
      if one.type ~= "file" then
        arg.fail("%s: '%s' is no file that can be sent: it is %s; leave it out with `exclude`",
          fname, one.path, one.type == "link" and "a link to nothing" or "a " .. one.type)
      end
      files[#files + 1] = { path = one.path, name = name, size = one.size, mtime = one.mtime }
      files.total = files.total + one.size
    end
  end
  if #files == 0 then nothing(fname, path, opts) end
  table.sort(files, function(a, b) return a.name < b.name end)
  return files
end

---Whether `include` and `exclude` would take a name: what they leave out at the other end is not
---deleted there either.
---@param fname string
---@param opts {include: string|string[]|nil, exclude: string|string[]|nil}
---@return fun(name: string): boolean
function folder.chooser(fname, opts)
  local pattern = require "orch.fs.pattern"
  local included = opts.include and pattern.compile(fname, 1, opts.include)
  local allowed = opts.exclude and pattern.compile_exclusions(fname, 1, opts.exclude)
  return function(name)
    return (not included or included(name)) and (not allowed or allowed(name))
  end
end

---Raises kind `changed` when a file is no longer what it was when the folder was read.
---@async
---@param fname string
---@param file orch.deploy.FolderFile
function folder.check(fname, file)
  local ok, info = pcall(entry.stat, file.path, true)
  if ok and info.size == file.size and info.mtime == file.mtime then return end
  if not ok and not (errors.is(info) and info.code == "ENOENT") then error(info, 0) end
  errors.throw(errors.make { kind = "changed", path = file.path, retryable = false,
    message = ("%s: '%s' %s while the folder was sent. Upload when the build is complete"):format(
      fname, file.path, ok and "changed" or "disappeared") })
end

---@class orch.deploy.FolderProgress
---@field private tell fun(done: integer, total: integer)
---@field private bar any
---@field private done integer
---@field private total integer
---@field private told number when
local Progress = {}
Progress.__index = Progress

---@private
function Progress:add(bytes)
  self.done = self.done + bytes
  local now = require("orch.core.clock").now()
  if now - self.told < tellers.INTERVAL and self.done ~= self.total then return end
  self.told = now
  self.tell(self.done, self.total)
end

---What tells how far one file, or one part of one, is; an attempt that begins again may say less
---than before.
---@return fun(done: integer) count bytes of it
function Progress:file()
  local before = 0
  return function(done)
    if done == before then return end
    local more = done - before
    before = done
    self:add(more)
  end
end

---The last word, and the end of the bar.
function Progress:close()
  if self.closed then return end
  self.closed = true
  if self.done ~= self.total then self.tell(self.done, self.total) end
  if self.bar then self.bar:done() end
end

Progress.__close = Progress.close

---One progress for many files.
---@param fname string
---@param shown any the option `progress`
---@param total integer bytes
---@return orch.deploy.FolderProgress progress `<close>`-able
function folder.progress(fname, shown, total)
  local tell, bar = function() end, nil
  if shown then tell, bar = tellers.of(fname, shown) end
  return setmetatable({ tell = tell, bar = bar, done = 0, total = total, told = -math.huge },
    Progress)
end

return folder
