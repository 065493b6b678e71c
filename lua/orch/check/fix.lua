--- `orch check --fix`: fixes of findings are tried, looked at again, and kept only where they
--- have helped.
---
---     local result = fix.run { folder = folder, ruleset = set, check = check, unsafe = false }
---     for _, one in ipairs(result.fixed) do print(one.path, one.label) end
---
--- In rounds: of each file one finding is mended, different files at once; then everything is
--- checked again (what has not changed is remembered), which says what helped and what is
--- still to be done. `orch.check.fix_copy` says what a fix may write.

local copies = require "orch.check.fix_copy"
local core = require "orch.core.error"
local errors = require "orch.core.error"
local judge = require "orch.check.fix_judge"
local select = require "orch.check.select"

local ROUNDS = 10
local LIMIT = 60 -- seconds that a fix may take

local fix = {}

---@class orch.check.FixRequest
---@field folder string the project's
---@field ruleset orch.check.Set
---@field check fun(): orch.check.Result checks everything that was asked for
---@field unsafe boolean? also fixes that change what a person has made
---@field jobs integer? at once
---@field progress string? the label of a bar
---@field on_created fun(paths: string[])? a fix has made or renamed files, to be checked as well

---@class orch.check.Fixed
---@field path string
---@field rule string
---@field fix string
---@field label string
---@field safe boolean
---@field undo string? ID of the session
---@field before table? picture
---@field after table? picture

---@class orch.check.Unfixed
---@field path string
---@field rule string
---@field fix string
---@field label string
---@field why string

---What can be done about a finding.
---@param ruleset orch.check.Set
---@param finding orch.check.Finding
---@return orch.check.Fix? one
---@return orch.check.Rule? rule
function fix.of(ruleset, finding)
  local rule = finding.fix and ruleset.by_id[finding.rule]
  return rule and rule.fixes[finding.fix], rule
end

local function id_of(finding)
  return table.concat({ finding.rule, finding.path, finding.key, finding.fix }, "\0")
end

