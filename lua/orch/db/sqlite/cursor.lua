--- rows(): a statement that is read some hundred rows at a time.

local connection = require "orch.db.sqlite.connection"
local unclosed = require "orch.unclosed"

local cursor = {}

---@class orch.db.Cursor
---@field private owner table a database or a transaction
local Cursor = {
  __name = "orch.db.cursor",
  leak = "the rows() of %s were neither read to the end nor closed: use them in a `for`, "
    .. "which does both",
}
Cursor.__index = Cursor

--- What has been read to the end gives its connection back at once.
local function finish(self)
  if self.over then return end
  self.over = true
  unclosed.remove(self)
  self.owner:end_cursor(self)
end

local NONE = {}

local function fetch(self)
  local _ <close> = self.owner:enter_cursor(self)
  if not self.core then
    self.core = self.conn:cursor(self.fname, self.sql, self.given, self.inside)
    unclosed.add(self)
  end
  local rows, last = self.core:fetch(self.size)
  if rows ~= connection.FAILED then return rows, last end
  if last.needs_writer or last.ask_writer then return nil end
  connection.raise(self.owner.settings, self.fname, self.sql, self.given, last)
end

--- What writes is done at once, however many rows it gives back.
local function write(self)
  finish(self)
  return self.owner:ask(self.fname, connection.ROWS, self.sql, self.given)
end

---@async
---@return table? row
function Cursor:next()
  local i = self.i + 1
  if not self.piece[i] and not self.over then
    local rows, last = fetch(self)
    if last then finish(self) end
    self.piece, i = rows or write(self), 1
  end
  self.i = i
  return self.piece[i]
end

---Needs no memory, and no cancellation gets into it.
---@async
function Cursor:close()
  if self.over then return end
  self.piece = NONE
  if self.core then self.core:close() end
  finish(self)
end

Cursor.__close = Cursor.close

---@param owner table with enter_cursor, end_cursor, settings
---@return orch.db.Cursor
function cursor.new(owner, fname, sql, given, size)
  return setmetatable({ owner = owner, fname = fname, sql = sql, given = given, size = size,
    piece = {}, i = 0, over = false }, Cursor)
end

return cursor
