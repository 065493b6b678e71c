--- What goes into an archive, as one flat list for C: name, path, text, mode of each.
---
---     sources.list("archive.create", { files = { "a.txt", { name = "b.txt", text = "b" } } })

local arg = require "orch.arg"
local paths = require "orch.fs.path"
local place = require "orch.place"

local source = {}

local function add(list, name, path, text, mode)
  local n = #list
  list[n + 1], list[n + 2], list[n + 3], list[n + 4] = name, path or false, text or false, mode
end

--- As it is found again: without "." and double slashes. What leaves the folder is C's to refuse.
local function clean(name)
  name = paths.normalize(name)
  return name == "." and "" or name
end

--- The name of a path in the archive: itself, unless it is from elsewhere.
local function name_of(path)
  local name = paths.normalize(path)
  if name:sub(1, 1) == "/" or name == ".." or name:sub(1, 3) == "../" then
    name = paths.basename(name)
  end
  return clean(name)
end

local function clean_name(fname, i, name)
  if name:find "\0" then arg.fail("%s: the name of files[%d] has a NUL byte", fname, i) end
  return name == "" and "" or clean(name)
end

local function add_file(fname, list, i, file)
  if type(file) == "string" then
    if file == "" or file:find "\0" then arg.fail("%s: files[%d] is no path", fname, i) end
    return add(list, name_of(file), place.resolve(file), nil, -1)
  end
  if type(file) ~= "table" then
    arg.fail("%s: files[%d] should be a path, { path =, name = } or { name =, text = }, not %s",
      fname, i, arg.describe(file))
  end
  local o = arg.options(fname .. ": files[" .. i .. "]", file,
    { path = "path", name = "string", text = "string", mode = "integer" })
  if o.path and o.text then
    arg.fail("%s: files[%d] has both a `path` and a `text`", fname, i)
  elseif o.path then
    local name = o.name and clean_name(fname, i, o.name) or name_of(o.path)
    return add(list, name, place.resolve(o.path), nil, -1)
  elseif not o.text or not o.name or o.name == "" then
    arg.fail("%s: files[%d] should have a `path`, or a `name` and a `text`", fname, i)
  end
  local mode = o.mode or 420
  if mode < 0 or mode > 511 then
    arg.fail("%s: the `mode` of files[%d] should be permissions, at most tonumber(\"777\", 8)",
      fname, i)
  end
  add(list, clean_name(fname, i, o.name), nil, o.text, mode)
end

---@param o {folder: string?, files: table?}
---@return any[] list
function source.list(fname, o)
  local list = {}
  if o.folder then add(list, "", place.resolve(o.folder), nil, -1) end
  for i, file in ipairs(o.files or {}) do add_file(fname, list, i, file) end
  if not o.folder and not o.files then
    arg.fail("%s: what should be in it? Use `folder` or `files`", fname)
  end
  return list
end

---What comes before every name, with a slash at its end.
---@param prefix string?
---@return string
function source.prefix(fname, prefix)
  if not prefix or prefix == "" then return "" end
  if prefix:find "\0" then arg.fail("%s: option `prefix` has a NUL byte", fname) end
  local name = clean(prefix)
  return name == "" and "" or name == "/" and "/" or name .. "/"
end

return source
