--- One connection to a SQLite file: opening it, and what its failures mean.
---
---     local conn = connection.open(settings, "reader")

local clock = require "orch.core.clock"
local core = require "orch.core.sqlite"
local failure = require "orch.db.failure"
local params = require "orch.db.params"
local value = require "orch.db.value"

local connection = {}

--- What comes first when a call of `core` has failed; a table follows.
local FAILED = core.adopt(value.Blob, value.null, params.check)
connection.FAILED = FAILED

--- Shapes of answers, for `ask`.
connection.ROWS, connection.ROW, connection.VALUE, connection.CHANGES = 0, 1, 2, 3

--- Sentences for what has nothing to do with the statement, and what to do about it.
local explained = {
  SQLITE_BUSY = function(settings)
    return ("the database is locked: another process or connection has been writing%s for longer "
      .. "than %gs (option `busy`)"):format(settings.wal and ""
      or ", or (without `wal`) a rows() loop reading,", settings.busy)
  end,
  SQLITE_BUSY_SNAPSHOT = "another connection has written since this transaction began to read; "
    .. 'begin what will write with mode = "immediate"',
  SQLITE_FULL = "the disk is full (or the file has reached its largest size)",
  SQLITE_READONLY = function(settings)
    if settings.mode == "r" then
      return 'the database was opened with mode = "r", for reading only'
    end
    return "the file, or its folder, may not be written; to read it, "
      .. 'open it with mode = "r"'
  end,
  SQLITE_NOTADB = "the file is no SQLite database, or it is encrypted",
  SQLITE_CORRUPT = "the file is damaged; restore a backup, or save what can be read with "
    .. "`sqlite3 FILE .recover`",
  SQLITE_NOMEM = "not enough memory",
  SQLITE_INTERRUPT = "the statement was stopped",
}

--- Why a file cannot be opened, as far as one can see.
local function cannot_open(settings)
  local fs = require "orch.fs"
  local entry = fs.exists(settings.path) and fs.stat(settings.path)
  if entry then
    if entry.type == "folder" then return "the path is a folder, not a file" end
    return "the file cannot be opened: permission denied, too many open files, or a folder that "
      .. "may not be written, which a write-ahead log needs even for reading (copy the file, or "
      .. "make it with wal = false)"
  end
  local folder = fs.path.dirname(settings.path)
  if not fs.exists(folder) then return ("the folder '%s' does not exist"):format(folder) end
  if settings.mode ~= "rwc" then
    return 'there is no such file; mode = "rwc" would make it'
  end
  return "the file cannot be made: its folder may not be written"
end

local function words_of(settings, detail)
  if detail.primary == "SQLITE_CANTOPEN" and not detail.sql then return cannot_open(settings) end
  local known = explained[detail.code] or explained[detail.primary]
  if type(known) == "function" then return known(settings) end
  return known or detail.words
end

local function hint_of(detail)
  local name = detail.words:match '^no such column: "?([^"]*)"?$'
  if name and detail.quoted then
    return ('text is written \'%s\', or better given as a parameter'):format(name)
  end
  if detail.rolled_back and detail.code ~= "SQLITE_ABORT" then
    return "the whole transaction was rolled back"
  end
end

local function raise_mismatch(fname, sql, given, detail)
  local wanted, names, seen = detail.wanted, {}, {}
  for i = 1, #wanted do
    if wanted[i] and not seen[wanted[i]] then names[#names + 1] = wanted[i] end
    seen[wanted[i] or false] = true
  end
  given = given or {}
  local by_name = next(given) == nil and #names > 0 and #names == #wanted -- all of them nil?
  if not by_name and not params.is_named(given) then params.list(fname, #wanted, given) end
  if #names == #wanted then params.same_names(fname, names, given) end
  require("orch.arg").fail("%s: the statement has %d parameters, of which %d have a name of "
    .. "their own; give them as a list", fname, #wanted, #names)
end

---Raises what a call of `core` told. Never with a parameter in it.
---@param settings orch.db.SQLiteSettings
---@param fname string
---@param sql string?
---@param given table?
---@param detail table
function connection.raise(settings, fname, sql, given, detail)
  if detail.wanted then raise_mismatch(fname, sql, given, detail) end
  if detail.needs_writer then
    detail.code, detail.primary, detail.words = "SQLITE_READONLY", "SQLITE_READONLY", ""
  end
  detail.quoted = sql and sql:find('"', 1, true)
  local words = words_of(settings, detail)
  if detail.row then words = ("row %d: %s"):format(detail.row, words) end
  failure.raise {
    database = ("'%s'"):format(settings.name), code = detail.code, words = words, sql = sql,
    offset = detail.offset, hint = hint_of(detail), path = settings.path, row = detail.row,
    constraint = detail.words:match "constraint failed: (.*)$",
    retryable = detail.primary == "SQLITE_BUSY" or detail.primary == "SQLITE_LOCKED",
  }
end

--- SQLite itself does not wait where two connections turn a new file to WAL at once.
local function set_up(conn, settings, use)
  local sql = settings.pragmas
  if use == "writer" and settings.wal then sql = "PRAGMA journal_mode = WAL;\n" .. sql end
  local until_time = clock.now() + settings.busy
  while true do
    local changes, detail = conn:statements(sql)
    if changes ~= FAILED then return end
    if detail.primary ~= "SQLITE_BUSY" or clock.now() >= until_time then
      connection.raise(settings, "db.sqlite", nil, nil, detail)
    end
    clock.sleep(0.01)
  end
end

---@async
---@param settings orch.db.SQLiteSettings
---@param use "reader"|"writer"
---@return table conn of orch.core.sqlite; raises kind `db`
function connection.open(settings, use)
  local mode = use == "reader" and "r" or settings.mode
  local conn, detail = core.open(settings.path, mode, settings.busy, use)
  if conn == FAILED then connection.raise(settings, "db.sqlite", nil, nil, detail) end
  local guard <close> = setmetatable({ conn }, { __close = function(open)
    if open[1] then open[1]:close() end
  end })
  set_up(conn, settings, use)
  guard[1] = nil
  return conn
end

return connection
