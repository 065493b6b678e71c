--- Files by pattern: `**` is any number of folders, `*`, `?`, `[a-z]` and `[!a-z]`
--- stay inside one name, `{a,b}` is either, `!x` excludes.
---
---     for _, path in ipairs(fs.glob { "Assets/**/*.png", "!Assets/tmp" }) do ... end

local arg = require "orch.arg"
local core = require "orch.core.walk"
local entry = require "orch.core.entry"
local path = require "orch.fs.path"
local pattern = require "orch.fs.pattern"
local place = require "orch.place"

local options = {
  cwd = "path", type = "string", hidden = "boolean", follow = "boolean",
  unreadable = "string",
}

local types = { file = true, folder = true, link = true }

--- The parts before the first one with a wildcard, as a folder, and the others.
local function split_base(text)
  local parts, literal = pattern.split(text), 0
  while literal < #parts and not parts[literal + 1]:find("[*?%[\\]") do
    literal = literal + 1
  end
  local base = (text:sub(1, 1) == "/" and "/" or "")
    .. table.concat(parts, "/", 1, literal)
  return base, table.concat(parts, "/", literal + 1)
end

--- Patterns of one folder are answered by one walk.
local function group(includes)
  local bases, groups = {}, {}
  for _, text in ipairs(includes) do
    local base, rest = split_base(text)
    if not groups[base] then
      bases[#bases + 1], groups[base] = base, {}
    end
    table.insert(groups[base], rest)
  end
  return bases, groups
end

--- Exclusions are absolute where the patterns are, and relative where they are.
local function excludes_for(base, excludes, cwd)
  local list = {}
  local absolute = base:sub(1, 1) == "/"
  for _, text in ipairs(excludes) do
    if (text:sub(1, 1) == "/") == absolute then
      list[#list + 1] = text
    elseif absolute then
      list[#list + 1] = path.join(cwd, text)
    elseif text:sub(1, #cwd + 1) == cwd .. "/" then
      list[#list + 1] = text:sub(#cwd + 2)
    end
  end
  return list
end

--- Both sorted, without what they have in common twice.
local function merge(a, b)
  local out, i, j = {}, 1, 1
  while i <= #a or j <= #b do
    local from_a = j > #b or (i <= #a and a[i] <= b[j])
    local next_one = from_a and a[i] or b[j]
    if from_a and a[i] == b[j] then j = j + 1 end
    if from_a then i = i + 1 else j = j + 1 end
    out[#out + 1] = next_one
  end
  return out
end

--- A pattern without wildcards is a path that is there or not.
local function literal(base, opts, excludes, cwd)
  local allowed = #excludes == 0
    or pattern.compile_exclusions("fs.glob", 1, excludes)(base)
  local full = path.join(cwd, base)
  if not allowed or not entry.exists(full, false) then return {} end
  if opts.hidden == false and path.basename(base):sub(1, 1) == "." then return {} end
  if opts.type and entry.stat(full, opts.follow or false).type ~= opts.type then
    return {}
  end
  return { base }
end

local function search(base, patterns, opts, excludes, cwd)
  local prefix = (base == "" or base:sub(-1) == "/") and base or base .. "/"
  local walk = core.open(path.join(cwd, base), patterns, excludes,
    pattern.split(base), 0, opts.type or "", {
      hidden = opts.hidden ~= false, follow = opts.follow, missing_ok = true,
      skip_unreadable = opts.unreadable == "skip",
    })
  return core.next(walk, math.maxinteger, prefix, true)
end

local function glob(patterns, opts)
  local includes, excludes = pattern.parse("fs.glob", 1, patterns)
  opts = arg.options("fs.glob", opts, options)
  if opts.type and not types[opts.type] then
    arg.fail("fs.glob: option `type` should be file, folder or link, not %s", opts.type)
  end
  if #includes == 0 then
    arg.fail("fs.glob: there are only exclusions; add what to find, such as \"**\"")
  end
  local cwd = path.absolute(opts.cwd and place.resolve(opts.cwd) or ".")
  local found = {}
  local bases, groups = group(includes)
  for _, base in ipairs(bases) do
    place.resolve(path.join(cwd, base)) -- whoever observes hears of it
    local without = excludes_for(base, excludes, cwd)
    local wild = {}
    for _, rest in ipairs(groups[base]) do
      if rest == "" then
        found = merge(found, literal(base, opts, without, cwd))
      else
        wild[#wild + 1] = rest
      end
    end
    if #wild > 0 then
      local more = search(base, wild, opts, without, cwd)
      found = #found == 0 and more or merge(found, more)
    end
  end
  return found
end

return glob