---The findings to be mended next: no two of them of the same file.
---@param request orch.check.FixRequest
---@param result orch.check.Result
---@param tried table<string, boolean>
---@return {finding: orch.check.Finding, rule: orch.check.Rule, fix: orch.check.Fix}[]
function fix.plan(request, result, tried)
  local list, busy = {}, {}
  for _, finding in ipairs(result.findings) do
    local one, rule = fix.of(request.ruleset, finding)
    if one and (one.safe or request.unsafe) and not tried[id_of(finding)] then
      local paths, free = copies.paths(finding.path, one.with), true
      for _, path in ipairs(paths) do free = free and not busy[path] end
      if free then
        for _, path in ipairs(paths) do busy[path] = true end
        tried[id_of(finding)] = true
        list[#list + 1] = { finding = finding, rule = rule, fix = one }
      end
    end
  end
  return list
end

local function fail(text, ...)
  errors.throw(errors.make { kind = "fix", message = text:format(...) })
end

--- Its own errors are not taken for our limit.
local function run_limited(one, ...)
  local problem
  local ok, err = pcall(require("orch.scope").wait_for, function(...)
    local good, own = xpcall(one.run, core.handler, ...)
    if not good then problem = own end
  end, one.timeout or LIMIT, ...)
  if problem then error(problem, 0) end
  if ok then return end
  if not (errors.is(err) and err.kind == "timeout") then error(err, 0) end
  fail("it took longer than %g s and was stopped", one.timeout or LIMIT)
end

---Runs a fix on a copy.
---@async
---@param base string a folder for it alone
---@param request orch.check.FixRequest
---@param item {finding: orch.check.Finding, rule: orch.check.Rule, fix: orch.check.Fix}
---@return orch.check.Copy copy
---@return orch.check.Change[] changes raises whatever the fix raises
function fix.try(base, request, item)
  local copy = copies.take(base, request.folder, item.finding.path, item.fix.with)
  local config = select.new({ item.rule }):config(item.rule, item.finding.path) or {}
  do
    local _ <close> = require("orch.place").cd(request.folder)
    run_limited(item.fix, copy.file, config, item.finding)
  end
  local changes = copy:changes()
  if #changes == 0 then fail "it has changed nothing" end
  return copy, changes
end

---In a sentence, why a fix has failed.
---@param err any
---@return string
function fix.why(err)
  err = errors.normalize(err)
  if err.kind == "fix" then return err.message end
  local message, where = require("orch.cli.report").sentence(err)
  return where and ("%s (%s)"):format(message, where) or message
end

local function fixed_of(item, session, n, changes)
  local finding = item.finding
  local one = { path = finding.path, rule = finding.rule, severity = finding.severity,
    fix = finding.fix, label = item.fix.label, safe = item.fix.safe, undo = session.id }
  local kept = (".orch/undo/%s/%d/before/"):format(session.id, n)
  require("orch.check.fix_pictures").add(one, changes, kept)
  return one
end

local function unfixed_of(item, why)
  local finding = item.finding
  return { path = finding.path, rule = finding.rule, fix = finding.fix, label = item.fix.label,
    why = why }
end

--- One fix, as far as its result stands in its place.
local function mend(request, session, item)
  local n, base = session:place()
  local ok, copy, changes = xpcall(fix.try, core.handler, base, request, item)
  if not ok then return nil, fix.why(copy) end
  local entry = { n = n, changes = changes }
  ok, entry.entry = xpcall(session.apply, core.handler, session, { n = n, copy = copy,
    changes = changes, rule = item.rule.id, fix = item.finding.fix, label = item.fix.label })
  if ok then return entry end
  local why = fix.why(entry.entry)
  local begun = session:in_doubt(n)
  if begun then session:restore(begun) end
  return nil, why
end

--- All of a round, each file by itself.
local function mend_all(request, session, plan, out)
  local done = {}
  require("orch.map").each(plan, function(item)
    local entry, why = mend(request, session, item)
    if entry then
      done[#done + 1] = { item = item, entry = entry }
    else
      out.unfixed[#out.unfixed + 1] = unfixed_of(item, why)
    end
  end, { concurrency = request.jobs or math.max(2, require("orch.core.runtime").cpus()),
    progress = request.progress })
  return done
end

local function tell_created(request, done)
  local paths = {}
  for _, one in ipairs(done) do
    for _, change in ipairs(one.entry.changes) do
      if change.kind == "created" then paths[#paths + 1] = change.path end
    end
  end
  if #paths > 0 and request.on_created then request.on_created(paths) end
end

--- Keeps what has helped and takes the rest back; whether anything was.
local function settle(session, done, before, after, out)
  local taken_back = false
  for _, one in ipairs(done) do
    local problem = judge(one.item.finding, one.entry.changes, before, after)
    if problem then
      session:restore(one.entry.entry)
      out.unfixed[#out.unfixed + 1] = unfixed_of(one.item, problem)
      taken_back = true
    else
      session:keep(one.entry.entry)
      out.fixed[#out.fixed + 1] = fixed_of(one.item, session, one.entry.n, one.entry.changes)
    end
  end
  return taken_back
end

local function by_path(a, b)
  if a.path ~= b.path then return a.path < b.path end
  return a.rule < b.rule
end

---Mends what can be mended.
---@async
---@param request orch.check.FixRequest
---@return orch.check.Result result of the last check, with `fixed` and `unfixed`
function fix.run(request)
  local result, tried, out = request.check(), {}, { fixed = {}, unfixed = {} }
  local plan = fix.plan(request, result, tried)
  if #plan > 0 then
    local session <close> = require("orch.check.undo_session").begin(request.folder)
    for _ = 1, ROUNDS do
      local done = mend_all(request, session, plan, out)
      if #done > 0 then
        tell_created(request, done)
        local after = request.check()
        if settle(session, done, result, after, out) then after = request.check() end
        result = after
      end
      plan = fix.plan(request, result, tried)
      if #plan == 0 then break end
    end
  end
  table.sort(out.fixed, by_path)
  table.sort(out.unfixed, by_path)
  result.fixed, result.unfixed = out.fixed, out.unfixed
  return result
end

return fix
