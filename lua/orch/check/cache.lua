--- What checks have found, kept in `.orch/state.db`: by a file's content and by each rule's code
--- and configuration. Lost, it costs one check of everything.
---
---     local store = cache.open "/home/ann/game"
---     local files = store:files()      -- path -> { content, set, findings, depends }
---     store:save { files = changed, gone = paths, trees = { files.blob } }

local errors = require "orch.core.error"
local fs = require "orch.fs"
local json = require "orch.json"

local cache = {}

--- How many whole answers are kept: of other folders, of `--rule`, of the branch before.
local ANSWERS = 16

local SCHEMA = [[
CREATE TABLE IF NOT EXISTS check_file (
  path TEXT PRIMARY KEY, content BLOB, rules BLOB, findings TEXT, depends TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS check_rules (id BLOB PRIMARY KEY, keys TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS check_project (
  rule TEXT PRIMARY KEY, key BLOB, findings TEXT, depends TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS check_answer (
  key BLOB PRIMARY KEY, stamp BLOB, answer TEXT, time REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS check_tree (id INTEGER PRIMARY KEY, blob BLOB);]]

local DROP = SCHEMA:gsub("CREATE TABLE IF NOT EXISTS ([%w_]+)[^;]*", "DROP TABLE IF EXISTS %1")

---@class orch.check.Cache
---@field warning string? why there is none, or that a damaged one was put aside
---@field private db table?
---@field private path string?
local Cache = {}
Cache.__index = Cache

local function make_folder(folder)
  local orch = folder .. "/.orch"
  if not fs.exists(orch .. "/.gitignore") then
    fs.mkdir(orch)
    fs.write(orch .. "/.gitignore", "*\n")
  end
  return orch
end

local function open(folder)
  local path = make_folder(folder) .. "/state.db"
  local db, warning = require("orch.pipeline.state_file").open(path)
  local ok, err = pcall(db.script, db, SCHEMA)
  if ok then return db, path, warning end
  db:close()
  error(err, 0)
end

---Opens the project's. Where it cannot be written there is none, and all is checked anew.
---@async
---@param folder string absolute
---@return orch.check.Cache
function cache.open(folder)
  local ok, db, path, warning = pcall(open, folder)
  if ok then return setmetatable({ db = db, path = path, warning = warning }, Cache) end
  if not errors.is(db) then error(db, 0) end
  return setmetatable({ warning = "nothing is remembered of this check: " .. tostring(db) }, Cache)
end

---None at all: nothing is known and nothing is kept.
---@return orch.check.Cache
function cache.none()
  return setmetatable({}, Cache)
end

--- From here on it is as if there were none: a full disk, a damaged file, tables of another
--- version. What cannot be read is in nobody's way tomorrow.
local function give_up(self, err)
  if not errors.is(err) or err.kind ~= "db" then error(err, 0) end
  local state_file = require "orch.pipeline.state_file"
  local is_damaged = state_file.is_damage(err, self.path)
  if not is_damaged and err.code == "SQLITE_ERROR" then pcall(self.db.script, self.db, DROP) end
  self:close()
  self.warning = is_damaged and state_file.put_aside(self.path)
    or "nothing is remembered of this check: " .. tostring(err)
end

local function query(self, ...)
  if not self.db then return {} end
  local ok, rows = pcall(self.db.query, self.db, ...)
  if ok then return rows end
  give_up(self, rows)
  return {}
end

local function blob(bytes)
  return require("orch.core.sqlite").blob(bytes)
end

---A whole answer: what the same question had, and the state of the tree then.
---@async
---@param key string 16 bytes: rules, and what was asked
---@return string? stamp
---@return table? answer
function Cache:answer(key)
  local row = query(self, "SELECT stamp, answer FROM check_answer WHERE key = ?", { blob(key) })[1]
  if row then return row[1], json.decode(row[2]) end
end

---@async
---@return string? blob of the tree as it was last
function Cache:tree()
  local row = query(self, "SELECT blob FROM check_tree WHERE id = 1")[1]
  return row and row[1]
end

---@class orch.check.FileRow
---@field content string 16 bytes
---@field rules string id of the keys under which it was checked
---@field findings table<string, orch.check.Finding[]>? by rule; nil: all is well
---@field depends table<string, table<string, string>>? rule -> path -> what it looked like

---What is known of files. The texts are decoded when they are asked for.
---@async
---@return table<string, table> rows path -> { path, content, rules, findings, depends }
function Cache:files()
  local known = {}
  local rows = query(self, "SELECT path, content, rules, findings, depends FROM check_file")
  for i = 1, #rows do known[rows[i][1]] = rows[i] end
  return known
end

---@async
---@return table<string, table<string, string>> keys id -> rule -> its key
function Cache:rule_keys()
  local sets = {}
  for _, row in ipairs(query(self, "SELECT id, keys FROM check_rules")) do
    sets[row[1]] = json.decode(row[2])
  end
  return sets
end

---@async
---@return table<string, table> rows rule -> { rule, key, findings, depends }
function Cache:projects()
  local known = {}
  for _, row in ipairs(query(self, "SELECT rule, key, findings, depends FROM check_project")) do
    known[row[1]] = row
  end
  return known
end

local function encode(value)
  return value and json.encode(value)
end

local statements = {
  { "gone", "DELETE FROM check_file WHERE path = ?", function(path) return { path } end },
  { "files", "INSERT OR REPLACE INTO check_file VALUES (?, ?, ?, ?, ?)", function(row)
    return { row.path, blob(row.content), blob(row.rules), encode(row.findings),
      encode(row.depends), n = 5 }
  end },
  { "rules", "INSERT OR REPLACE INTO check_rules VALUES (?, ?)", function(row)
    return { blob(row.id), json.encode(row.keys) }
  end },
  { "projects", "INSERT OR REPLACE INTO check_project VALUES (?, ?, ?, ?)", function(row)
    return { row.rule, blob(row.key), encode(row.findings), encode(row.depends), n = 4 }
  end },
  { "answers", "INSERT OR REPLACE INTO check_answer VALUES (?, ?, ?, ?)", function(row)
    return { blob(row.key), blob(row.stamp), json.encode(row.answer), os.time() }
  end },
  { "trees", "INSERT OR REPLACE INTO check_tree VALUES (1, ?)", function(bytes)
    return { blob(bytes) }
  end },
}

local FORGET = [[
DELETE FROM check_answer WHERE key NOT IN (
  SELECT key FROM check_answer ORDER BY time DESC LIMIT ]] .. ANSWERS .. [[);
DELETE FROM check_rules WHERE id NOT IN (SELECT rules FROM check_file)]]

---Writes what a check has learned, in one transaction.
---@async
---@param news {files: table[]?, gone: string[]?, rules: table[]?, projects: table[]?, answers: table[]?, trees: string[]?}
function Cache:save(news)
  if not self.db then return end
  local batch = {}
  for _, statement in ipairs(statements) do
    local rows = {}
    for _, row in ipairs(news[statement[1]] or {}) do
      -- Names that are no UTF-8 are no JSON: what they are in is not remembered.
      local ok, values = pcall(statement[3], row)
      if ok then rows[#rows + 1] = values end
    end
    if #rows > 0 then batch[#batch + 1] = { statement[2], rows } end
  end
  if #batch == 0 then return end
  local ok, err = pcall(function()
    self.db:batch(batch)
    if news.answers or news.files then self.db:script(FORGET) end
  end)
  if not ok then give_up(self, err) end
end

function Cache:close()
  if self.db then self.db:close() end
  self.db = nil
end

Cache.__close = Cache.close

return cache
