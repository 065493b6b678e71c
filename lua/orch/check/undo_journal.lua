--- What fixes have done, line by line, on the disk before they do it: so that it can be taken
--- back, by a person (`orch check --undo`) or, after a crash, by the next `orch check`.
---
---     journal.write(path, { event = "apply", n = 1, path = "Assets/a.png", changes = {...} })
---     for _, entry in ipairs(journal.read(path).entries) do print(entry.state) end
---
--- An entry is `applied` (in doubt: nobody has looked at the result), `kept`, `restored` or
--- `undone`. A last line that is torn was written by somebody who then did nothing.

local hex = require "orch.hex"
local json = require "orch.json"

local VERSION = 1

local journal = { VERSION = VERSION }

---@class orch.check.UndoEntry
---@field n integer
---@field path string
---@field rule string
---@field fix string
---@field label string
---@field changes orch.check.Change[]
---@field state "applied"|"kept"|"restored"|"undone"

--- Names of files need not be UTF-8, and JSON is.
local function pack(record)
  local copy = {}
  for key, value in pairs(record) do
    if (key == "path" or key == "name") and not utf8.len(value) then
      copy[key .. "_hex"] = hex(value)
    elseif key == "changes" then
      copy[key] = json.array {}
      for i, change in ipairs(value) do copy[key][i] = pack(change) end
    else
      copy[key] = value
    end
  end
  return copy
end

local function unpack(record)
  for _, key in ipairs { "path", "name" } do
    local digits = record[key .. "_hex"]
    if digits then
      record[key] = digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)
    end
  end
  for _, change in ipairs(record.changes or {}) do unpack(change) end
  return record
end

---Appends a record; it is on the disk when this returns.
---@async
---@param path string
---@param record table
function journal.write(path, record)
  require("orch.fs").append(path, json.encode(pack(record)) .. "\n", { sync = true })
end

local states = { kept = true, restored = true, undone = true }

local function take(found, record)
  if record.event == "begin" then
    found.time, found.version = record.time, record.version
  elseif record.event == "apply" then
    record.state = "applied"
    found.entries[#found.entries + 1] = unpack(record)
    found.by_n[record.n] = record
  elseif states[record.event] and found.by_n[record.n] then
    found.by_n[record.n].state = record.event
  end
end

---@async
---@param path string
---@return {entries: orch.check.UndoEntry[], time: number?, version: integer?} found
function journal.read(path)
  local fs = require "orch.fs"
  local found = { entries = {}, by_n = {} }
  if not fs.exists(path) then return found end
  for line in fs.lines(path) do
    local ok, record = pcall(json.decode, line)
    if ok and type(record) == "table" then take(found, record) end
  end
  return found
end

return journal
