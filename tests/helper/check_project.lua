-- A small project with rules and fixes, good and bad ones, for the tests of `orch check`.
--
--   local p = dofile(here .. "/helper/check_project.lua").new(test)
--   p:put("Assets/a.txt", "a\tb\n")
--   local result = p:check("--fix")

local fs = orch.fs

local rules = [[
local expand = { label = "turn tabs into spaces", safe = true, run = function(file)
  orch.fs.write(file.path, (orch.fs.read(file.path):gsub("\t", "  ")))
end }

check "text.tabs" {
  title = "Text files have no tabs", why = "Tabs look different everywhere.",
  files = "**/*.txt", config = { max = 0 },
  run = function(file, cfg)
    local _, n = orch.fs.read(file.path):gsub("\t", "")
    if n > cfg.max then
      file:error { "%d tabs", n, found = n, wanted = "at most " .. cfg.max, fix = "expand" }
    end
  end,
  fixes = { expand = expand },
}

check "text.shouting" {
  title = "Nobody shouts", files = "**/*.txt", severity = "warning",
  run = function(file)
    if orch.fs.read(file.path):find "!!" then file:problem { "it shouts", fix = "calm" } end
  end,
  fixes = { calm = { label = "say it calmly", safe = false, run = function(file)
    orch.fs.write(file.path, (orch.fs.read(file.path):gsub("!!+", ".")))
  end } },
}
]]

local Project = {}
Project.__index = Project

function Project:at(name) return self.folder .. "/" .. name end

function Project:put(name, text)
  fs.mkdir(fs.path.dirname(self:at(name)))
  fs.write(self:at(name), text)
end

function Project:read(name) return fs.read(self:at(name)) end

function Project:exists(name) return fs.exists(self:at(name)) end

--- `orch check` in the project, or in a folder of it.
function Project:check(...)
  local words = { "check", ... }
  local result = self.test.run(words, { cwd = self.cwd or self.folder, timeout = "60s",
    env = { GITHUB_ACTIONS = false, NO_COLOR = "1", COLUMNS = "100", PATH = self.path } })
  return result
end

--- The findings, as "severity rule path".
function Project:findings(...)
  local result = self:check("--json", ...)
  local list = {}
  for i, one in ipairs(orch.json.decode(result.stdout).findings) do
    list[i] = ("%s %s %s"):format(one.severity, one.rule, one.path)
  end
  return list, result
end

local helper = { rules = rules }

--- `test` is known in test files only.
function helper.new(test, text)
  local self = setmetatable({ folder = test.temp_dir(), test = test }, Project)
  self:put("checks/text.lua", text or rules)
  return self
end

return helper
