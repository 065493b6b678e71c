--- Rule files become a set of rules. A file that is broken is a finding; the others count.
---
---     local set = load { folder = "/home/ann/game" }

local arg = require "orch.arg"
local broken = require "orch.check.broken"
local code = require "orch.core.code"
local declare = require "orch.check.declare"
local errors = require "orch.core.error"
local fs = require "orch.fs"
local place = require "orch.place"
local script = require "orch.cli.script"
local shipped = require "orch.check.shipped"
local wait_for = require("orch.scope").wait_for

--- Seconds that the body of a rule file may take.
local LIMIT = 10

local function refuse(message, ...)
  errors.throw(errors.make { kind = "rules", message = message:format(...) })
end

--- A rule that ends the program ends all others, and nobody hears of it.
local quiet_os = setmetatable({
  exit = function()
    arg.fail "os.exit would end the whole check: use `return`, or file:error {}"
  end,
}, { __index = os })

--- Names that a rule file makes stay its own.
local function environment()
  local orch = require "orch"
  return setmetatable({ check = orch.check, orch = orch, os = quiet_os }, { __index = _G })
end

local function add_finding(set, finding)
  set.findings[#set.findings + 1] = finding
end

--- Runs one file; what it declared before it failed counts.
local function read_into(set, file, text)
  set.sources[#set.sources + 1] = file.source
  local reading <close> = declare.into(set, file)
  local ok, err = xpcall(function()
    local chunk = script.compile(text, file.source, "@" .. file.source, environment())
    wait_for(chunk, LIMIT)
  end, errors.handler)
  if not ok then add_finding(set, broken.finding(errors.normalize(err), { source = file.source })) end
end

local function read_shipped(set)
  for _, name in ipairs(shipped.files) do
    local text = shipped.text(name)
    if text then
      read_into(set, { source = shipped.path(name), shipped = true, text_key = code.hash(text) },
        text)
    end
  end
end

local function matches_any(patterns, id)
  local glob, chosen = require "orch.pipeline.glob", false
  local only_excludes = true
  for _, one in ipairs(patterns) do
    local excluded = one:match "^!(.*)$"
    if not excluded then only_excludes = false end
    if excluded and glob.matches(excluded, id) then return false end
    if not excluded and glob.matches(one, id) then chosen = true end
  end
  return chosen or only_excludes
end

--- A pattern that chooses nothing is a slip of the pen.
local function check_use(set, use, all)
  for _, one in ipairs(use.patterns) do
    local name, found = one:gsub("^!", ""), false
    for _, rule in ipairs(all.list) do
      if matches_any({ name }, rule.id) then found = true end
    end
    if not found then
      local near = arg.suggest(name, arg.keys_of(all.by_id))
      add_finding(set, broken.finding(errors.make { kind = "usage",
        where = use.source .. ":" .. use.line,
        message = ("check.use: no rule that comes with orch is called '%s'%s"):format(name,
          near and ("; did you mean '%s'?"):format(near) or "; orch check --list shows them") },
        { source = use.source }))
    end
  end
end

--- What `check.use` has asked for, behind the project's own rules.
local function add_used(set)
  if #set.used == 0 then return end
  local all = declare.open()
  read_shipped(all)
  for _, use in ipairs(set.used) do
    check_use(set, use, all)
    for _, rule in ipairs(all.list) do
      if matches_any(use.patterns, rule.id) and not set.by_id[rule.id] then
        set.by_id[rule.id] = rule
        set.list[#set.list + 1] = rule
      end
    end
  end
end

--- Rule files are no tests, and no list of waivers.
local function is_rule_file(name)
  return name:find "%.lua$" and not name:find "_test%.lua$"
    and not name:find "^waivers%.lua$" and not name:find "/waivers%.lua$"
end

local function files_in(folder)
  local list = {}
  for _, name in ipairs(fs.glob("**/*.lua", { cwd = folder, type = "file" })) do
    if is_rule_file(name) then list[#list + 1] = fs.path.join(folder, name) end
  end
  if #list == 0 then
    refuse("'%s' has no rule files (*.lua) in it; orch new check writes one", folder)
  end
  return list
end

--- Waivers or a baseline, for the rules that come with orch.
local function has_settings_only()
  if fs.stat("checks").type ~= "folder" then return false end
  for _, name in ipairs(fs.glob("**/*.lua", { cwd = "checks", type = "file" })) do
    if is_rule_file(name) then return false end
  end
  return fs.exists "checks/waivers.lua" or fs.exists "checks/baseline.jsonl"
end

--- Whoever reads rules again (--watch) reads their modules again.
local function forget_modules(entry)
  for name in pairs(package.loaded) do
    if package.searchpath(name, entry) then package.loaded[name] = nil end
  end
end

--- Modules of theirs lie beside rule files.
local function add_to_path(folder)
  local full = place.resolve(folder)
  local entry = full .. "/?.lua;" .. full .. "/?/init.lua"
  forget_modules(entry)
  if not package.path:find(entry, 1, true) then package.path = entry .. ";" .. package.path end
end

local function missing(path)
  local near = require("orch.cli.syntax").similar_file(path)
  refuse("there is no '%s', and so there are no rules%s", path,
    near and ("; did you mean '%s'?"):format(near)
    or "; orch new check writes some to begin with")
end

--- A folder is all the rule files below it.
local function find_files(paths)
  local list = {}
  for _, path in ipairs(paths) do
    if not fs.exists(path) then missing(path) end
    local is_folder = fs.stat(path).type == "folder"
    add_to_path(is_folder and path or fs.path.dirname(path))
    for _, file in ipairs(is_folder and files_in(path) or { path }) do list[#list + 1] = file end
  end
  return list
end

local function apply_changes(set)
  declare.apply(set, function(change, text)
    add_finding(set, broken.finding(errors.make { kind = "usage", message = text,
      where = change.source .. ":" .. change.line }, { source = change.source }))
  end)
end

local function as_list(value)
  return type(value) == "string" and { value } or value
end

---Reads rules: those of `rules`, or of the folder `checks`, or those that come with orch.
---@async
---@param opts {rules: string[]|string|nil, folder: string?, shipped: boolean?} `rules`: files
---  and folders; `folder`: the project's; `shipped`: those that come with orch, whatever is there
---@return orch.check.Set set raises kind `rules` where there is nothing to read
local function load(opts)
  local _ <close> = opts.folder and place.cd(opts.folder) or nil
  local set, paths = declare.open(), as_list(opts.rules)
  if not paths and not opts.shipped and fs.exists "checks" and not has_settings_only() then
    paths = { "checks" }
  end
  if paths then
    for _, path in ipairs(find_files(paths)) do
      read_into(set, { source = path }, script.read(place.resolve(path)))
    end
    add_used(set)
  else
    read_shipped(set)
    set.only_shipped = true
  end
  apply_changes(set)
  if #set.list == 0 and #set.findings == 0 then
    refuse("%s no rules: each begins with check \"a.name\" { ... }; orch new check writes one",
      paths and table.concat(paths, ", ") .. " declares" or "there are")
  end
  return set
end

return load
