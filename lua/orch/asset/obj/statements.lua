--- What the statements of an OBJ file amount to, one after the other.
---
---     local state = statements.new(file)
---     statements.take(state, "f 1/1/1 2/2/1 3/3/1")       -- state.triangles is one more

local find, gmatch, sub = string.find, string.gmatch, string.sub
local max, min, tonumber = math.max, math.min, tonumber
local HUGE = math.huge

local statements = {}

---The values of one file while it is read.
---@param file orch.asset.Source
---@return table state
function statements.new(file)
  return { file = file, line = 0, vertices = 0, uvs = 0, normals = 0, triangles = 0, known = 0,
    non_finite = 0, bare = 0, dull = 0, faces = 0, highest = { 0, 0, 0 }, where = {},
    low = { HUGE, HUGE, HUGE }, high = { -HUGE, -HUGE, -HUGE }, object = "", group = "",
    material = nil, meshes = {}, parts = {}, used = {}, libraries = {} }
end

---Raises kind `format` with the line that is read.
---@param state table
---@param text string
---@param ... any
function statements.fail(state, text, ...)
  state.file:fail("line %d: " .. text, state.line, ...)
end
local fail = statements.fail

--- A number as programs write it; NaN and infinity in all their spellings count and give nil.
local function number(state, word)
  local value = tonumber(word)
  if value and value - value == 0 then return value end
  local plain = word:lower():gsub("^[+-]", "")
  if not value and not (find(plain, "^nan") or find(plain, "^inf") or find(plain, "^%d*%.?#")
    or find(plain, "^1%.#")) then
    fail(state, "'%s' is no number", sub(word, 1, 40))
  end
  state.non_finite = state.non_finite + 1
end

---Takes the coordinates of a vertex into the bounds.
---@param state table
---@param x string
---@param y string
---@param z string
function statements.bound(state, x, y, z)
  x, y, z = number(state, x), number(state, y), number(state, z)
  local low, high = state.low, state.high
  if x then low[1], high[1] = min(low[1], x), max(high[1], x) end
  if y then low[2], high[2] = min(low[2], y), max(high[2], y) end
  if z then low[3], high[3] = min(low[3], z), max(high[3], z) end
end

local names = { "vertex", "texture coordinate", "normal" }
statements.names = names

---An index counts from 1, or backwards from what there is so far. That positive ones exist
---is known at the end.
---@param state table
---@param which 1|2|3 vertex, texture coordinate, normal
---@param word string
---@param count integer how many there are so far
function statements.index(state, which, word, count)
  local value = tonumber(word)
  if value > state.highest[which] then
    state.highest[which], state.where[which] = value, state.line
  elseif value < 1 and (value == 0 or -value > count) then
    fail(state, "a face has the %s %s, and there are %d so far", names[which], word, count)
  end
end

local index = statements.index

local function corner(state, word)
  local v, uv, normal = word:match "^(%-?%d+)/?(%-?%d*)/?(%-?%d*)$"
  if not v or uv == "-" or normal == "-" then
    fail(state, "'%s' is no corner of a face", sub(word, 1, 40))
  end
  index(state, 1, v, state.vertices)
  if uv ~= "" then index(state, 2, uv, state.uvs) end
  if normal ~= "" then index(state, 3, normal, state.normals) end
  return uv ~= "", normal ~= ""
end

local function face(state, rest)
  local corners, uv, normals = 0, true, true
  for word in gmatch(rest, "%S+") do
    local has_uv, has_normal = corner(state, word)
    corners, uv, normals = corners + 1, uv and has_uv, normals and has_normal
  end
  if corners < 3 then fail(state, "a face has %d corners", corners) end
  if not uv then state.bare = state.bare + 1 end
  if not normals then state.dull = state.dull + 1 end
  state.triangles, state.faces = state.triangles + corners - 2, state.faces + 1
end

---Ends a run of faces of the same object, group and material.
---@param state table
function statements.close(state)
  if state.faces == 0 then return end
  local mesh = state.object .. "\n" .. state.group
  local part = mesh .. "\n" .. (state.material or "")
  state.meshes[mesh], state.parts[part], state.faces = true, true, 0
  if state.material and not state.used[state.material] then
    state.used[#state.used + 1], state.used[state.material] = state.material, true
  end
end

local close_run = statements.close

local function add_library(state, name)
  if name == "" or state.libraries[name] then return end
  state.libraries[#state.libraries + 1], state.libraries[name] = name, true
end

--- Several libraries on a line, or one with blanks in its name.
local function libraries(state, rest)
  local several = true
  for word in gmatch(rest, "%S+") do several = several and find(word:lower(), "%.mtl$") end
  for word in gmatch(rest, several and "%S+" or ".+") do add_library(state, word) end
end

local handlers = {
  v = function(state, rest)
    state.vertices = state.vertices + 1
    local x, y, z = rest:match "^(%S+)%s+(%S+)%s+(%S+)"
    if not x then fail(state, "a vertex needs three coordinates") end
    statements.bound(state, x, y, z)
  end,
  vt = function(state, rest)
    state.uvs = state.uvs + 1
    for word in gmatch(rest, "%S+") do number(state, word) end
  end,
  vn = function(state, rest)
    state.normals = state.normals + 1
    for word in gmatch(rest, "%S+") do number(state, word) end
  end,
  f = face,
  fo = face, -- as old files say
  o = function(state, rest)
    close_run(state)
    state.object = rest
  end,
  g = function(state, rest)
    close_run(state)
    state.group = rest
  end,
  usemtl = function(state, rest)
    close_run(state)
    state.material = rest
  end,
  mtllib = libraries,
  l = function() end,
  p = function() end,
}

---Takes one statement, whatever it is.
---@param state table
---@param line string with all the lines it goes on in
function statements.take(state, line)
  local keyword, rest = line:match "^%s*(%S+)%s*(.-)%s*$"
  if not keyword then return end
  if find(keyword, "^#") then
    state.comment = state.comment or line:match "^%s*#+%s*(.*%a.-)%s*$"
    return
  end
  local handle = handlers[keyword]
  if not handle then return end
  state.known = state.known + 1
  handle(state, rest)
end

return statements
