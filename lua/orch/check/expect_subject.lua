--- What `check.expect` is given becomes files: those that are there, those with a content, and
--- those of which only a header is made up.
---
---     local stage = subjects.prepare(rule, { width = 4096 }, { beside = ..., project = ... })

local arg = require "orch.arg"
local asset = require "orch.asset"
local file_class = require "orch.check.file"
local fs = require "orch.fs"
local place = require "orch.place"

local subjects = {}

---@class orch.check.Stage
---@field folder string where the rule runs
---@field files orch.check.File[]
---@field made_up table<string, boolean> paths of which there is a header only
---@field what string for messages
---@field whole boolean? the folder is the subject

--- What a file has that says nothing else, by kind.
local ordinary = {
  image = { channels = 3, bits = 8, alpha = false, frames = 1, mips = 1, palette = false,
    interlaced = false },
  audio = { codec = "pcm", rate = 44100, channels = 1, bits = 16, duration = 1 },
  model = { vertices = 300, triangles = 100, primitives = 1, meshes = 1, nodes = 1, images = 0,
    materials = {}, textures = {}, references = {}, animations = 0, skins = 0, cameras = 0,
    lights = 0, bones = 0, uv = true, normals = true, non_finite = 0, units = "m" },
  font = { family = "Test", style = "Regular", weight = 400, embedding = "installable",
    variable = false },
  unity = { guid = ("0123456789abcdef"):rep(2), objects = 1, references = {} },
}

local function complete(info, given)
  for name, value in pairs(ordinary[info.kind] or {}) do
    if rawget(info, name) == nil then rawset(info, name, value) end
  end
  if info.kind ~= "image" then return end
  info.width = rawget(info, "width") or rawget(info, "height") or 256
  info.height = rawget(info, "height") or info.width
  if given.alpha == nil then info.alpha = info.channels == 4 or info.channels == 2 end
  if given.channels == nil and info.alpha then info.channels = 4 end
end

--- A path that the rule looks at: "**/*_N.{png,tga}" becomes Assets/T_Test_N.png.
local function example(rule)
  local text = "**"
  for _, one in ipairs(rule.files) do
    if one:sub(1, 1) ~= "!" then
      text = one
      break
    end
  end
  repeat
    local n
    text, n = text:gsub("{([^{},]*),?[^{}]*}", "%1")
  until n == 0
  text = text:gsub("^%*%*/", "Assets/"):gsub("%*%*/", ""):gsub("%*%*$", "test.txt")
  text = text:gsub("/%*%.", "/T_Test_D."):gsub("^%*%.", "T_Test_D."):gsub("%*", "T_Test")
  return (text:gsub("%[(.)[^%]]*%]", "%1"):gsub("%?", "x"))
end

local own = { path = true, size = true, mtime = true, content = true }

local function add_made_up(stage, rule, given)
  local path = given.path or example(rule)
  local fields, any = {}, false
  for name, value in pairs(given) do
    if not own[name] then fields[name], any = value, true end
  end
  local info = asset.pretend(path, fields)
  if info then
    complete(info, given)
  elseif any then
    arg.fail("check.expect: what kind of file is '%s'? Give `path` an extension that orch can read",
      path)
  end
  info = info or {}
  if given.size then info.size = given.size end
  stage.made_up[path] = true
  stage.files[#stage.files + 1] = file_class.new(path, given.size or 1024, given.mtime or 0)
end

local function add_content(stage, rule, given)
  local path = given.path or example(rule)
  fs.mkdir(fs.path.dirname(path))
  fs.write(path, given.content, { sync = false })
  local stat = fs.stat(path)
  stage.files[#stage.files + 1] = file_class.new(path, stat.size, given.mtime or stat.mtime)
end

--- Beside the test, or from the project's folder.
local function locate(name, where)
  for _, folder in ipairs { where.beside, where.project } do
    local full = fs.path.absolute(fs.path.join(folder, name))
    if fs.exists(full) then return full end
  end
  arg.fail("check.expect: there is no '%s' beside the test or in its project", name)
end

--- Relative to the project where the file is in it.
local function inside(folder, full)
  local start = folder .. "/"
  return full:sub(1, #start) == start and full:sub(#start + 1) or full
end

local function add_real(stage, name, where)
  local full = locate(name, where)
  local path = inside(stage.folder, full)
  local stat = fs.stat(full)
  stage.files[#stage.files + 1] = file_class.new(path, stat.size, stat.mtime)
end

local function has_content(list)
  for _, one in ipairs(list) do
    if type(one) == "table" and one.content then return true end
  end
  return false
end

local function text_of(subject)
  if type(subject) == "string" then return "'" .. subject .. "'" end
  if subject[1] ~= nil then return ("%d files"):format(#subject) end
  local parts = {}
  for _, name in ipairs(arg.keys_of(subject)) do
    local value = subject[name]
    parts[#parts + 1] = name .. " = " .. (type(value) == "string" and ("%q"):format(value)
      or tostring(value))
  end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "an ordinary file"
end

---@async
---@param rule orch.check.Rule
---@param subject table|string
---@param where {beside: string, project: string} folders
---@return orch.check.Stage
function subjects.prepare(rule, subject, where)
  local stage = { folder = where.project, files = {}, made_up = {}, what = text_of(subject) }
  if type(subject) == "string" then
    local full = locate(subject, where)
    if fs.stat(full).type == "folder" then
      stage.folder, stage.whole = full, true
      return stage
    end
    if inside(where.project, full) == full then stage.folder = fs.path.dirname(full) end
  end
  local list = type(subject) == "table" and subject[1] ~= nil and subject or { subject }
  if has_content(list) then stage.folder = fs.temp_dir() end
  local _ <close> = place.cd(stage.folder)
  for _, one in ipairs(list) do
    if type(one) == "string" then
      add_real(stage, one, where)
    else
      (one.content and add_content or add_made_up)(stage, rule, one)
    end
  end
  table.sort(stage.files, function(a, b) return a.path < b.path end)
  return stage
end

return subjects
