-- Runs test files one after the other and their cases in order.
--
--   local total = runner.run({ "tests/lock_test.lua" }, { timeout = 60 }, out)
--   print(total.passed, total.failed)

local case = require "orch.test.case"
local clock = require "orch.test.clock"
local report = require "orch.cli.report"
local suite = require "orch.test.suite"

local runner = {}

local function globals()
  local test = require "orch.test"
  return {
    describe = test.describe, it = test.it, expect = test.expect,
    before_each = test.before_each, after_each = test.after_each,
    test = test,
  }
end

-- Loading is guarded like a case: a file may wait, and hang, at its top level.
local function load_cases(path, limit)
  local cases
  local ok, err = case.guarded(path, limit, function()
    cases = suite.load(path, globals())
  end)
  if not ok then return nil, err end
  local leaks = require("orch.core.runtime").leaks()
  if #leaks == 0 then return cases end
  return nil, require("orch.error").new {
    kind = "leftover", message = table.concat(leaks, "\n"),
  }
end

---A name contains the pattern as it is, or matches it as a Lua pattern. A name
---that is the pattern hides all others: so one case can be run again alone.
---@param cases orch.TestCase[]
---@param pattern? string
---@return orch.TestCase[]
function runner.select(cases, pattern)
  if not pattern then return cases end
  local exact, loose = {}, {}
  for _, one in ipairs(cases) do
    if one.name == pattern then exact[#exact + 1] = one end
    local ok, found = pcall(string.find, one.name, pattern)
    if one.name:find(pattern, 1, true) or ok and found then
      loose[#loose + 1] = one
    end
  end
  return #exact > 0 and exact or loose
end

-- What is printed and written of a failed case.
local function explain(file, entry, err, leftovers, color)
  entry.report = {}
  if err ~= nil then
    entry.report = report.lines(err, color, entry.name)
    local message, where = report.sentence(err)
    entry.message = message
    if not where then
      entry.report[1] = file.path .. ":" .. entry.line .. ": "
        .. entry.report[1]
    end
    entry.kind = type(err) == "table" and err.kind or "error"
  end
  for _, sentence in ipairs(leftovers) do
    entry.report[#entry.report + 1] = sentence
    entry.message = entry.message or sentence
    entry.kind = entry.kind or "leftover"
  end
end

local function count_secrets()
  local secrets = package.loaded["orch.secrets"]
  return secrets and secrets.count() or 0
end

-- A case takes its secrets with it, or the word "wrong", once said to be a key, would be
-- masked in all others. What is told of it, lines of its source included, is masked before.
local function forget_secrets(count, entry)
  local secrets = package.loaded["orch.secrets"]
  if not secrets or secrets.count() == count then return end
  for _, key in ipairs { "report", "message", "reason" } do
    entry[key] = secrets.scrub(entry[key])
  end
  secrets.forget(count)
end

local function add(file, entry)
  file.cases[#file.cases + 1] = entry
  file[entry.status] = file[entry.status] + 1
end

local function broken_file(file, err, color)
  local entry = { name = file.path, line = 1, status = "failed", seconds = 0 }
  explain(file, entry, err, {}, color)
  add(file, entry)
end

local function no_cases(path)
  return require("orch.error").new {
    kind = "usage",
    message = path .. " has no cases; write it(\"does something\", "
      .. "function() ... end)",
  }
end

local function run_case(file, one, opts, out, total)
  total.current = ("%s:%d: %s"):format(file.path, one.line, one.name)
  local secrets = count_secrets()
  local outcome = case.run(one, opts.timeout)
  local entry = {
    name = one.name, filter = one.name, line = one.line,
    status = outcome.status, seconds = outcome.seconds,
    reason = outcome.reason, expectations = outcome.expectations,
  }
  if outcome.status == "failed" then
    explain(file, entry, outcome.error, outcome.leftovers, out.color)
  end
  forget_secrets(secrets, entry)
  add(file, entry)
  out:case_done(entry)
end

local function run_file(path, opts, out, total)
  local file = { path = path, passed = 0, failed = 0, skipped = 0,
    cases = {}, seconds = 0 }
  local started = clock.now()
  local cases, err = load_cases(path, opts.timeout)
  if not cases then
    broken_file(file, err, out.color)
  elseif #cases == 0 then
    broken_file(file, no_cases(path), out.color)
  else
    for _, one in ipairs(runner.select(cases, opts.filter)) do
      run_case(file, one, opts, out, total)
      total.current = nil
    end
  end
  file.seconds = clock.now() - started
  if #file.cases > 0 then out:file_done(file) end
  return file
end

---@class orch.TestTotal
---@field files table[] those with at least one case that was run
---@field passed integer
---@field failed integer
---@field skipped integer

---Runs files. Results are kept in `total` while it goes on, so that they are
---there also when it is interrupted.
---@async
---@param paths string[]
---@param opts {filter?: string, timeout: number}
---@param out orch.TestConsole
---@param total orch.TestTotal
function runner.run(paths, opts, out, total)
  for _, path in ipairs(paths) do
    local file = run_file(path, opts, out, total)
    if #file.cases > 0 then total.files[#total.files + 1] = file end
    for _, key in ipairs { "passed", "failed", "skipped" } do
      total[key] = total[key] + file[key]
    end
  end
end

---Prints "file:line: name" of every case that would run.
---@async
---@param paths string[]
---@param opts {filter?: string, timeout: number}
---@param out orch.TestConsole
---@return boolean ok false when a file could not be loaded
function runner.list(paths, opts, out)
  local all_loaded = true
  for _, path in ipairs(paths) do
    local cases, err = load_cases(path, opts.timeout)
    if not cases then
      all_loaded = false
      report.print(err)
    end
    for _, one in ipairs(runner.select(cases or {}, opts.filter)) do
      out:line(path .. ":" .. one.line .. ": " .. one.name)
    end
  end
  return all_loaded
end

return runner
