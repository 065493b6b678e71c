--- Many files searched for patterns at once.
---
---     local found = fs.scan(fs.glob "logs/*.log", { errors = "error", warnings = "warn" },
---       { caseless = true })
---     print(found.total.errors, found.files[1].path, found.files[1].counts.errors)

local arg = require "orch.arg"
local core = require "orch.core.scan"
local path = require "orch.fs.path"
local place = require "orch.place"

---@class orch.ScanResult
---@field total table<string, integer> count by pattern
---@field files {path: string, bytes: integer, lines: integer?, counts: table<string, integer>}[]
---  in the order of the paths; `lines` with `lines=true` or `matches=true`
---@field matches {path: string, pattern: string, line: integer, column: integer, text: string}[]?
---  with `matches=true`, by file, line and column; lines and columns (bytes) count from 1

local options = {
  caseless = "boolean", literal = "boolean", occurrences = "boolean",
  lines = "boolean", matches = "boolean", limit = "integer",
}

--- A list names its patterns by their text, a table by its keys.
local function read_patterns(patterns)
  arg.check("fs.scan", 2, patterns, "string|table")
  if type(patterns) == "string" then patterns = { patterns } end
  local names, texts = {}, {}
  for key in pairs(patterns) do names[#names + 1] = key end
  table.sort(names, function(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end)
  for i, key in ipairs(names) do
    local text = patterns[key]
    if type(text) ~= "string" then
      arg.fail("fs.scan: pattern %s should be a string, not %s", tostring(key),
        arg.describe(text))
    end
    texts[i] = text
    names[i] = type(key) == "string" and key or text
  end
  if #texts == 0 then arg.fail("fs.scan: argument 2 should have at least one pattern") end
  return names, texts
end

local function read_paths(paths)
  arg.check("fs.scan", 1, paths, "path|table")
  local shown = type(paths) == "string" and { paths } or table.move(paths, 1, #paths, 1, {})
  for _, p in ipairs(shown) do arg.check("fs.scan", 1, p, "path") end
  return shown
end

--- Puts the files below a folder, hidden ones included, in its place.
local function open_folder(shown, at)
  local folder = table.remove(shown, at)
  local below = require "orch.fs.glob"("**", { cwd = folder, type = "file" })
  table.move(shown, at, #shown, at + #below)
  for i, name in ipairs(below) do shown[at + i - 1] = path.join(folder, name) end
end

--- Which paths are folders comes out on the way: most calls have none.
local function search(shown, ...)
  while true do
    local full = {}
    for i, p in ipairs(shown) do full[i] = place.resolve(p) end
    local counts, lines, bytes, flat = core.scan(full, ...)
    if counts then return counts, lines, bytes, flat end
    open_folder(shown, lines)
  end
end

--- {file, pattern, line, column, text, ...} as a list in the order of reading.
local function read_matches(flat, shown, names, limit)
  local list, kept = {}, {}
  for i = 1, #flat, 5 do
    local file, pattern = flat[i], flat[i + 1]
    local key = file * #names + pattern
    kept[key] = (kept[key] or 0) + 1
    if kept[key] <= limit then
      list[#list + 1] = {
        path = shown[file], pattern = names[pattern], line = flat[i + 2],
        column = flat[i + 3], text = flat[i + 4], file = file, order = pattern,
      }
    end
  end
  table.sort(list, function(a, b)
    if a.file ~= b.file then return a.file < b.file end
    if a.line ~= b.line then return a.line < b.line end
    if a.column ~= b.column then return a.column < b.column end
    return a.order < b.order
  end)
  for _, match in ipairs(list) do match.file, match.order = nil, nil end
  return list
end

local function scan(paths, patterns, opts)
  local names, texts = read_patterns(patterns)
  opts = arg.options("fs.scan", opts, options)
  if opts.limit and opts.limit < 1 then
    arg.fail("fs.scan: option `limit` should be at least 1, not %d", opts.limit)
  end
  local shown = read_paths(paths)
  local limit = (opts.matches or opts.limit) and (opts.limit or math.maxinteger) or 0
  local counts, lines, bytes, flat = search(shown, texts, opts.caseless or false,
    opts.literal or false, opts.occurrences or false, opts.lines or false, limit)
  local result = { total = {}, files = {} }
  for n = 1, #names do result.total[names[n]] = 0 end
  for f, file in ipairs(shown) do
    local own = {}
    for n, name in ipairs(names) do
      own[name] = counts[(f - 1) * #names + n]
      result.total[name] = result.total[name] + own[name]
    end
    result.files[f] = {
      path = file, bytes = bytes[f], counts = own,
      lines = (opts.lines or limit > 0) and lines[f] or nil,
    }
  end
  if limit > 0 then result.matches = read_matches(flat, shown, names, limit) end
  return result
end

return scan
