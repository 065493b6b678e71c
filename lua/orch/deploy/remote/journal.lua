--- What an unfinished upload has sent, on this machine: a line for each file, so that the next
--- run knows it exactly after a crash. Who is killed loses what was sent in the last moments, and
--- only the knowledge of it.
---
---     local sent <close> = journal.open { service = "ftp", target = url, source = "out/web",
---       resume = true }
---     sent:add(file)

local memos = require "orch.deploy.memo"

local journal = {}

---@class orch.deploy.remote.Journal
---@field data table of the memo
---@field private known table<string, {size: integer, mtime: number}>
---@field private memo orch.deploy.Memo
---@field private path string
---@field private file file*?
local Journal = {}
Journal.__index = Journal

--- Lines of size, time and name. A last one that is cut off counts for nothing.
local LINE <const> = "%d %a %s\n"

local function read(path)
  local fs, known = require "orch.fs", {}
  local ok, text = pcall(fs.read, path)
  for size, mtime, name in (ok and text or ""):gmatch "(%d+) (%S+) ([^\n]+)\n" do
    known[name] = { size = tonumber(size), mtime = tonumber(mtime) }
  end
  return known
end

---@async
---@param asked {service: string, target: string, source: string, resume: boolean}
---@return orch.deploy.remote.Journal journal `<close>`-able; no other process has it
function journal.open(asked)
  local memo = memos.open { service = asked.service, target = asked.target,
    source = { path = asked.source, identity = function() return asked.source end },
    resume = asked.resume }
  local self = setmetatable({ memo = memo, data = memo.data, known = {},
    path = memo.path:gsub("%.json$", "") .. ".sent" }, Journal)
  if asked.resume then
    self.known = read(self.path)
  else
    require("orch.core.remove").remove_now(self.path)
  end
  require("orch.fs").append(self.path, "", { mode = 384 }) -- 0600, as the memo
  return self
end

---Whether this very state of a file was sent.
---@param file {name: string, size: integer, mtime: number}
---@return boolean
function Journal:has(file)
  local one = self.known[file.name]
  return one ~= nil and one.size == file.size and one.mtime == file.mtime
end

---What it says counts only while the manifest is the one that it was: otherwise somebody else has
---uploaded meanwhile.
---@param mark string of the manifest that there is
function Journal:expect(mark)
  if self.data.mark and self.data.mark ~= mark then
    self.known = {}
    require("orch.core.remove").remove_now(self.path)
  end
  self.data.mark = mark
end

---@async
---@param mark string of the manifest that this upload has written
function Journal:mark(mark)
  self.data.mark = mark
  self:save()
end

---One write into the kernel's cache, which outlives this process: a trip to the pool for each of
---thousands of files would cost more.
---@param file {name: string, size: integer, mtime: number}
function Journal:add(file)
  self.known[file.name] = { size = file.size, mtime = file.mtime }
  self.file = self.file or assert(io.open(self.path, "a"))
  self.file:write(LINE:format(file.size, file.mtime, file.name))
  self.file:flush()
end

---Keeps `data`.
---@async
function Journal:save() self.memo:save() end

---The upload is complete: nothing is left to know.
---@async
function Journal:done()
  self.known = {}
  if self.file then self.file:close() end
  self.file = nil
  require("orch.core.remove").remove_now(self.path)
  self.memo:done()
end

function Journal:__close()
  if self.file then self.file:close() end
  self.memo:__close()
end

---For who only looks.
journal.none = {
  data = {},
  has = function() return false end,
  expect = function() end,
}

return journal
