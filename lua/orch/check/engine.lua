--- A check: which files, which rules, what is known, what has to be run, and what came out.
---
---     local result = engine.run { ruleset = set, folder = "/home/ann/game" }

local answer = require "orch.check.answer"
local asset = require "orch.asset"
local cache = require "orch.check.cache"
local core = require "orch.core.task"
local doubt = require "orch.check.doubt"
local hex = require "orch.hex"
local key = require "orch.check.key"
local place = require "orch.place"
local plan = require "orch.check.plan"
local project_rule = require "orch.check.project_rule"
local runtime = require "orch.core.runtime"
local select = require "orch.check.select"
local settings = require "orch.check.settings"
local time = require "orch.time"
local track = require "orch.check.track"
local tree = require "orch.check.tree"
local work = require "orch.check.work"

local engine = {}

---@class orch.check.Request
---@field ruleset orch.check.Set
---@field folder string absolute, of the project
---@field paths string[]? files, folders and globs, relative to it; default: all
---@field files string[]? exactly these, instead
---@field only string[]? ids of rules, or globs of them
---@field cache boolean? false: nothing is remembered
---@field jobs integer? files looked at at once; default: processors x 4, at least 8
---@field on_finding fun(finding: orch.check.Finding)? hears of each as soon as it is found
---@field on_progress fun(done: integer, total: integer)?

local function by_scope(rules)
  local of_file, of_project = {}, {}
  for _, rule in ipairs(rules) do
    local list = rule.scope == "file" and of_file or of_project
    list[#list + 1] = rule
  end
  return of_file, of_project
end

--- A folder that is named is all that is in it.
local function wanted_of(request)
  if request.files then
    local set = {}
    for _, path in ipairs(request.files) do set[path] = true end
    return function(path) return set[path] or false end
  end
  local paths = request.paths
  if not paths or #paths == 0 then return nil end
  for _, path in ipairs(paths) do if path == "." then return nil end end
  return select.matcher(paths)
end

local function hex_keys(rules, keys)
  local out, always = {}, false
  for _, rule in ipairs(rules) do
    out[rule.id] = hex(keys.by_rule[rule.id])
    always = always or not rule.cache
  end
  return out, always
end

local function order(findings)
  table.sort(findings, function(a, b)
    if a.path ~= b.path then return a.path < b.path end
    if (a.line or 0) ~= (b.line or 0) then return (a.line or 0) < (b.line or 0) end
    if a.rule ~= b.rule then return a.rule < b.rule end
    return a.message < b.message
  end)
end

--- Several rules may have met the same broken file.
local function distinct(findings)
  local seen, out = {}, {}
  for _, finding in ipairs(findings) do
    local id = finding.key .. "\0" .. finding.message .. "\0" .. (finding.line or "")
    if not seen[id] then
      seen[id], out[#out + 1] = true, finding
    end
  end
  order(out)
  return out
end

local function count(findings)
  local counts = { error = 0, warning = 0, info = 0 }
  for _, finding in ipairs(findings) do
    counts[finding.severity] = counts[finding.severity] + 1
  end
  return counts
end

--- Files for which nothing is known, or not all.
local function check_files(state)
  local request, files = state.request, state.files
  local keys, always = hex_keys(state.of_file, state.keys)
  state.rows = state.store:files()
  local ask = { tree = state.tree, files = files, rows = state.rows, keys = keys,
    known_keys = state.store:rule_keys(), rules_id = plan.id_of(keys), always = always,
    partial = request.only ~= nil,
    selection = select.new(state.of_file), wanted = state.wanted }
  local made = plan.make(ask)
  state.count, state.checked, state.cached = made.count, made.todo, made.known
  for _, finding in ipairs(made.kept) do state:found(finding) end
  state.news = work.run { items = made.items, files = files, ask = ask, folder = request.folder,
    jobs = request.jobs or math.max(8, runtime.cpus() * 4), on_progress = request.on_progress,
    on_finding = function(finding) state:found(finding) end,
    volatile = function() state.volatile = true end }
  state:depends_on(ask.now)
  state:depends_on(state.news.depends)
end

--- Rows of files that are not there any more.
local function gone(state)
  local there, list = {}, {}
  for _, path in ipairs(state.files.paths) do there[path] = true end
  for path in pairs(state.rows) do
    if not there[path] then list[#list + 1] = path end
  end
  return list
end

local function list_files(state)
  state.files = state.tree:list(state.store:tree(), state.request.cache == false)
  local unread = state.files.unread
  if unread then
    state.volatile = true
    state:found(require("orch.check.run_rule").unread(unread.path, "cannot be read: "
      .. unread.reason))
  end
end

--- Everything: what `answer` could not give.
local function check_all(state)
  list_files(state)
  check_files(state)
  project_rule.run_all(state)
  if not state.wanted then settings.check(state) end
  doubt.drop(state)
  state.news.gone = not state.wanted and gone(state) or nil
  state.news.trees = { state.files.blob }
  if not state.volatile then state.news.answers = { answer.make(state) } end
end

local State = {}
State.__index = State

--- Findings of rules about the project may be about files that nobody asked for; a new file
--- may be why an old one has one.
local function is_asked_for(self, finding)
  if not self.wanted or self.wanted(finding.path) or self.sources[finding.path] then return true end
  for _, one in ipairs(finding.related or {}) do
    if self.wanted(one.path) then return true end
  end
  return false
end

--- What else was looked at. Where two have not seen the same, nobody knows what holds.
---@param stamps table<string, string|false>
function State:depends_on(stamps)
  for path, stamp in pairs(stamps) do
    local other = self.depends[path]
    self.depends[path] = (other == nil or other == stamp) and stamp
  end
end

function State:found(finding)
  if not is_asked_for(self, finding) then return end
  self.findings[#self.findings + 1] = finding
  if self.request.on_finding then self.request.on_finding(finding) end
end

local function open_state(request, store)
  local rules = require("orch.pipeline.glob").choose(request.ruleset.list, request.only)
  local of_file, of_project = by_scope(rules)
  local sources = {}
  for _, name in ipairs(request.ruleset.sources) do sources[name] = true end
  return setmetatable({ request = request, store = store, rules = rules, of_file = of_file,
    of_project = of_project, findings = {}, keys = key.of(rules), wanted = wanted_of(request),
    tree = tree.new(request.folder, request.ruleset.ignore), sources = sources, news = {},
    depends = {} }, State)
end

local function result_of(state, started)
  local request = state.request
  local findings = state.findings
  for _, finding in ipairs(request.ruleset.findings) do findings[#findings + 1] = finding end
  findings = distinct(findings)
  return { findings = findings, files = state.count, checked = state.checked,
    cached = state.cached, rules = state.rules, counts = count(findings),
    elapsed = time.time() - started, folder = request.folder, ruleset = request.ruleset,
    warning = state.store.warning }
end

--- What was learned is kept also where the task is cancelled right afterwards.
local function save(state)
  local s <close> = core.open("remember a check", nil, true, nil, false)
  state.store:save(state.news)
end

---Runs a check; never two at once: what rules look at is observed in one place.
---@async
---@param request orch.check.Request
---@return orch.check.Result
function engine.run(request)
  local started = time.time()
  local _ <close> = request.folder ~= place.cwd() and place.cd(request.folder) or nil
  local store <close> = request.cache == false and cache.none() or cache.open(request.folder)
  local state = open_state(request, store)
  if not answer.give(state) then
    local tracking <close> = track.open()
    local remembering <close> = setmetatable({}, { __close = function() asset.forget() end })
    asset.remember()
    check_all(state)
    save(state)
  end
  return result_of(state, started)
end

return engine
