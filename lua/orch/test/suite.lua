-- Collects what a test file declares: describe, it and the hooks. Nothing runs
-- here.
--
--   local suite = suite.load("tests/lock_test.lua", test)
--   for _, case in ipairs(suite.cases) do print(case.name) end

local arg = require "orch.arg"

---@class orch.TestGroup
---@field title? string
---@field parent? orch.TestGroup
---@field before function[]
---@field after function[]
---@field options table
---@field skipped? string the reason

---@class orch.TestCase
---@field name string "outer > inner > title"
---@field line integer where `it` was called
---@field fn function
---@field group orch.TestGroup
---@field options {clock?: string, timeout?: number}

local OPTIONS = { clock = "string", timeout = "duration", skip = "string" }
local SEPARATOR = " > "

local suite = {}

-- The group that is being declared; nil outside of a test file.
local current, cases

local function need_file(what)
  if current then return end
  require("orch.error") {
    kind = "usage",
    message = what .. " belongs at the top of a *_test.lua file or inside "
      .. "describe, and is run by 'orch test'",
  }
end

local function options_of(what, given, group)
  local options = arg.options(what, given, OPTIONS)
  if options.clock and options.clock ~= "virtual" and options.clock ~= "real"
  then
    require("orch.error") {
      kind = "usage",
      message = what .. ": clock should be \"virtual\" or \"real\", not \""
        .. options.clock .. "\"",
    }
  end
  for key, value in pairs(group and group.options or {}) do
    if options[key] == nil then options[key] = value end
  end
  return options
end

local function new_group(title, parent, options)
  return {
    title = title, parent = parent, before = {}, after = {},
    options = options, skipped = options.skip,
  }
end

local function full_name(group, title)
  while group do
    if group.title then title = group.title .. SEPARATOR .. title end
    group = group.parent
  end
  return title
end

-- `describe(title, fn)` and `describe(title, options, fn)`.
local function split(what, title, options, fn)
  if fn == nil then options, fn = nil, options end
  arg.check(what, 1, title, "string")
  arg.check(what, options and 3 or 2, fn, "callable")
  return options, fn
end

---Groups cases; nests.
---@param title string
---@param options? {clock?: "virtual"|"real", timeout?: number|string, skip?: string}
---@param fn fun() declares the cases
function suite.describe(title, options, fn)
  need_file("describe")
  options, fn = split("describe", title, options, fn)
  local outer = current
  local group = new_group(title, outer,
    options_of("describe", options, outer))
  group.skipped = group.skipped or outer.skipped
  current = group
  fn()
  current = outer
end

-- The line of the test file that called `it`.
local function line_of_caller()
  for level = 3, 20 do
    local info = debug.getinfo(level, "Sl")
    if not info then return 0 end
    if info.what ~= "C" and info.source:sub(1, 6) ~= "=orch/" then
      return info.currentline
    end
  end
  return 0
end

---Declares a case; its body is a task.
---@param title string
---@param options? {clock?: "virtual"|"real", timeout?: number|string, skip?: string}
---@param fn async fun()
function suite.it(title, options, fn)
  need_file("it")
  options, fn = split("it", title, options, fn)
  local case_options = options_of("it", options, current)
  cases[#cases + 1] = {
    name = full_name(current, title),
    line = line_of_caller(),
    fn = fn,
    group = current,
    options = case_options,
    skipped = case_options.skip or current.skipped,
  }
end

---Runs before every case of the describe, in the case's task; outer ones first.
---@param fn async fun()
function suite.before_each(fn)
  need_file("before_each")
  arg.check("before_each", 1, fn, "callable")
  table.insert(current.before, fn)
end

---Runs after every case, also after one that failed or was cancelled, in the
---case's task; inner ones first, last declared first.
---@param fn async fun()
function suite.after_each(fn)
  need_file("after_each")
  arg.check("after_each", 1, fn, "callable")
  table.insert(current.after, fn)
end

---Skips the rest of the describe that is being declared.
---@param reason string
---@return boolean declared false when nothing is being declared
function suite.skip_group(reason)
  if not current then return false end
  current.skipped = reason
  return true
end

---Hooks of a case in the order in which they run.
---@param case orch.TestCase
---@return function[] before, function[] after
function suite.hooks(case)
  local before, after = {}, {}
  local group = case.group
  while group do
    table.move(before, 1, #before, #group.before + 1)
    table.move(group.before, 1, #group.before, 1, before)
    for i = #group.after, 1, -1 do after[#after + 1] = group.after[i] end
    group = group.parent
  end
  return before, after
end

-- Closes the declarations on every path, a cancelled one included.
local forget = setmetatable({}, {
  __close = function() current, cases = nil, nil end,
})

-- Tests of rules say `check`; who does not pays nothing for it.
local function read_global(_, name)
  if name == "check" then return require "orch.check" end
  return _G[name]
end

---Runs a test file's top level and gives its cases. The file has an environment
---of its own: it reads the globals and sets none.
---@async
---@param path string
---@param globals table<string, any> what the file sees besides the globals
---@return orch.TestCase[]
function suite.load(path, globals)
  local env = setmetatable({}, { __index = read_global })
  for name, value in pairs(globals) do env[name] = value end
  local chunk = require("orch.cli.script").load(path, env)
  local collected = {}
  current, cases = new_group(nil, nil, {}), collected
  local _ <close> = forget
  chunk()
  return collected
end

return suite
