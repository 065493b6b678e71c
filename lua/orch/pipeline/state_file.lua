--- The file state.db: opened, made, and put aside when it is damaged.
---
---     local db, warning = state_file.open(".orch/state.db")

local errors = require "orch.core.error"
local project = require "orch.pipeline.project"
local sqlite = require "orch.core.sqlite"

local state_file = {}

--- Of the tables below, in the file's user_version.
local VERSION = 1

--- How long another process may be in the way, in seconds.
local BUSY = 30

--- Blobs are in a table of their own: the records of all jobs are read at every start,
--- without them.
local SCHEMA = ([[
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS job (
  script TEXT, name TEXT, definition BLOB, inputs_stamp BLOB,
  inputs_digest BLOB, outputs_stamp BLOB, outputs_digest BLOB, needs BLOB, value TEXT,
  digest BLOB, seconds REAL, run TEXT, time REAL, PRIMARY KEY (script, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blob (
  script TEXT, name TEXT, side TEXT, data BLOB, PRIMARY KEY (script, name, side));
CREATE TABLE IF NOT EXISTS run (
  id TEXT PRIMARY KEY, script TEXT, time REAL, args TEXT, pid INTEGER, status TEXT,
  elapsed REAL, ok INTEGER, skipped INTEGER, failed INTEGER, cancelled INTEGER
  ) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS duration (
  id INTEGER PRIMARY KEY, run TEXT, script TEXT, job TEXT, status TEXT, seconds REAL,
  attempts INTEGER, time REAL);
CREATE INDEX IF NOT EXISTS duration_of_job ON duration (script, job);
CREATE INDEX IF NOT EXISTS duration_of_run ON duration (run);
CREATE TABLE IF NOT EXISTS last_success (
  script TEXT, job TEXT, seconds REAL, PRIMARY KEY (script, job)) WITHOUT ROWID;
PRAGMA user_version = %d;
COMMIT]]):format(VERSION)

local function fail(message, ...)
  errors.throw(errors.make { kind = "state", message = message:format(...) })
end

--- SQLite itself does not wait where two processes turn a new file to WAL at once.
local function patiently(fn, ...)
  for _ = 1, 100 do
    local ok, err = pcall(fn, ...)
    if ok then return err end
    if err.code ~= "SQLITE_BUSY" then error(err, 0) end
    require("orch.core.clock").sleep(0.02)
  end
  return fn(...)
end

local function check_version(db, path)
  local version = db:query("PRAGMA user_version")[1][1]
  if version > VERSION then
    fail("'%s' was written by a newer orch (its version is %d, ours %d); use that orch, or "
      .. "move the file away: every job will then run once more", project.shown(path),
      version, VERSION)
  end
  return version
end

local function prepare(db, path)
  patiently(db.script, db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
  if check_version(db, path) < VERSION then patiently(db.script, db, SCHEMA) end
end

local function open(path)
  local db = sqlite.open(path, "rwc", BUSY)
  local ok, err = pcall(prepare, db, path)
  if ok then return db end
  db:close()
  error(err, 0)
end

local function is_folder(path)
  local stat = require("orch.fs").stat(path)
  return stat.type == "folder"
end

---Whether an error says that the file cannot be read as a database.
---@async
---@param err any
---@param path string
---@return boolean
function state_file.is_damage(err, path)
  if type(err) ~= "table" or err.kind ~= "db" then return false end
  if err.code == "SQLITE_NOTADB" or err.code == "SQLITE_CORRUPT" then return true end
  local ok, folder = pcall(is_folder, path)
  return ok and folder
end

---Moves the file and what belongs to it away; nothing is deleted.
---@async
---@param path string
---@return string warning
function state_file.put_aside(path)
  local fs = require "orch.fs"
  local stem = path .. ".damaged-" .. os.date "!%Y%m%d-%H%M%S"
  local aside, n = stem, 1
  while fs.exists(aside) do
    n = n + 1
    aside = stem .. "-" .. n
  end
  for _, suffix in ipairs { "", "-wal", "-shm" } do
    if fs.exists(path .. suffix) then fs.move(path .. suffix, aside .. suffix) end
  end
  return ("'%s' was damaged and is now '%s'; without it every job runs once more"):format(
    project.shown(path), project.shown(aside))
end

local refusals = { SQLITE_CANTOPEN = true, SQLITE_READONLY = true, SQLITE_PERM = true }

--- A sentence in the place of SQLite's words.
local function explain(err, path)
  if type(err) == "table" and err.kind == "db" and refusals[err.code] then
    fail("cannot write '%s' (%s); make it and its folder writable for you, or run in "
      .. "another folder with -C", project.shown(path), err.code)
  end
  error(err, 0)
end

--- Whether there is a file that can be read, or a sentence about why not.
local function look(path)
  local db = sqlite.open(path, "r", BUSY)
  local _ <close> = setmetatable({}, { __close = function(_, err)
    if err ~= nil then db:close() end
  end })
  check_version(db, path)
  db:query "SELECT name FROM job LIMIT 1"
  return db
end

local function empty()
  local db = sqlite.open(":memory:", "rwc", 0)
  db:script(SCHEMA)
  return db
end

---Opens the file to look at it: where there is none, or one that cannot be read, it is as
---if nothing had run yet, and nothing is made or moved.
---@async
---@param path string
---@return table db of orch.core.sqlite
---@return string? warning
function state_file.look(path)
  if not require("orch.fs").exists(path) then return empty() end
  local ok, db = pcall(look, path)
  if ok then return db end
  if type(db) ~= "table" or db.kind ~= "db" then error(db, 0) end
  return empty(), ("'%s' cannot be read (%s); it is as if nothing had run yet"):format(
    project.shown(path), db.code)
end

---Opens the file; makes it when there is none; a damaged one is put aside.
---@async
---@param path string
---@return table db of orch.core.sqlite
---@return string? warning that a damaged one was put aside
---Raises kind `state`: it cannot be written, or a newer orch made it; kind `db` otherwise.
function state_file.open(path)
  local ok, db = pcall(open, path)
  if ok then return db end
  if not state_file.is_damage(db, path) then explain(db, path) end
  local warning = state_file.put_aside(path)
  ok, db = pcall(open, path)
  if not ok then explain(db, path) end
  return db, warning
end

return state_file
