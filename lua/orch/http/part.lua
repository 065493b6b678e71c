--- The unfinished file of a download, beside its target: where it is, what is known of it,
--- and what becomes of it.

local change = require "orch.core.change"
local clock = require "orch.core.clock"
local entry = require "orch.core.entry"
local errors = require "orch.core.error"
local paths = require "orch.fs.path"
local place = require "orch.place"
local remove_now = require("orch.core.remove").remove_now

local part = {}

local LONGEST_NAME = 200 -- of a temporary's, well below what file systems allow
local counter = 0

local function fail(code, path, why)
  errors.throw(errors.make { kind = "os", code = code, path = path,
    message = ("cannot download to '%s': %s"):format(path, why) })
end

--- Where the file will be: links are followed, as fs.write does.
local function target_of(path)
  if path:sub(-1) == "/" then
    fail("EISDIR", path, "it is a folder; give the name of the file as well")
  end
  local full = place.resolve(path)
  for _ = 1, 40 do
    if not entry.exists(full, false) then
      local folder = paths.dirname(full)
      if not entry.exists(folder, true) then
        fail("ENOENT", path, ("there is no folder '%s'; fs.mkdir makes it"):format(folder))
      end
      return full
    end
    local info = entry.stat(full, false)
    if info.type == "folder" then
      fail("EISDIR", path, "it is a folder; give the name of the file as well")
    elseif info.type == "file" then
      return full, info.mode
    elseif info.type ~= "link" then
      fail("EINVAL", path, ("it is a %s; http.stream and its :save write to one"):format(info.type))
    end
    local to = info.target
    full = to:sub(1, 1) == "/" and to or paths.join(paths.dirname(full), to)
  end
  fail("ELOOP", path, "its links lead in a circle")
end

---@class orch.http.Part
---@field target string where the file will be
---@field path string where it is now
---@field note string? the file that says what it is part of
---@field known table? what is in there: etag, last_modified, url, total
local Part = {}
Part.__index = Part

local function temporary_name(target)
  counter = counter + 1
  local name = paths.basename(target):sub(1, LONGEST_NAME)
  local mark = ("%x%x"):format(math.floor(clock.now() * 1e6) & 0xffffffff, counter)
  return paths.join(paths.dirname(target), (".%s.%s.part"):format(name, mark))
end

--- A note may have been written by anybody; what it says goes into a header.
local function read_note(path)
  local ok, known = pcall(require("orch.json").load, path)
  if not ok or type(known) ~= "table" then return nil end
  for _, name in ipairs { "etag", "last_modified" } do
    local value = known[name]
    if type(value) ~= "string" or value:find "%c" then known[name] = nil end
  end
  return known
end

local function lock(path, part_path)
  local ok, guard = pcall(require "orch.fs.lock", part_path, { timeout = 0 })
  if ok then return guard end
  if guard.kind ~= "timeout" then error(guard, 0) end
  fail("EBUSY", path, "another download to it is running" .. (tostring(guard.message):match
    ": (process %d+)" or ""):gsub("^.+$", " (%0)"))
end

---@async
---@param path orch.Path the download's
---@param resume boolean
---@return orch.http.Part part to be closed
function part.open(path, resume)
  local target, mode = target_of(path)
  local self = setmetatable({ target = target, mode = mode }, Part)
  if not resume then
    self.path = temporary_name(target)
    return self
  end
  self.path, self.note = target .. ".part", target .. ".part.json"
  self.lock = lock(path, self.path)
  self.known = read_note(self.note)
  return self
end

---How much of it there is.
---@async
---@return integer bytes
function Part:size()
  if not entry.exists(self.path, true) then return 0 end
  return entry.stat(self.path, true).size
end

---Notes what it is part of, for a later call.
---@async
---@param known table
function Part:remember(known)
  self.known = known
  if self.note then require("orch.json").save(self.note, known) end
end

---An old file's mode is kept.
---@async
function Part:prepare()
  if not self.mode or entry.exists(self.path, true) then return end
  require("orch.core.file").write(self.path, "", "in_place", self.mode, false, false)
end

---Puts it in its place.
---@async
function Part:finish()
  change.move(self.path, self.target, true)
  self.done = true
  if self.note then remove_now(self.note) end
end

---Leaves nothing behind but what a later call can use.
---@param worth boolean whether it can
function Part:close(worth)
  if not self.done and not (self.note and worth) then
    remove_now(self.path)
    if self.note then remove_now(self.note) end
  end
  if self.lock then self.lock:release() end
end

return part
