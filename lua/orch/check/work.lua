--- Several files at a time: rules that wait for a thread or a server do not keep the others.
---
---     local news = work.run { items = plan.items, jobs = 8, ... }    -- rows for the cache

local each = require("orch.map").each
local file_class = require "orch.check.file"
local plan = require "orch.check.plan"
local run_rule = require "orch.check.run_rule"
local track = require "orch.check.track"

local work = {}

--- What a file's rules have said, as a row of the cache.
local function row_of(ask, item, runs)
  local findings, depends, ran = item.findings, item.depends, {}
  for n, run in ipairs(runs) do
    ran[n] = run.rule.id
    local id, keep = run.rule.id, not run.volatile and run.rule.cache
    findings[id] = run.findings[1] and run.findings or nil
    if keep then depends[id] = run.depends else depends[id] = false end
  end
  return { path = ask.files.paths[item.index], content = ask.files.contents[item.index],
    findings = findings, depends = depends, old_keys = item.old_keys, ran = ran }
end

--- Rules that were not asked for this time are known as they were.
local function keys_of(ask, row)
  if not row.old_keys then return ask.keys, ask.rules_id end
  local keys = {}
  for rule, key in pairs(row.old_keys) do keys[rule] = key end
  for rule, key in pairs(ask.keys) do keys[rule] = key end
  return keys, plan.id_of(keys)
end

--- What other files looked like is asked for once they have all been looked at.
local function complete(ask, rows)
  local paths = {}
  for _, row in ipairs(rows) do
    for _, depends in pairs(row.depends) do
      for path in pairs(depends or {}) do paths[path] = true end
    end
  end
  local now = ask.tree:stamps(paths)
  for _, row in ipairs(rows) do
    for _, depends in pairs(row.depends) do
      for path, stamp in pairs(depends or {}) do
        if stamp == true then depends[path] = now[path] end
      end
    end
  end
  return now
end

local function store(ask, rows)
  local sets, known = {}, {}
  for _, row in ipairs(rows) do
    local keys, id = keys_of(ask, row)
    row.rules = id
    if not known[id] then
      known[id], sets[#sets + 1] = true, { id = id, keys = keys }
    end
    row.findings = next(row.findings) and row.findings or nil
    row.depends = next(row.depends) and row.depends or nil
    row.old_keys = nil
  end
  return sets
end

---@class orch.check.Work
---@field items orch.check.Item[]
---@field files orch.check.Listing
---@field ask orch.check.Ask
---@field folder string
---@field jobs integer
---@field on_finding fun(finding: orch.check.Finding)
---@field on_progress fun(done: integer, total: integer)?
---@field volatile fun() something was found that cannot be kept

---Runs what has to be run.
---@async
---@param opts orch.check.Work
---@return {files: table[], rules: table[], depends: table<string, string|false>} news for the
---  cache; `depends`: what else was looked at
function work.run(opts)
  local items, files, rows, next_item, done = opts.items, opts.files, {}, 0, 0
  local late = {}
  local function worker()
    local slot <const>, guard <close> = track.slot(opts.folder)
    slot.late = late
    while next_item < #items do
      next_item = next_item + 1
      local item = items[next_item]
      local i = item.index
      local file = file_class.new(files.paths[i], files.sizes[i], files.times[i])
      local runs = item.todo[1] and run_rule.group(slot, file, item.todo, opts.on_finding) or {}
      for _, run in ipairs(runs) do
        run.on_finding = nil
        if run.volatile or not run.rule.cache then opts.volatile() end
      end
      rows[#rows + 1] = row_of(opts.ask, item, runs)
      done = done + 1
      if opts.on_progress then opts.on_progress(done, #items) end
    end
  end
  local workers = {}
  for n = 1, math.min(opts.jobs, #items) do workers[n] = n end
  each(workers, worker, { concurrency = math.max(1, #workers) })
  local depends = complete(opts.ask, rows)
  return { files = rows, rules = store(opts.ask, rows), depends = depends }
end

return work
