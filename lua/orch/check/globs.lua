--- Globs as rules have them, turned into functions once; most are of a shape that needs no glob
--- machinery. The case of an extension does not count.
---
---     local list = globs.compile { "Assets/**/*.png", "!**/Old/**" }
---     local path, extension = globs.lower_extension "Assets/A.PNG"
---     globs.matches(list, path, globs.splitter(path))     --> true

local core = require "orch.core.walk"
local pattern = require "orch.fs.pattern"

local find, match, sub = string.find, string.match, string.sub

local globs = {}

--- Without characters that mean something in a glob.
local function is_literal(text)
  return not find(text, "[*?%[\\]")
end

local function begins_with(folder, test)
  local prefix = folder .. "/"
  local size = #prefix
  return function(path, parts)
    return sub(path, 1, size) == prefix and (not test or test(path, parts))
  end
end

local function ends_with(tail)
  local size = -#tail
  return function(path) return sub(path, size) == tail end
end

--- "**/*.png", "Assets/**", "Assets/**/*.png", a plain path; anything else goes to C. Second
--- result: the extension that a path must have to match, if there is one. Third: whether the
--- answer is the same for all files of one folder with the same extension.
local function compile_one(text)
  if text == "**" then return function() return true end, nil, true end
  if is_literal(text) then
    local test = begins_with(text)
    return function(path) return path == text or test(path) end, nil, false
  end
  local folder = match(text, "^(.*)/%*%*$")
  if folder and is_literal(folder) then return begins_with(folder), nil, true end
  local tail = match(text, "^%*%*/%*(%.[^.*?%[\\/]+)$")
  if tail then return ends_with(tail), tail, true end
  folder, tail = match(text, "^(.*)/%*%*/%*(%.[^.*?%[\\/]+)$")
  if folder and is_literal(folder) then
    return begins_with(folder, ends_with(tail)), tail, true
  end
  tail = match(text, "%*[^*?%[\\/]*(%.[^.*?%[\\/]+)$")
  local name = match(text, "[^/]*$")
  local by_place = name == "**" or name == "*" or tail ~= nil and name == "*" .. tail
  return function(_, parts) return core.match(text, parts()) or false end, tail, by_place
end

--- "T_Crate.D.PNG" is as good as ".png": globs in rules do not look at the case of what comes
--- after the last dot, as artists' tools do not. So patterns are in lower case there. Second
--- result: the extension.
---@param path string
---@return string path, string extension
function globs.lower_extension(path)
  local extension = match(path, "%.([^./]*)$") or ""
  if not find(extension, "%u") then return path, extension end
  local lower = extension:lower()
  return sub(path, 1, -1 - #extension) .. lower, lower
end

--- An excluded folder excludes all that is in it.
local function compile_exclude(text)
  local test, _, by_place = compile_one(text)
  if find(text, "%*%*$") or is_literal(text) then return test, by_place end
  local below = compile_one(text .. "/**")
  return function(path, parts) return test(path, parts) or below(path, parts) end, false
end

---@class orch.check.Globs
---@field tests {test: function, extension: string?}[]
---@field excludes function[]
---@field by_place boolean the folder and the extension of a path decide

---@param patterns string[] "!x" excludes
---@return orch.check.Globs
function globs.compile(patterns)
  local includes, excludes = pattern.parse("files", 1, patterns)
  local out = { tests = {}, excludes = {}, by_place = true }
  for i, text in ipairs(includes) do
    local test, tail, by_place = compile_one((globs.lower_extension(text)))
    out.tests[i] = { test = test, extension = tail and match(tail, "([^.]*)$") }
    out.by_place = out.by_place and by_place
  end
  for i, text in ipairs(excludes) do
    local by_place
    out.excludes[i], by_place = compile_exclude((globs.lower_extension(text)))
    out.by_place = out.by_place and by_place
  end
  if #includes == 0 then out.tests[1] = { test = function() return true end } end
  return out
end

---@param list orch.check.Globs
---@param path string with an extension in lower case
---@param parts fun(): string[] of `splitter`
---@return boolean
function globs.matches(list, path, parts)
  local excludes, tests = list.excludes, list.tests
  for i = 1, #excludes do if excludes[i](path, parts) then return false end end
  for i = 1, #tests do if tests[i].test(path, parts) then return true end end
  return false
end

---The names in a path, split when somebody asks.
---@param path string
---@return fun(): string[]
function globs.splitter(path)
  local split
  return function()
    split = split or pattern.split(path)
    return split
  end
end

return globs
