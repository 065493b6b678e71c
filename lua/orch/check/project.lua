--- Which project a check is about, and what of it: the words of a person in some folder
--- become paths relative to the project's.
---
---     local folder = project.find()
---     local paths = project.paths(folder, { "Assets", "*.png" })

local arg = require "orch.arg"
local fs = require "orch.fs"

local path = fs.path

local project = {}

local function has_rules(folder)
  return fs.exists(folder .. "/checks") and fs.stat(folder .. "/checks").type == "folder"
end

--- `orch check game`, from outside of a project, where the game has rules of its own.
local function is_project(word)
  return word ~= "" and has_rules(word) and #fs.glob("checks/*.lua", { cwd = word }) > 0
end

---The nearest folder with a folder `checks`, from here upwards, but not beyond the
---repository; otherwise the only PATH, if that has one; otherwise this one.
---@async
---@param words? string[] the PATHs
---@return string folder absolute
---@return string? word that names it
function project.find(words)
  local here = path.absolute "."
  local at = here
  while not has_rules(at) do
    local up = path.dirname(at)
    if up == at or fs.exists(at .. "/.git") then
      local only = words and #words == 1 and is_project(words[1]) and words[1] or nil
      return only and path.absolute(only) or here, only
    end
    at = up
  end
  return at
end

--- "" for the folder itself; nil where the path is not in it.
local function inside(folder, full)
  if full == folder then return "" end
  local start = folder == "/" and "/" or folder .. "/"
  return full:sub(1, #start) == start and full:sub(#start + 1) or nil
end

local function similar(full)
  local folder = path.dirname(full)
  local ok, names = pcall(fs.list, folder)
  return ok and arg.suggest(path.basename(full), names)
end

--- A name, taken as it is by what understands globs.
local function literal(text)
  return (text:gsub("[*?%[%]{}\\]", "\\%0"):gsub("^!", "\\!"))
end

local function add_existing(list, relative, full, word)
  if not fs.exists(full) then
    arg.fail("'%s' is a link that leads nowhere", require("orch.check.report.say").name(word))
  end
  local name = literal(relative)
  list[#list + 1] = name
  if name ~= relative and fs.stat(full, { follow = false }).type == "folder" then
    list[#list + 1] = name .. "/**"
  end
end

local function missing(word, full)
  local near = similar(full)
  local shown = word:match "^(.*/)" or ""
  local name = require("orch.check.report.say").name
  arg.fail("there is no '%s'%s", name(word),
    near and ("; did you mean '%s'?"):format(name(shown .. near)) or "")
end

local function is_there(full)
  return fs.exists(full, { follow = false })
end

--- What was typed is relative to where the person is; what a report has said, to the project.
local function add(list, folder, word)
  local full = path.absolute(word)
  local relative = inside(folder, full)
  if not (relative and is_there(full)) and is_there(folder .. "/" .. word)
    and not word:find "^/"
  then
    full = folder .. "/" .. path.normalize(word)
    relative = inside(folder, path.normalize(full))
  end
  if relative == "" then return true end
  if relative and is_there(full) then return add_existing(list, relative, full, word) end
  if not relative then
    arg.fail("'%s' is not in the project, which is '%s'; orch check -C FOLDER checks another "
      .. "one", word, folder)
  end
  if not word:find "[*?%[{]" then missing(word, full) end
  list[#list + 1] = relative
end

---@async
---@param folder string the project's, absolute
---@param words string[] what was typed; none: the folder that the person is in
---@return string[]? paths relative to it, or globs; nil: all of it. Raises kind `usage`
function project.paths(folder, words)
  if #words == 0 then words = { "." } end
  local list = {}
  for _, word in ipairs(words) do
    if word == "" then arg.fail "a PATH is empty" end
    if add(list, folder, word) then return nil end
  end
  return list
end

return project
