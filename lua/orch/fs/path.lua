--- Paths as text: nothing here looks at the disk.
---
---     fs.path.join("out", "logs", "a.txt")  --> "out/logs/a.txt"

local arg = require "orch.arg"
local place = require "orch.place"

local path = {}

---Joins parts with "/"; an absolute part starts anew.
---@param ... string
---@return string
function path.join(...)
  local joined = ""
  for i = 1, select("#", ...) do
    local part = arg.check("fs.path.join", i, (select(i, ...)), "string")
    if part:sub(1, 1) == "/" or joined == "" then
      joined = part
    elseif part ~= "" then
      joined = joined .. (joined:sub(-1) == "/" and "" or "/") .. part
    end
  end
  return joined
end

--- Without the slashes at its end; "/" stays.
local function trim(p)
  return (p:gsub("(.)/+$", "%1"))
end

---The folder that the path is in: "." for a bare name.
---@param p string
---@return string
function path.dirname(p)
  p = trim(arg.check("fs.path.dirname", 1, p, "path"))
  local dir = p:match("^(.*)/[^/]*$")
  if not dir then return "." end
  return dir == "" and "/" or trim(dir)
end

---The last part of the path.
---@param p string
---@return string
function path.basename(p)
  p = trim(arg.check("fs.path.basename", 1, p, "path"))
  return p == "/" and p or p:match("[^/]*$")
end

local function split_name(p)
  local name = path.basename(p)
  local stem, extension = name:match("^(.+)(%.[^.]*)$")
  if not stem or stem:match("^%.+$") then return name, "" end
  return stem, extension
end

---The last part without its extension: "a.tar" for "x/a.tar.gz".
---@param p string
---@return string
function path.stem(p)
  arg.check("fs.path.stem", 1, p, "path")
  return (split_name(p))
end

---The extension with its dot: ".gz" for "x/a.tar.gz", "" for ".bashrc".
---@param p string
---@return string
function path.extension(p)
  arg.check("fs.path.extension", 1, p, "path")
  return select(2, split_name(p))
end

---Resolves "." and ".." as text (links are not looked at) and drops double and
---final slashes.
---@param p string
---@return string
function path.normalize(p)
  arg.check("fs.path.normalize", 1, p, "path")
  local root = p:sub(1, 1) == "/" and "/" or ""
  local parts = {}
  for part in p:gmatch("[^/]+") do
    if part == ".." and #parts > 0 and parts[#parts] ~= ".." then
      parts[#parts] = nil
    elseif part ~= "." and not (part == ".." and root ~= "") then
      parts[#parts + 1] = part
    end
  end
  local normal = root .. table.concat(parts, "/")
  return normal == "" and "." or normal
end

---The normalized absolute path, seen from the task's folder (see `orch.cd`).
---@param p string
---@return string
function path.absolute(p)
  arg.check("fs.path.absolute", 1, p, "path")
  return path.normalize(path.join(place.cwd(), p))
end

---Whether the path begins with "/".
---@param p string
---@return boolean
function path.is_absolute(p)
  return arg.check("fs.path.is_absolute", 1, p, "path"):sub(1, 1) == "/"
end

---The way from `base` (default: the task's folder) to the path, as text.
---@param p string
---@param base? string
---@return string
function path.relative(p, base)
  arg.check("fs.path.relative", 1, p, "path")
  arg.check("fs.path.relative", 2, base, "path?")
  local to, from = {}, {}
  for part in path.absolute(p):gmatch("[^/]+") do to[#to + 1] = part end
  for part in path.absolute(base or "."):gmatch("[^/]+") do from[#from + 1] = part end
  local same = 0
  while same < #to and same < #from and to[same + 1] == from[same + 1] do
    same = same + 1
  end
  local up = ("../"):rep(#from - same)
  local relative = trim(up .. table.concat(to, "/", same + 1))
  return relative == "" and "." or relative
end

---Whether the path matches the patterns of `fs.glob`, exclusions included.
---@param p string
---@param patterns string|string[]
---@return boolean
function path.matches(p, patterns)
  arg.check("fs.path.matches", 1, p, "path")
  return require("orch.fs.pattern").compile("fs.path.matches", 2, patterns)(p)
end

return arg.public("orch.fs.path", path)
