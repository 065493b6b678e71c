--- `check.expect`: what a rule says about a file, for tests beside the rules. The file is one
--- that lies there, or is made up from what its header would say.
---
---     check.expect("texture.size", { width = 4096 }):fails { found = "4096 x 4096" }
---     check.expect("texture.size", "data/T_Rock_D.png"):passes()

local arg = require "orch.arg"
local asset = require "orch.asset"
local core = require "orch.core.error"
local expect = require "orch.test.expect"
local fs = require "orch.fs"
local place = require "orch.place"
local run_rule = require "orch.check.run_rule"
local select = require "orch.check.select"
local subjects = require "orch.check.expect_subject"

local path = fs.path

---@class orch.check.Expected
---@field findings orch.check.Finding[] what the rule has said
---@field private what string
local Expected = {}
Expected.__index = Expected

local function one_line(finding)
  local text = ("%s: %s"):format(finding.severity, finding.message)
  for _, name in ipairs { "path", "found", "wanted", "hint", "fix" } do
    if finding[name] then text = text .. ("\n  %-7s %s"):format(name .. ":", finding[name]) end
  end
  return text
end

local function said(findings)
  local list = {}
  for i, finding in ipairs(findings) do list[i] = one_line(finding) end
  return #list > 0 and "it said:\n" .. table.concat(list, "\n") or "it said nothing"
end

