--- The build file that is sent: it must be there, must not be empty, and must stay as it is
--- until all of it has arrived.
---
---     local source = source.open("deploy.itch.upload", "game.zip", { "zip" })
---     http.put(url, { body = source:piece(0, 8 << 20) })
---     source:check()

local arg = require "orch.arg"
local entry = require "orch.core.entry"
local errors = require "orch.core.error"
local paths = require "orch.fs.path"
local place = require "orch.place"

local source = {}

---@class orch.deploy.Source
---@field path string absolute
---@field shown string as the script wrote it
---@field name string
---@field size integer bytes
---@field mtime number seconds since 1970
---@field private inode integer another file of the same size and time is another file
---@field private fname string
---@field private hashes table<string, string>
local Source = {}
Source.__index = Source

local function refuse(kind, fields, ...)
  fields.kind, fields.message = kind, fields.message:format(...)
  errors.throw(errors.make(fields))
end

local function look(fname, shown, path)
  local ok, info = pcall(entry.stat, path, true)
  if ok then return info end
  if not errors.is(info) or info.code ~= "ENOENT" then error(info, 0) end
  refuse("os", { code = "ENOENT", path = shown, retryable = false,
    message = "%s: there is no file '%s'; has the build run?" }, fname, shown)
end

local function check_extension(fname, shown, wanted)
  local extension = paths.extension(shown):lower():gsub("^%.", "")
  for _, one in ipairs(wanted) do
    if one == extension then return end
  end
  arg.fail("%s: '%s' should be a file of type .%s", fname, shown, table.concat(wanted, ", ."))
end

---@async
---@param fname string for messages
---@param path orch.Path
---@param extensions string[]? what it may be, in lower case
---@return orch.deploy.Source source raises kind `os` and `usage`
function source.open(fname, path, extensions)
  local full = place.resolve(path)
  local info = look(fname, path, full)
  if info.type ~= "file" then
    arg.fail("%s: '%s' is no file: it is a %s", fname, path, info.type)
  end
  if extensions then check_extension(fname, path, extensions) end
  if info.size == 0 then
    arg.fail("%s: '%s' is empty; has the build gone wrong?", fname, path)
  end
  return setmetatable({
    fname = fname, path = full, shown = path, name = paths.basename(full),
    size = info.size, mtime = info.mtime, inode = info.inode, hashes = {},
  }, Source)
end

---A part of it, for the option `body` of a request.
---@param offset integer bytes
---@param length integer bytes
---@return {path: string, offset: integer, length: integer}
function Source:piece(offset, length)
  return { path = self.path, offset = offset, length = length }
end

---Raises kind `changed` when it is no longer what it was when the upload began.
---@async
function Source:check()
  local ok, info = pcall(entry.stat, self.path, true)
  if ok and info.size == self.size and info.mtime == self.mtime
    and info.inode == self.inode then
    return
  end
  if not ok and not (errors.is(info) and info.code == "ENOENT") then error(info, 0) end
  refuse("changed", { path = self.shown, retryable = false,
    message = "%s: '%s' %s while it was sent; nothing of it was published. Upload when the build "
      .. "is complete" }, self.fname, self.shown, ok and "changed" or "disappeared")
end

---The digest of all of it; remembered, unless the file changed meanwhile (kind `changed`).
---@async
---@param algorithm "md5"|"sha1"|"sha256"|"sha512"
---@return string digits
function Source:hash(algorithm)
  if not self.hashes[algorithm] then
    local digits = require("orch.fs").hash(self.path, algorithm)
    self:check()
    self.hashes[algorithm] = digits
  end
  return self.hashes[algorithm]
end

---What tells this state of the file from any other.
---@return string
function Source:identity()
  return ("%s %d %.6f"):format(self.path, self.size, self.mtime)
end

return source
