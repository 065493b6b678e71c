--- Rules about the whole project: each sees all files that its globs find, and is run again
--- when one of them, or what else it looked at, has changed.
---
---     project_rule.run_all(state)

local checkpoint = require("orch.core.task").checkpoint
local code = require "orch.core.code"
local each = require("orch.map").each
local json = require "orch.json"
local plan = require "orch.check.plan"
local project_files = require "orch.check.project_files"
local run_rule = require "orch.check.run_rule"
local select = require "orch.check.select"
local track = require "orch.check.track"

--- So many files in one go: other tasks want to run as well.
local STRIDE = 4096

local project_rule = {}

--- The files that globs find, and a digest of their paths and contents.
local function choose(files, globs)
  local matches, list, parts = select.matcher(globs), {}, {}
  for i, path in ipairs(files.paths) do
    if i % STRIDE == 0 then checkpoint() end
    if matches(path) then
      list[#list + 1] = { path, files.sizes[i], files.times[i] }
      parts[#parts + 1], parts[#parts + 2] = path .. "\0", files.contents[i]
    end
  end
  return { list = list, digest = code.hash(table.concat(parts)) }
end

--- Its files, and a key over their paths and contents. Several rules have the same globs.
local function gather(state, rule)
  local name = table.concat(rule.files, "\0")
  local chosen = state.chosen[name] or choose(state.files, rule.files)
  state.chosen[name] = chosen
  return chosen.list, code.hash(state.keys.by_rule[rule.id] .. chosen.digest)
end

local function look_at(state, depends)
  local now = state.tree:stamps(depends)
  state:depends_on(now)
  return now
end

--- What is known of it, if that still holds.
local function known(state, row, key)
  if not row or row[2] ~= key then return nil end
  local depends = json.decode(row[4] or "{}")
  return plan.still_holds(depends, look_at(state, depends)) and json.decode(row[3] or "[]") or nil
end

local function run_one(state, rule, list)
  local slot <const>, guard <close> = track.slot(state.request.folder)
  local selection = select.new { rule }
  local subject = project_files.new(rule, selection, list)
  local config = rule.config[1] == nil and rule.config or {}
  return run_rule.one(slot, rule, subject, config)
end

local function check(state, rule, list, key, row)
  if #list == 0 then return end
  local findings = rule.cache and known(state, row, key)
  if not findings then
    local run = run_one(state, rule, list)
    findings = run.findings
    if run.volatile or not rule.cache then
      state.volatile = true
    else
      local news = state.news.projects
      news[#news + 1] = { rule = rule.id, key = key, findings = findings,
        depends = look_at(state, run.depends or {}) }
    end
  end
  for _, finding in ipairs(findings) do state:found(finding) end
end

---@async
---@param state table of orch.check.engine
function project_rule.run_all(state)
  state.news.projects, state.chosen = {}, {}
  if #state.of_project == 0 then return end
  local rows = state.store:projects()
  local todo = {}
  for i, rule in ipairs(state.of_project) do todo[i] = { rule, gather(state, rule) } end
  each(todo, function(one)
    local rule, list, key = table.unpack(one, 1, 3)
    check(state, rule, list, key, rows[rule.id])
  end)
end

return project_rule
