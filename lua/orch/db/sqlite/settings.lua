--- What a SQLite database is opened with: its options, checked, as each connection gets them.
---
---     local settings = settings_of("players.db", { busy = "30s" })

local arg = require "orch.arg"
local place = require "orch.place"

---@class orch.db.SQLiteOptions
---@field mode "rwc"|"rw"|"r"|nil default "rwc": made when it is not there; "r" only reads
---@field wal boolean? default true: those who read and the one who writes do not wait for
---  each other (a write-ahead log beside the file); false where the disk is a network's
---@field busy number|string? default 5 s: how long to wait for other processes that write
---@field readers integer? default 4: statements that read at the same time
---@field foreign_keys boolean? default true: they are enforced
---@field synchronous "off"|"normal"|"full"|"extra"|nil default "normal" with `wal`: a crash
---  of the machine may take the last transactions back, and damages nothing; else "full"
---@field pragma table<string, string|number|boolean>? further ones, for each connection

---@class orch.db.SQLiteSettings
---@field name string the path as the script has it
---@field path string as SQLite gets it
---@field single boolean ":memory:": one connection is all there is
---@field mode "r"|"rw"|"rwc"
---@field busy number seconds
---@field wal boolean
---@field readers integer
---@field pragmas string for each connection

local options = {
  mode = "string", wal = "boolean", busy = "duration", readers = "integer",
  foreign_keys = "boolean", synchronous = "string", pragma = "table",
}
local levels = { off = true, normal = true, full = true, extra = true }

local function pragmas_of(opts, wal)
  local level = opts.synchronous or (wal and "normal" or "full")
  if not levels[level] then
    arg.fail('db.sqlite: option `synchronous` should be "off", "normal", "full" or "extra", '
      .. "not %q", level)
  end
  local lines = { "PRAGMA synchronous = " .. level,
    "PRAGMA foreign_keys = " .. (opts.foreign_keys == false and "OFF" or "ON") }
  for _, name in ipairs(arg.keys_of(opts.pragma or {})) do
    local setting = opts.pragma[name]
    if not name:match "^[%a_]+$" or not tostring(setting):match "^[%w_.-]+$" then
      arg.fail("db.sqlite: option `pragma`: %s = %s is none", name, arg.describe(setting))
    end
    lines[#lines + 1] = ("PRAGMA %s = %s"):format(name, setting)
  end
  return table.concat(lines, ";\n")
end

---@param path orch.Path|":memory:"
---@param opts orch.db.SQLiteOptions?
---@return orch.db.SQLiteSettings settings raises kind `usage`
local function settings_of(path, opts)
  arg.check("db.sqlite", 1, path, "path")
  opts = arg.options("db.sqlite", opts, options)
  local mode, single = opts.mode or "rwc", path == ":memory:"
  if not (mode == "r" or mode == "rw" or mode == "rwc") then
    arg.fail('db.sqlite: option `mode` should be "rwc", "rw" or "r", not %q', mode)
  end
  local size = opts.readers or 4
  if size < 1 then arg.fail("db.sqlite: option `readers` should be at least 1, not %d", size) end
  local wal = opts.wal ~= false and not single
  local full = path
  if not single then
    full = mode == "r" and place.resolve(path) or place.target("db.sqlite", path)
  end
  return { name = path, path = full, single = single, mode = single and "rwc" or mode,
    busy = opts.busy or 5, wal = wal, readers = size, pragmas = pragmas_of(opts, wal) }
end

return settings_of
