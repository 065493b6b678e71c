--- Where a project keeps what orch remembers: `.orch` in the working directory.
---
---     local p = project.find()
---     local run = project.run(p, "last")
---     for record in events.read(run.events) do print(record.event) end

local arg = require "orch.arg"
local path = require "orch.fs.path"
local place = require "orch.place"

local project = {}

---@class orch.Project
---@field folder string the project's, absolute
---@field orch string its `.orch`

---@class orch.RunFolder
---@field id string
---@field folder string
---@field events string path of its events.jsonl

local function describe(folder)
  return { folder = folder, orch = folder == "/" and "/.orch" or folder .. "/.orch" }
end

---The project of the working directory, whether it has an `.orch` already or not.
---@return orch.Project
function project.here()
  return describe(path.absolute ".")
end

---The nearest folder with an `.orch`, from `folder` upwards.
---@async
---@param folder string? default: the working directory
---@return orch.Project project raises kind `usage` where there is none
function project.find(folder)
  local fs = require "orch.fs"
  local at = path.absolute(folder or ".")
  local from = at
  while true do
    local found = describe(at)
    if fs.exists(found.orch) then return found end
    local up = path.dirname(at)
    if up == at then break end
    at = up
  end
  arg.fail("there is no .orch in '%s' or above it: no pipeline has run here yet", from)
end

---@async
---@param p orch.Project
---@return string[] ids the oldest first
function project.runs(p)
  local fs = require "orch.fs"
  local folder = p.orch .. "/runs"
  if not fs.exists(folder) then return {} end
  local ids = {}
  for _, name in ipairs(fs.list(folder, { type = "folder" })) do
    if name:find "^%d+%-%d+%-%x+$" then ids[#ids + 1] = name end
  end
  return ids
end

---@param p orch.Project
---@param id string
---@return orch.RunFolder
function project.run_folder(p, id)
  local folder = p.orch .. "/runs/" .. id
  return { id = id, folder = folder, events = folder .. "/events.jsonl" }
end

local function by_prefix(ids, spec)
  local found = {}
  for _, id in ipairs(ids) do
    if id == spec then return { id } end
    if id:sub(1, #spec) == spec then found[#found + 1] = id end
  end
  return found
end

---@async
---@param p orch.Project
---@param spec string? an ID or the beginning of one, "last" (default), "-2": last but one
---@return orch.RunFolder run raises kind `usage` where it names none, or several
function project.run(p, spec)
  local ids = project.runs(p)
  if #ids == 0 then
    arg.fail("no pipeline has run in '%s' yet", p.folder)
  end
  if spec == nil or spec == "last" then return project.run_folder(p, ids[#ids]) end
  local back = spec:match "^%-(%d+)$"
  if back then
    local id = ids[#ids + 1 - math.tointeger(tonumber(back))]
    if not id then arg.fail("there are only %d runs, so there is no run %s", #ids, spec) end
    return project.run_folder(p, id)
  end
  local found = by_prefix(ids, spec)
  if #found == 1 then return project.run_folder(p, found[1]) end
  if #found > 1 then
    arg.fail("'%s' is the beginning of %d runs, of %s and %s for example", spec, #found,
      found[1], found[#found])
  end
  local near = arg.suggest(spec, ids)
  arg.fail("there is no run '%s'%s; see orch history", spec,
    near and ("; did you mean %s?"):format(near) or "")
end

local STRIDE = 64 -- of IDs within one second

---A new ID: the time (UTC) and four hexadecimal digits. It comes after all there are, also
---of the same second, and where the clock was set back.
---@param last string? the latest there is
---@return string
function project.new_id(last)
  local now = os.date "!%Y%m%d-%H%M%S"
  local time, digits = (last or ""):match "^(%d+%-%d+)%-(%x%x%x%x)$"
  if not time or time < now then return ("%s-%04x"):format(now, math.random(0, 0x7fff)) end
  local number = tonumber(digits, 16) + math.random(1, STRIDE)
  if number <= 0xffff then return ("%s-%04x"):format(time, number) end
  local day, second = time:match "^(%d+)%-(%d+)$"
  return project.new_id(("%s-%06d-0000"):format(day, math.tointeger(second) + 1))
end

local LONGEST = 120 -- of a folder's name; file systems take 255 bytes

---What a job's folder is called: bytes outside of [A-Za-z0-9._-] as %XX; a long name is
---cut, and told apart by its digest.
---@param name string
---@return string
function project.encode(name)
  local text = name:gsub("[^%w._-]", function(c) return ("%%%02X"):format(c:byte()) end)
  if text == "." or text == ".." then text = text:gsub("%.", "%%2E") end
  if #text <= LONGEST then return text end
  return text:sub(1, LONGEST - 17) .. "-" .. require("orch.hash").sha256(name):sub(1, 16)
end

---@param run_folder string
---@param job string
---@param attempt integer
---@return string path of the log, which is there only if anything was printed
function project.job_log(run_folder, job, attempt)
  return ("%s/jobs/%s/%d/log"):format(run_folder, project.encode(job), attempt)
end

---The path as a person in the working directory would write it.
---@param target string
---@return string
function project.shown(target)
  return path.relative(target, path.absolute ".")
end

---What the state and the logs call a script, however its path was typed: the path from the
---working directory.
---@param file string
---@return string
function project.script_name(file)
  if file == "-" or file == "(command line)" then return file end
  local name = project.shown(file)
  return name:sub(1, 1) == "-" and "./" .. name or name -- as it can be typed
end

---@async
---@param file string `.orch/lock` while any run works, the events of a run while that one does
---@return orch.fs.Lock? guard nil: another process holds it
---@return integer? pid of that process, where it is known
function project.try_lock(file)
  local ok, guard = pcall(require("orch.fs").lock, file, { timeout = 0 })
  if ok then return guard end
  if guard.kind == "timeout" then return nil, guard.pid end
  error(guard, 0)
end

return project
