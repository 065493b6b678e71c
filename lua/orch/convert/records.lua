--- What was converted to what: a file of JSON lines, of which the last about an output counts.
--- It says what stands, and is written after that: a line that is lost or torn costs one
--- conversion.
---
---     local records <close> = records.open(".orch/convert.jsonl", items)

local errors = require "orch.core.error"
local fs = require "orch.fs"
local hash = require "orch.hash"
local json = require "orch.json"
local path = require "orch.fs.path"

local records = {}

--- A file with more lines that do not count any more than that is written anew.
local MOST_OLD = 1000
--- A file that was changed so shortly before we looked may change again without a trace: the
--- system's clock for files is a coarse one.
local YOUNG = 2 -- seconds

--- Names may be no UTF-8, and JSON has to be.
local function to_text(name)
  local bytes = utf8.len(name) and "%%" or "[%%\128-\255]"
  return (name:gsub(bytes, function(c) return ("%%%02X"):format(c:byte()) end))
end

local function from_text(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function state_of(name)
  local ok, stat = pcall(fs.stat, name)
  if ok and stat.type == "file" then
    return ("%d %d %.9f %.9f"):format(stat.size, stat.inode, stat.mtime, stat.ctime), stat
  end
end

---@class orch.convert.Records
---@field private path string
---@field private known table<string, table> outputs, hashed -> the last record
---@field private guard table the shared lock: while it is held nobody sweeps
---@field private own string a file of ours, whose name is part of our temporaries' names
---@field private begin string of the names of our temporaries
---@field private folders table<string, boolean> where temporaries of ours have been
---@field private count integer
local Records = {}
Records.__index = Records

--- The same wherever the project is.
---@private
function Records:key_of(item)
  local names, folder = {}, path.dirname(self.path)
  for i, full in ipairs(item.full) do names[i] = path.relative(full, folder) end
  return hash.md5(table.concat(names, "\0"))
end

local function read(file)
  local known, folders, lines = {}, {}, 0
  if not fs.exists(file) then return known, folders, lines end
  for line in fs.lines(file) do
    local ok, record = pcall(json.decode, line)
    lines = ok and lines + 1 or math.huge -- torn: what is appended would be a part of it
    if ok and type(record) == "table" then
      if type(record.folder) == "string" then folders[from_text(record.folder)] = true end
      if type(record.key) == "string" then known[record.key] = record end
    end
  end
  return known, folders, lines
end

local function append(file, list)
  local lines = {}
  for i, record in ipairs(list) do lines[i] = json.encode(record) .. "\n" end
  if #lines > 0 then fs.append(file, table.concat(lines)) end
end

local function rewrite(file, known, folders)
  local lines = {}
  for folder in next, folders do
    lines[#lines + 1] = json.encode { folder = to_text(folder) } .. "\n"
  end
  for _, record in next, known do lines[#lines + 1] = json.encode(record) .. "\n" end
  table.sort(lines)
  fs.write(file, table.concat(lines), { sync = false })
end

--- What killed runs have left in a folder. Nobody else is at work.
local function sweep(folder, begin)
  local ok, names = pcall(fs.list, folder)
  if not ok then return end
  for _, name in ipairs(names) do
    if name:sub(1, #begin) == begin then
      fs.remove(folder .. "/" .. name, { recursive = true, missing_ok = true })
    end
  end
end

--- Alone: clears up, and keeps the file short. Where somebody else is at work, later.
---@return table<string, table>? known
local function tidy(file, begin, planned)
  local ok, guard = pcall(fs.lock, file .. ".lock", { timeout = 0 })
  if not ok then
    if errors.is(guard) and guard.kind == "timeout" then return nil end
    error(guard, 0)
  end
  local _ <close> = guard
  local known, folders, lines = read(file)
  local fresh = {}
  for folder in next, planned do
    if not folders[folder] then fresh[#fresh + 1] = { folder = to_text(folder) } end
    folders[folder] = true
  end
  for folder in next, folders do sweep(folder, begin) end
  sweep(path.dirname(file), begin)
  local live = #fresh
  for _ in next, known do live = live + 1 end
  if lines - live > MOST_OLD then rewrite(file, known, folders) else append(file, fresh) end
  return known
end

local function make_folder(folder)
  fs.mkdir(folder)
  local ignore = folder .. "/.gitignore"
  if path.basename(folder) == ".orch" and not fs.exists(ignore) then fs.write(ignore, "*\n") end
end

---@async
---@param file string
---@param items orch.convert.Item[]
---@return orch.convert.Records records to be closed
function records.open(file, items)
  file = path.absolute(file)
  make_folder(path.dirname(file))
  local begin = ".orch-" .. hash.md5(file):sub(1, 8) .. "-"
  local planned = {}
  for _, item in ipairs(items) do
    for _, full in ipairs(item.full) do planned[path.dirname(full)] = true end
  end
  local known = tidy(file, begin, planned) or read(file)
  -- As long as this file is there, nobody else gets its name.
  local own = fs.temp_file { dir = path.dirname(file), prefix = begin }
  local guard = fs.lock(file .. ".lock", { shared = true }) -- the last to be waited for
  return setmetatable({ path = file, known = known, guard = guard, own = own,
    begin = begin .. own:sub(-6) .. "-", folders = {}, count = 0 }, Records)
end

function Records:__close()
  local _ <close> = self.guard
  local _ <close> = require("orch.scope").defer(function()
    -- Tools write logs and the like beside their outputs, under names made of ours.
    for folder in next, self.folders do sweep(folder, self.begin) end
    fs.remove(self.own, { missing_ok = true })
  end)
end

---A name beside an output, with the same ending, that nobody else has.
---@param full string
---@return string
function Records:temporary(full)
  local folder, name = path.dirname(full), path.basename(full)
  self.count, self.folders[folder] = self.count + 1, true
  return ("%s/%s%d.%s"):format(folder, self.begin, self.count, name:sub(-180))
end

--- Whether a file is what it was: without reading it, where that is certain.
local function is_same(name, record, sure)
  local state = state_of(name)
  if not state then return false, nil end
  if sure and state == record.state then return true, nil end
  return fs.hash(name, "md5") == record.digest, state
end

---What is known of the input before it is converted: to be noted when it is.
---@async
---@param item orch.convert.Item
---@param print string what is done with it
---@return table record raises kind `os`
function Records:look(item, print)
  local state, stat = state_of(item.input) -- nil: hashing it says why
  local young = stat and os.time() - stat.ctime < YOUNG or nil
  return { key = self:key_of(item), input = { state = state, young = young,
    digest = fs.hash(item.input, "md5") }, print = print }
end

---Whether nothing has to be done.
---@async
---@param item orch.convert.Item
---@param print string
---@return boolean
function Records:is_current(item, print)
  local record = self.known[self:key_of(item)]
  if not record or record.print ~= print then return false end
  if type(record.input) ~= "table" or type(record.outputs) ~= "table" then return false end
  local changed = false
  local same, state = is_same(item.input, record.input, not record.input.young)
  if not same then return false end
  if state then record.input, changed = { state = state, digest = record.input.digest }, true end
  for i, full in ipairs(item.full) do
    local output = record.outputs[i]
    if not output then return false end
    same, state = is_same(full, output, true)
    if not same then return false end
    if state then output.state, changed = state, true end
  end
  if changed then append(self.path, { record }) end
  return true
end

---Notes that the outputs stand.
---@async
---@param item orch.convert.Item
---@param record table of `look`
function Records:note(item, record)
  record.outputs = {}
  for i, full in ipairs(item.full) do
    record.outputs[i] = { state = state_of(full), digest = fs.hash(full, "md5") }
  end
  append(self.path, { record })
end

return records
