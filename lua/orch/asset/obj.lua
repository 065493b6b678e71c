--- Wavefront OBJ: text, read to its end in pieces. Groups and objects are the meshes; the
--- materials and their textures are in the .mtl files beside it.
---
---     local info = orch.asset.info "Assets/crate.obj"
---     print(info.triangles, info.references[1])       --> 12   crate.mtl

local mtl = require "orch.asset.mtl"

local byte, find, gmatch, sub = string.byte, string.find, string.gmatch, string.sub
local max, min, tonumber = math.max, math.min, tonumber
local HUGE = math.huge

--- A statement is a line; longer ones are no text that somebody meant.
local LONGEST = 1 << 20

--- The values of one file while it is read.
local function new_state(file)
  return { file = file, line = 0, vertices = 0, uvs = 0, normals = 0, triangles = 0, known = 0,
    non_finite = 0, bare = 0, dull = 0, faces = 0, highest = { 0, 0, 0 }, where = {},
    low = { HUGE, HUGE, HUGE }, high = { -HUGE, -HUGE, -HUGE }, object = "", group = "",
    material = nil, meshes = {}, parts = {}, used = {}, libraries = {} }
end

local function fail(state, text, ...)
  state.file:fail("line %d: " .. text, state.line, ...)
end

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

local function vertex(state, x, y, z)
  x, y, z = number(state, x), number(state, y), number(state, z)
  local low, high = state.low, state.high
  if x then low[1], high[1] = min(low[1], x), max(high[1], x) end
  if y then low[2], high[2] = min(low[2], y), max(high[2], y) end
  if z then low[3], high[3] = min(low[3], z), max(high[3], z) end
end

local names = { "vertex", "texture coordinate", "normal" }

--- An index counts from 1, or backwards from what there is so far. That positive ones exist
--- is known at the end.
local function index(state, which, word, count)
  local value = tonumber(word)
  if value > state.highest[which] then
    state.highest[which], state.where[which] = value, state.line
  elseif value < 1 and (value == 0 or -value > count) then
    fail(state, "a face has the %s %s, and there are %d so far", names[which], word, count)
  end
end

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

