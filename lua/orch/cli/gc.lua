-- `orch gc --keep N`: removes old runs: their folders, and what state.db knows of them.

local arg = require "orch.arg"
local command = require "orch.cli.command"
local history = require "orch.pipeline.history"
local project = require "orch.pipeline.project"
local text = require "orch.report.text"

-- A folder that is being removed is called so first: half a run is no run.
local GOING = ".gc-"

local units = { { 1 << 30, "GB" }, { 1 << 20, "MB" }, { 1 << 10, "kB" } }

local function size_text(bytes)
  for _, unit in ipairs(units) do
    if bytes >= unit[1] then return ("%.1f %s"):format(bytes / unit[1], unit[2]) end
  end
  return text.count(bytes, "byte")
end

-- When a run began, by its ID, which is in UTC.
local function age_of(id)
  local y, m, d, h, min, s = id:match "^(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d)"
  if not y then return 0 end
  local as_local = os.time { year = y, month = m, day = d, hour = h, min = min, sec = s,
    isdst = false }
  local now = os.time()
  local now_as_local = os.time(os.date("!*t", now))
  return now_as_local - as_local
end

local function is_live(run)
  local ok, found = pcall(history.load, run)
  if not ok and found.kind ~= "os" then error(found, 0) end
  return ok and found.status == "running"
end

--- The runs that go, and how many of those that would are at work.
local function choose(p, keep, older)
  local ids, chosen, live = project.runs(p), {}, 0
  for i = 1, #ids - keep do
    local run = project.run_folder(p, ids[i])
    if not older or age_of(ids[i]) > older then
      if is_live(run) then live = live + 1 else chosen[#chosen + 1] = run end
    end
  end
  return chosen, live, #ids - #chosen
end

local function left_over(p)
  local fs = require "orch.fs"
  if not fs.exists(p.orch .. "/runs") then return {} end
  local folders = {}
  for _, name in ipairs(fs.list(p.orch .. "/runs", { type = "folder" })) do
    if name:sub(1, #GOING) == GOING then folders[#folders + 1] = p.orch .. "/runs/" .. name end
  end
  return folders
end

local function remove(p, runs)
  local fs, ids = require "orch.fs", {}
  for i, run in ipairs(runs) do
    fs.move(run.folder, p.orch .. "/runs/" .. GOING .. run.id)
    ids[i] = run.id
  end
  for _, folder in ipairs(left_over(p)) do fs.remove(folder, { recursive = true }) end
  if #ids == 0 or not fs.exists(p.orch .. "/state.db") then return end
  local st <close> = require("orch.pipeline.state").open(p.orch .. "/state.db")
  if st.warning then io.stderr:write("orch: warning: ", st.warning, "\n") end
  st:forget_runs(ids)
end

local function sizes_of(p, runs)
  local fs, bytes = require "orch.fs", 0
  for _, run in ipairs(runs) do bytes = bytes + fs.size(run.folder) end
  for _, folder in ipairs(left_over(p)) do bytes = bytes + fs.size(folder) end
  return bytes
end

local function tell(asked, runs, bytes, kept, live)
  local what = ("%s %s (%s); %s"):format(asked.dry_run and "would remove" or "removed",
    text.count(#runs, "run"), size_text(bytes), text.count(kept, "run"))
  print(what .. (asked.dry_run and " would be left" or kept == 1 and " is left" or " are left")
    .. (live > 0 and (", %d of them at work"):format(live) or ""))
end

---@async
return command.new("gc", {}, function(asked, p)
  local keep = command.integer("--keep", asked.keep, 0)
  local older = asked.older and arg.duration("orch gc", "--older", asked.older)
  if not keep and not older then
    arg.fail "orch gc needs --keep N, --older DURATION or both: it removes what neither keeps"
  end
  local runs, live, kept = choose(p, keep or 0, older)
  local bytes = sizes_of(p, runs)
  if asked.dry_run then
    for _, run in ipairs(runs) do print(run.id) end
  else
    remove(p, runs)
  end
  if asked.json then
    local json, ids = require "orch.json", {}
    for i, run in ipairs(runs) do ids[i] = run.id end
    return command.print_json { removed = json.array(ids), bytes = bytes, kept = kept,
      dry_run = asked.dry_run or false }
  end
  tell(asked, runs, bytes, kept, live)
end)
