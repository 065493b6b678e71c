--- One rule and one file: what it says, what it looked at, and what becomes of its failures.
---
---     local slot, guard <close> = track.slot(folder)
---     local runs = run_rule.group(slot, file, { rule, config, rule, config })   -- one for each

local broken = require "orch.check.broken"
local errors = require "orch.core.error"
local file_class = require "orch.check.file"
local rules = require "orch.check.rule"
local tasks = require "orch.core.task"
local track = require "orch.check.track"
local wait_for = require("orch.scope").wait_for

--- So many files are waited for; a rule that hangs would else cost its time for each.
local MOST_TIMEOUTS = 3

local run_rule = {}

--- Findings about files that cannot be read, whichever rule wanted to.
run_rule.unreadable = rules.pseudo {
  id = "asset.broken", title = "Files can be read", severity = "error", files = { "**" },
  why = "A file that is cut off or damaged fails later: in the import, in the build, or at a "
    .. "player's.",
  cache = true,
}

---@class orch.check.Run
---@field rule orch.check.Rule
---@field path string? of the file
---@field findings orch.check.Finding[]
---@field depends table<string, boolean>? other paths that it looked at
---@field volatile boolean? it asked something else than files, or failed

local function new_run(rule, path, on_finding)
  return { rule = rule, path = path, findings = {}, on_finding = on_finding }
end

local function add(run, finding)
  run.findings[#run.findings + 1] = finding
  if run.on_finding then run.on_finding(finding) end
end

---A finding about a file that cannot be read. Of a pointer of Git LFS it is the very finding
---of the rule about those, so that nobody is told twice.
---@param path string
---@param reason string
---@param is_pointer boolean?
---@return orch.check.Finding
function run_rule.unread(path, reason, is_pointer)
  local finding = { rule = is_pointer and "files.lfs-pointer" or run_rule.unreadable.id,
    severity = "error", path = path, message = reason,
    template = is_pointer and reason or "cannot be read" }
  finding.key = file_class.key_of(finding)
  return finding
end

--- The file's fault, not the rule's: the reader said so, or the system. Second result: its path
--- as findings have it.
local function about_file(err, run, folder)
  if not errors.is(err) or type(rawget(err, "path")) ~= "string" then return false end
  local path = track.shape(err.path, folder)
  return err.kind == "format" or err.kind == "os" and path == run.path, path
end

--- Without the path, which the finding has already.
local function sentence(err)
  local start = "'" .. err.path .. "' "
  local text = err.message
  if text:sub(1, #start) == start then return text:sub(#start + 1) end
  return (text:gsub("'" .. err.path:gsub("%p", "%%%0") .. "'", "it", 1))
end

--- A rule that ran into a broken file has said all there is to say; any other failure is its own.
local function fail(run, err, folder)
  local is_file, path = about_file(err, run, folder)
  if is_file then
    local finding = run_rule.unread(path, sentence(err), rawget(err, "lfs"))
    -- Nothing is wrong with the file; the rule would see pixels that orch cannot read.
    if rawget(err, "unsupported") then finding.severity = "info" end
    return add(run, finding)
  end
  run.volatile = true
  add(run, broken.finding(err, { rule = run.rule, file = run.path }))
end

--- Tasks that it spawns end with it.
local function in_scope(rule, subject, config)
  local s <close> = tasks.open(rule.id, nil, false, nil, false)
  rule.run(subject, config)
end

--- Each begins in the project's folder, wherever the one before has gone.
local function call(slot, run, subject, config)
  if slot.locals then tasks.set_locals(slot.locals) end
  slot.run = run
  subject._run = run
  local ok, err = xpcall(in_scope, errors.handler, run.rule, subject, config)
  slot.run, subject._run = nil, nil
  if not ok then fail(run, errors.normalize(err), slot.folder) end
end

local function is_timeout(err)
  return errors.is(err) and err.kind == "timeout"
end

--- `slot.late`: how often each rule has hung in this check.
local function is_given_up(slot, rule)
  return slot.late and (slot.late[rule] or 0) >= MOST_TIMEOUTS
end

local function add_timeout(slot, rule, run)
  run.volatile = true
  local late = slot.late or {}
  late[rule] = (late[rule] or 0) + 1
  add(run, broken.timeout(rule, run.path, late[rule] == MOST_TIMEOUTS and MOST_TIMEOUTS or nil))
end

---One rule with its own limit.
---@async
---@param slot table of orch.check.track
---@param rule orch.check.Rule
---@param subject table a file, or all of them
---@param config table
---@param on_finding fun(finding: orch.check.Finding)?
---@return orch.check.Run
function run_rule.one(slot, rule, subject, config, on_finding)
  local run = new_run(rule, rawget(subject, "path"), on_finding)
  if is_given_up(slot, rule) then
    run.volatile = true
    return run
  end
  local ok, err = pcall(wait_for, call, rule.timeout, slot, run, subject, config)
  if ok then return run end
  slot.run, subject._run = nil, nil
  if not is_timeout(err) then error(err, 0) end
  add_timeout(slot, rule, run)
  return run
end

local function all_in_turn(slot, file, todo, runs, on_finding)
  for i = 1, #todo, 2 do
    local run = new_run(todo[i], file.path, on_finding)
    if is_given_up(slot, todo[i]) then
      run.volatile = true
    else
      call(slot, run, file, todo[i + 1])
    end
    runs[#runs + 1] = run
  end
end

local function shortest(todo)
  local least = math.huge
  for i = 1, #todo, 2 do least = math.min(least, todo[i].timeout) end
  return least
end

---Several rules for one file, under one limit for all: a limit each would cost more than most
---rules do. Only when that is over do they get their own.
---@async
---@param slot table
---@param file orch.check.File
---@param todo table[] rule, config, rule, config, ...
---@param on_finding fun(finding: orch.check.Finding)?
---@return orch.check.Run[]
function run_rule.group(slot, file, todo, on_finding)
  local runs = {}
  local ok, err = pcall(wait_for, all_in_turn, shortest(todo), slot, file, todo, runs, on_finding)
  if ok then return runs end
  slot.run, file._run = nil, nil
  if not is_timeout(err) then error(err, 0) end
  for i = 2 * #runs + 1, #todo, 2 do
    runs[#runs + 1] = run_rule.one(slot, todo[i], file, todo[i + 1], on_finding)
  end
  return runs
end

return run_rule
