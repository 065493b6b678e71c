--- The connections of a database that only read: some for statements, and one for each
--- rows() that is being read.
---
---     local reader <close> = readers:take()
---     reader.conn:ask(...)

local arg = require "orch.arg"
local connection = require "orch.db.sqlite.connection"
local park = require "orch.core.park"

local readers = {}

--- A hundred rows() at once are a mistake, each with a thread and a snapshot of the file.
local MOST_LENT = 100

---@class orch.db.Reader
---@field conn table
local Reader = { __name = "orch.db.reader" }
Reader.__index = Reader

---@class orch.db.Readers
local Readers = { __name = "orch.db.readers" }
Readers.__index = Readers

function Reader:__close()
  self.pool:give(self)
end

local undo = {
  __close = function(self)
    if self.done then return end
    self.pool.count = self.pool.count - 1
    self.pool.waiting:wake() -- there is room for another attempt
  end,
}

local function add(self)
  self.count = self.count + 1
  local attempt <close> = setmetatable({ pool = self }, undo)
  local conn = connection.open(self.settings, "reader")
  attempt.done = true
  return setmetatable({ conn = conn, pool = self, below = false, is_lent = false }, Reader)
end

--- Those that nobody uses are a chain: to give one back needs no memory.
local function pop(self)
  local reader = self.idle
  if not reader then return nil end
  self.idle, reader.below = reader.below, false
  return reader
end

---Waits for its turn while all are in use.
---@async
---@return orch.db.Reader reader for `<close>`
function Readers:take()
  while true do
    local reader = pop(self)
    if reader then return reader end
    if self.count - self.lent < self.size then return add(self) end
    reader = self.waiting:wait()
    if reader then return reader end
  end
end

---One for as long as rows are read from it; never waits for another.
---@async
---@return orch.db.Reader reader
function Readers:lend()
  if self.lent >= MOST_LENT then
    arg.fail("db:rows: %d loops are reading from '%s' at this moment; that is too many",
      self.lent, self.settings.name)
  end
  self.lent = self.lent + 1
  local attempt <close> = setmetatable({}, { __close = function(a)
    if not a.done then self.lent = self.lent - 1 end
  end })
  local reader = pop(self) or add(self)
  attempt.done, reader.is_lent = true, true
  return reader
end

--- The writer's connection is closed behind the last one: that writes the log into the file,
--- and a reader cannot.
local function end_one(self, reader)
  if reader then
    reader.conn:close()
    self.count = self.count - 1
  end
  local writer = self.count == 0 and self.writer
  if not writer then return end
  self.writer = nil
  writer:close()
end

--- Those that were lent beyond the size are closed when they come back.
---@async
function Readers:give(reader)
  if reader.is_lent then self.lent, reader.is_lent = self.lent - 1, false end
  if self.closed then
    end_one(self, reader)
  elseif self.count - self.lent > self.size then
    self.count = self.count - 1
    reader.conn:close()
  elseif not self.waiting:wake(reader) then
    reader.below, self.idle = self.idle, reader
  end
end

---Closes those that nobody uses; the others are closed when they come back, and `writer` behind
---the last one.
---@async
---@param writer table? a connection
function Readers:close(writer)
  self.closed, self.writer = true, writer
  for reader in pop, self do end_one(self, reader) end
  end_one(self)
end

---@private
function Readers:waiting_text()
  return ("a reader of '%s', all %d are in use"):format(self.settings.name, self.size)
end

---@param settings orch.db.SQLiteSettings
---@return orch.db.Readers
function readers.new(settings)
  local self = setmetatable({ settings = settings, size = settings.readers, idle = false,
    count = 0, lent = 0 }, Readers)
  self.waiting = park.new(self)
  return self
end

return readers
