--- The logs of a run as they go into a report: large ones with their first and their last
--- part, and all of them within a limit, so that the file can be sent to somebody.
---
---     local found = logs.collect(run, folder, 200 * 1024, 20 * 1024 * 1024)
---     found.of[job][2]    -- of the second attempt: { head = "...", tail = nil, size = 812 }

local project = require "orch.pipeline.project"

local logs = {}

--- Of a cut log, this much is its beginning: the end says more.
local HEAD = 1 / 4

---@class orch.ReportLog
---@field path string
---@field shown string the path from `.orch` on
---@field place integer of its job, from 0
---@field number integer of the attempt
---@field size integer bytes of the file
---@field left_out integer bytes that are not here
---@field head string
---@field tail string? when something between was left out

local function sizes(folder)
  local fs = require "orch.fs"
  local found = {}
  if not fs.exists(folder .. "/jobs") then return found end
  for entry in fs.walk(folder .. "/jobs", { type = "file", stat = true, unreadable = "skip" }) do
    found[entry.path] = entry.size
  end
  return found
end

local function list(run, folder)
  local size_of, all = sizes(folder), {}
  for place, job in ipairs(run.order) do
    for _, attempt in ipairs(job.attempts) do
      local path = project.job_log(folder, job.name, attempt.number)
      local size = size_of[path]
      if size and size > 0 then
        -- A report is read elsewhere, where the folders above mean nothing.
        all[#all + 1] = { job = job, place = place - 1,
          shown = path:match "^.*/(%.orch/.*)$" or path, number = attempt.number, path = path,
          size = size, failed = attempt.status == "failed" and job.state == "failed" }
      end
    end
  end
  return all
end

--- The largest limit per log with which all together stay below `total`.
local function fair_share(all, limit, total)
  local wanted, sum = {}, 0
  for i, log in ipairs(all) do
    wanted[i] = math.min(log.size, limit)
    sum = sum + wanted[i]
  end
  if sum <= total then return limit end
  table.sort(wanted)
  for i, size in ipairs(wanted) do
    local share = total // (#wanted - i + 1)
    if size >= share then return share end
    total = total - size
  end
  return limit
end

--- Failed jobs keep their logs whole, up to half of what there is; the others share.
local function limits(all, limit, total)
  local failed, others, used = {}, {}, 0
  for _, log in ipairs(all) do table.insert(log.failed and failed or others, log) end
  local failed_limit = fair_share(failed, limit, total // 2)
  for _, log in ipairs(failed) do used = used + math.min(log.size, failed_limit) end
  return failed_limit, fair_share(others, limit, total - used)
end

local function part(file, from, bytes)
  file:seek("set", from)
  return file:read(bytes) or ""
end

--- Both parts are cut at the ends of lines where there are any nearby.
local function ends(path, size, limit)
  local file <close> = io.open(path, "rb")
  if not file then return end
  local first = math.floor(limit * HEAD)
  local head, tail = part(file, 0, first), part(file, size - (limit - first), limit - first)
  local stop = head:match "^.*()\n"
  if stop and stop > #head // 2 then head = head:sub(1, stop) end
  local start = tail:find("\n", 1, true)
  if start and start < #tail // 2 then tail = tail:sub(start + 1) end
  return head, tail
end

local function load(log, limit)
  if log.size <= limit then
    local ok, content = require("orch.error").try(require("orch.fs").read, log.path)
    if not ok then return end
    log.head, log.left_out = content, 0
  else
    log.head, log.tail = ends(log.path, log.size, limit)
    if not log.head then return end
    log.left_out = log.size - #log.head - #log.tail
  end
  return log
end

---Reads them. A log that cannot be read is left out.
---@async
---@param run orch.RunModel
---@param folder string? of the run; nil: there are no logs
---@param limit integer bytes of one log
---@param total integer bytes of all
---@return {of: table<table, orch.ReportLog[]>, cut: integer, share: integer} found `cut`:
---  how many are not whole; `share`: the bytes that each was allowed
function logs.collect(run, folder, limit, total)
  local found = { of = {}, cut = 0, share = limit, limit = limit }
  if not folder then return found end
  local all = list(run, folder)
  local failed_limit
  failed_limit, found.share = limits(all, limit, total)
  for _, log in ipairs(all) do
    if load(log, log.failed and failed_limit or found.share) then
      found.of[log.job] = found.of[log.job] or {}
      found.of[log.job][log.number] = log
      if log.left_out > 0 then found.cut = found.cut + 1 end
    end
  end
  return found
end

return logs
