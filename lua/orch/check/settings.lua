--- Settings that are for no file at all: a folder that was renamed, or a slip of the pen. One
--- such as "**/UI/**" is for any project, which may have no such folder.

local arg = require "orch.arg"
local file_class = require "orch.check.file"
local rules = require "orch.check.rule"
local select = require "orch.check.select"

local settings = {}

settings.rule = rules.pseudo {
  id = "rule.config", title = "Settings of rules are for files that are there",
  why = "Files that were meant to have a budget of their own silently get another one.",
  severity = "warning", files = { "checks/**/*.lua" }, cache = true,
}

local function is_used(pattern, paths)
  local matches = select.matcher { pattern }
  for _, path in ipairs(paths) do
    if matches(path) then return true end
  end
  return false
end

--- The folder in the pattern, if there is none but one with nearly that name.
local function similar(pattern, paths)
  local folder = pattern:match "^([^*?%[{]*)/"
  if not folder then return nil end
  local folders = {}
  for _, path in ipairs(paths) do
    local at = path:match "^(.*)/[^/]*$"
    while at and not folders[at] do
      folders[at], at = true, at:match "^(.*)/[^/]*$"
    end
  end
  if folders[folder] then return nil end
  return arg.suggest(folder, arg.keys_of(folders))
end

local function finding(rule, pattern, paths)
  local near = similar(pattern, paths)
  local one = { rule = settings.rule.id, severity = "warning", path = rule.source,
    line = rule.line, template = "no file matches",
    message = ("%s has settings for '%s', and no file matches that"):format(rule.id, pattern),
    hint = near and ("did you mean '%s'?"):format(near) or nil }
  one.key = file_class.key_of(one)
  return one
end

---Complains about entries of `config` that no file of the project matches.
---@param state table of orch.check.engine
function settings.check(state)
  local paths = state.files.paths
  for _, rule in ipairs(state.rules) do
    for _, entry in ipairs(rule.shipped and {} or rule.config) do
      local any = entry[1]:find "^%*%*"
      if not any and not is_used(entry[1], paths) then
        state:found(finding(rule, entry[1], paths))
      end
    end
  end
end

return settings