--- Ends a run of faces of the same object, group and material.
local function close_run(state)
  if state.faces == 0 then return end
  local mesh = state.object .. "\n" .. state.group
  local part = mesh .. "\n" .. (state.material or "")
  state.meshes[mesh], state.parts[part], state.faces = true, true, 0
  if state.material and not state.used[state.material] then
    state.used[#state.used + 1], state.used[state.material] = state.material, true
  end
end

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

local statements = {
  v = function(state, rest)
    state.vertices = state.vertices + 1
    local x, y, z = rest:match "^(%S+)%s+(%S+)%s+(%S+)"
    if not x then fail(state, "a vertex needs three coordinates") end
    vertex(state, x, y, z)
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

local function statement(state, line)
  local keyword, rest = line:match "^%s*(%S+)%s*(.-)%s*$"
  if not keyword then return end
  if find(keyword, "^#") then
    state.comment = state.comment or line:match "^%s*#+%s*(.*%a.-)%s*$"
    return
  end
  local handle = statements[keyword]
  if not handle then return end
  state.known = state.known + 1
  handle(state, rest)
end


local VERTEX = "^v +(%-?%d*%.?%d+) +(%-?%d*%.?%d+) +(%-?%d*%.?%d+) *\r?\n"
local OTHER = "^v([tn])[%d. -]*\r?\n"
local TRIANGLE = "^f +(%d+)/(%d+)/(%d+) +(%d+)/(%d+)/(%d+) +(%d+)/(%d+)/(%d+)"
local CORNER = "^ +(%d+)/(%d+)/(%d+)"

--- The highest of three indices of one sort, with the line it is in.
local function note_one(state, which, a, b, c)
  a, b, c = tonumber(a), tonumber(b), tonumber(c)
  local most = max(a, b, c)
  if most > state.highest[which] then
    state.highest[which], state.where[which] = most, state.line
  end
  if min(a, b, c) == 0 then index(state, which, "0", 0) end
end

local function plain_vertex(state, text, at)
  local _, stop, x, y, z = find(text, VERTEX, at)
  if stop then
    state.vertices = state.vertices + 1
    vertex(state, x, y, z)
  end
  return stop
end

local function plain_other(state, text, at)
  local _, stop, letter = find(text, OTHER, at)
  if letter == "t" then
    state.uvs = state.uvs + 1
  elseif stop then
    state.normals = state.normals + 1
  end
  return stop
end

--- A face whose corners have all three indices, none of them counted backwards.
local function plain_face(state, text, at)
  local _, stop, a, b, c, d, e, f, g, h, i = find(text, TRIANGLE, at)
  if not stop then return nil end
  local triangles = 1
  local _, over = find(text, "^ *\r?\n", stop + 1)
  local x, y, z
  while not over do
    _, stop, x, y, z = find(text, CORNER, stop + 1)
    if not stop then return nil end
    note_one(state, 1, x, x, x)
    note_one(state, 2, y, y, y)
    note_one(state, 3, z, z, z)
    triangles, _, over = triangles + 1, find(text, "^ *\r?\n", stop + 1)
  end
  note_one(state, 1, a, d, g)
  note_one(state, 2, b, e, h)
  note_one(state, 3, c, f, i)
  state.triangles, state.faces = state.triangles + triangles, state.faces + 1
  return over
end

--- Whether the line that ends at `stop` goes on in the next one.
local function folded(text, stop)
  local before = byte(text, stop - 1)
  return before == 92 or before == 13 and byte(text, stop - 2) == 92
end

--- Any statement, with the lines it goes on in.
local function long_way(state, text, at)
  local stop = find(text, "\n", at, true)
  local folds = 0
  while folded(text, stop) and stop < #text do
    stop, folds = find(text, "\n", stop + 1, true), folds + 1
  end
  local line = sub(text, at, stop)
  statement(state, folds > 0 and line:gsub("\\\r?\n", " ") or line)
  state.line = state.line + folds
  return stop
end

--- Whole lines. The three kinds that make up nearly all of a file are matched where they are.
local function lines(state, text)
  local at, size = 1, #text
  while at <= size do
    state.line = state.line + 1
    local first, second = byte(text, at, at + 1)
    local stop
    if first == 118 then -- v
      stop = (second == 32 and plain_vertex or plain_other)(state, text, at)
    elseif first == 102 then -- f
      stop = plain_face(state, text, at)
    end
    at = (stop or long_way(state, text, at)) + 1
  end
end

--- Where the last line ends that is whole, and goes on in no other.
local function last_end(text)
  local back = find(text:reverse(), "\n", 1, true)
  local stop = back and #text - back + 1
  return stop and not folded(text, stop) and stop or nil
end

local function check_piece(state, piece, rest)
  if find(piece, "\0", 1, true) then
    state.file:fail "it has NUL bytes: that is no text (or UTF-16)"
  end
  if #rest > LONGEST then fail(state, "it is longer than %d bytes", LONGEST) end
end

local function scan(state)
  local rest = ""
  for piece, at in state.file:pieces() do
    if at == 0 then piece = piece:gsub("^\xEF\xBB\xBF", "") end
    check_piece(state, piece, rest)
    local text = rest .. piece
    local stop = last_end(text)
    rest = stop and sub(text, stop + 1) or text
    if stop then lines(state, sub(text, 1, stop)) end
  end
  if rest ~= "" then lines(state, rest .. "\n") end
  close_run(state)
end

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

local function check(state)
  if state.known + state.vertices + state.uvs + state.normals == 0 then state.file:fail "no line of it is one of OBJ" end
  local have = { state.vertices, state.uvs, state.normals }
  for which = 1, 3 do
    if state.highest[which] > have[which] then
      state.line = state.where[which]
      fail(state, "a face has the %s %d, and the file has %d", names[which],
        state.highest[which], have[which])
    end
  end
end

--- What the libraries add: the used materials with their textures, and all files named.
local function materials(state)
  local known, textures, references, seen = {}, {}, {}, {}
  for _, name in ipairs(state.libraries) do
    references[#references + 1], seen[name] = name, true
    for _, material in ipairs(mtl.read(state.file, name) or {}) do
      known[material.name] = known[material.name] or material
      for _, texture in ipairs(material.files) do
        if not seen[texture] then
          textures[#textures + 1], references[#references + 1] = texture, texture
          seen[texture] = true
        end
      end
    end
  end
  local list = {}
  for i, name in ipairs(state.used) do
    list[i] = { name = name, textures = known[name] and known[name].textures or {} }
  end
  return list, textures, references
end

local function read(file)
  local state = new_state(file)
  scan(state)
  check(state)
  local list, textures, references = materials(state)
  local low, high = state.low, state.high
  return {
    generator = state.comment, vertices = state.vertices, triangles = state.triangles,
    meshes = count(state.meshes), primitives = count(state.parts), materials = list,
    textures = textures, references = references, non_finite = state.non_finite,
    uv = state.triangles > 0 and state.bare == 0,
    normals = state.triangles > 0 and state.dull == 0,
    bounds = low[1] <= high[1] and low[2] <= high[2] and low[3] <= high[3] and {
      min = low, max = high,
    } or nil,
    animations = 0, skins = 0, bones = 0, cameras = 0, lights = 0,
  }
end

return { format = "obj", kind = "model", extensions = { "obj" }, read = read }