---The rule has nothing to say.
---@return orch.check.Expected self
function Expected:passes()
  expect.judge(#self.findings == 0, ("expected %s to pass"):format(self.what), said(self.findings))
  return self
end

local wanted_fields = { found = "string|number|boolean", wanted = "string|number|boolean",
  severity = "string", message = "string", hint = "string", fix = "string", path = "string",
  line = "integer", pointer = "string" }

--- A message is a pattern, or a part of the text; everything else is compared as a whole.
local function fits(finding, wanted)
  for name, value in pairs(wanted) do
    local text = tostring(finding[name])
    if name == "message" or name == "hint" then
      local ok, found = pcall(string.find, text, value)
      if not (text:find(value, 1, true) or ok and found) then return false end
    elseif text ~= tostring(value) then
      return false
    end
  end
  return true
end

---@class orch.check.Wanted
---@field found? any
---@field wanted? any
---@field severity? orch.check.Severity
---@field message? string a pattern, or a part of the text
---@field hint? string a pattern, or a part of the text
---@field fix? string its name
---@field path? string
---@field line? integer
---@field pointer? string

---The rule complains: one of its findings has all that is given here.
---@param wanted? orch.check.Wanted
---@return orch.check.Expected self
function Expected:fails(wanted)
  wanted = arg.options("check.expect(...):fails", wanted, wanted_fields)
  local any = #self.findings > 0 and next(wanted) == nil
  for _, finding in ipairs(self.findings) do any = any or fits(finding, wanted) end
  local parts = {}
  for _, name in ipairs(arg.keys_of(wanted)) do
    parts[#parts + 1] = ("%s = %s"):format(name, tostring(wanted[name]))
  end
  local detail = #parts > 0 and " with " .. table.concat(parts, ", ") or ""
  expect.judge(any, ("expected %s to fail%s"):format(self.what, detail), said(self.findings))
  return self
end

--- The test file that asks, or nil where it is no file.
local function caller()
  for level = 3, 30 do
    local info = debug.getinfo(level, "S")
    if not info then return nil end
    if info.what ~= "C" and info.source:sub(1, 6) ~= "=orch/" then
      local name = info.source:match "^@(.*)$"
      return name and path.absolute(name)
    end
  end
end

--- The nearest folder, upwards, that has a folder `checks`.
local function project_of(folder)
  local at = folder
  while not (fs.exists(at .. "/checks") and fs.stat(at .. "/checks").type == "folder") do
    local up = path.dirname(at)
    if up == at then return folder end
    at = up
  end
  return at
end

local function complain(findings)
  local first = findings[1]
  core.throw(core.make { kind = "rules", message = ("%s:%d: %s"):format(first.path,
    first.line or 1, first.message) })
end

--- A folder `checks` that has only tests in it is as good as none.
local function load(opts)
  local ok, set = pcall(require "orch.check.load", opts)
  if ok then return set end
  if core.is(set) and set.kind == "rules" then return { by_id = {}, findings = {} } end
  error(set, 0)
end

--- The project's own rules go before those that come with orch.
local function find_rule(id, folder)
  local ids, broken = {}, nil
  for _, opts in ipairs { { folder = folder }, { folder = folder, shipped = true } } do
    local set = load(opts)
    if set.by_id[id] then return set.by_id[id] end
    for known in pairs(set.by_id) do ids[#ids + 1] = known end
    broken = broken or set.findings
  end
  if broken[1] then complain(broken) end
  local near = arg.suggest(id, ids)
  arg.fail("check.expect: there is no rule '%s'%s", id,
    near and ("; did you mean '%s'?"):format(near)
    or " in checks/ or among those that come with orch")
end

--- Rules that fail, and made-up files whose content was asked for, are no findings here.
local function judge_run(findings, made_up)
  for _, finding in ipairs(findings) do
    if finding.rule == "rule.broken" then complain { finding } end
    if finding.rule == run_rule.unreadable.id and made_up[finding.path] then
      arg.fail("check.expect: the rule looks into '%s', which is made up: give it a file that is "
        .. "there, or its `content`", finding.path)
    end
  end
end

local function config_of(rule, selection, file, opts)
  local config = selection:config(rule, opts.as or file.path)
  if not config and not opts.config then
    arg.fail("check.expect: the rule '%s' has no `config` for '%s'", rule.id, file.path)
  end
  local merged = {}
  for key, value in pairs(config or {}) do merged[key] = value end
  for key, value in pairs(opts.config or {}) do merged[key] = value end
  return merged
end

local function check_applies(rule, file, opts)
  if select.matcher(rule.files)(opts.as or file.path) then return end
  arg.fail("check.expect: the rule '%s' does not look at '%s'; its files are %s", rule.id,
    opts.as or file.path, table.concat(rule.files, ", "))
end

local function run_files(rule, stage, opts)
  local selection, findings = select.new { rule }, {}
  for _, file in ipairs(stage.files) do
    check_applies(rule, file, opts)
    local config = config_of(rule, selection, file, opts)
    local run = run_rule.one({ folder = stage.folder }, rule, file, config)
    table.move(run.findings, 1, #run.findings, #findings + 1, findings)
  end
  return findings
end

local function run_project(rule, stage, opts)
  local list = {}
  for i, file in ipairs(stage.files) do list[i] = { file.path, file.size, file.mtime } end
  local config = rule.config[1] == nil and rule.config or {}
  local merged = {}
  for key, value in pairs(config) do merged[key] = value end
  for key, value in pairs(opts.config or {}) do merged[key] = value end
  local files = require("orch.check.project_files").new(rule, select.new { rule }, list)
  return run_rule.one({ folder = stage.folder }, rule, files, merged).findings
end

--- A folder is a project of its own.
local function run_folder(rule, folder)
  return require("orch.check.engine").run { folder = folder, cache = false,
    ruleset = { list = { rule }, by_id = { [rule.id] = rule }, findings = {}, ignore = {},
      sources = {} } }.findings
end

---Runs one rule on a file, on several (of a rule about the whole project), or on a folder.
---@async
---@param id string of a rule: of `checks/` beside the test, or of those that come with orch
---@param subject table|string a path beside the test; or fields of a header, such as
---  `{ width = 4096, path = "Assets/UI/T_a_D.png" }` (also `size` and `mtime`; `content` makes a
---  real file); or a list of such; what is left out is that of an ordinary file
---@param opts? {config: table?, as: string?} `config`: instead of the rule's, key by key; `as`:
---  the path by which `config` and `files` are looked up, for a file that lies elsewhere
---@return orch.check.Expected
return function(id, subject, opts)
  arg.check("check.expect", 1, id, "string")
  arg.check("check.expect", 2, subject, "table|string")
  opts = arg.options("check.expect", opts, { config = "table", as = "string" })
  local test = caller()
  local beside = test and path.dirname(test) or place.cwd()
  local folder = project_of(beside)
  local rule = find_rule(id, folder)
  local forget <close> = setmetatable({}, { __close = function() asset.forget() end })
  asset.remember()
  local stage = subjects.prepare(rule, subject, { beside = beside, project = folder })
  local findings
  if stage.whole then
    findings = run_folder(rule, stage.folder)
  else
    local _ <close> = place.cd(stage.folder)
    findings = (rule.scope == "project" and run_project or run_files)(rule, stage, opts)
  end
  judge_run(findings, stage.made_up)
  return setmetatable({ findings = findings, what = ("'%s' with %s"):format(id, stage.what) },
    Expected)
end
