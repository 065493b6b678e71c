-- The end of what a job printed, for reports that have room for a few lines.
--
--   local lines, path = log_tail(run_folder, job, 20)

local project = require "orch.pipeline.project"
local text = require "orch.report.text"

local BYTES = 64 * 1024 -- that are looked at, however long the log
local LONGEST = 1000 -- bytes of a line

-- A cut must not leave half a character: utf8 continues with 10xxxxxx.
local function shorten(line)
  if #line <= LONGEST then return line end
  local stop = LONGEST
  while line:byte(stop + 1) & 0xC0 == 0x80 do stop = stop - 1 end
  return line:sub(1, stop) .. "…"
end

local function last_bytes(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local _ <close> = file
  local size = file:seek "end"
  if not size or not file:seek("set", math.max(0, size - BYTES)) then return nil end
  local bytes = file:read(BYTES) or ""
  if size > BYTES then bytes = bytes:match "\n(.*)$" or bytes end
  return bytes
end

---Of the last attempt. Secrets are masked in the log already.
---@param folder string? of the run
---@param job orch.RunJob
---@param count integer lines at most
---@return string[] lines empty where nothing was printed
---@return string? path of the log, from `.orch` on
return function(folder, job, count)
  local attempt = job.attempts[#job.attempts]
  if not folder or not attempt then return {}, nil end
  local path = project.job_log(folder, job.name, attempt.number)
  local bytes = last_bytes(path)
  if not bytes then return {}, nil end
  -- A report is read elsewhere, where the folders above mean nothing.
  path = path:match "^.*/(%.orch/.*)$" or path
  local lines = {}
  for line in ((text.plain(bytes):match "^.*%S" or "") .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = shorten(line)
  end
  if #lines == 1 and lines[1] == "" then return {}, path end
  return table.move(lines, math.max(1, #lines - count + 1), #lines, 1, {}), path
end
