--- Wavefront OBJ: text, read to its end in pieces. Groups and objects are the meshes; the
--- materials and their textures are in the .mtl files beside it.
---
---     local info = orch.asset.info "Assets/crate.obj"
---     print(info.triangles, info.references[1])       --> 12   crate.mtl

local mtl = require "orch.asset.mtl"
local statements = require "orch.asset.obj.statements"
local tag = require "orch.asset.tag"

local byte, find, sub = string.byte, string.find, string.sub
local max, min, tonumber = math.max, math.min, tonumber
local bound, fail, index = statements.bound, statements.fail, statements.index

--- A statement is a line; longer ones are no text that somebody meant.
local LONGEST = 1 << 20

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
    bound(state, x, y, z)
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
  statements.take(state, folds > 0 and line:gsub("\\\r?\n", " ") or line)
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
  statements.close(state)
end

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

local function check(state)
  if state.known + state.vertices + state.uvs + state.normals == 0 then
    state.file:fail "no line of it is one of OBJ"
  end
  local have = { state.vertices, state.uvs, state.normals }
  for which = 1, 3 do
    if state.highest[which] > have[which] then
      state.line = state.where[which]
      fail(state, "a face has the %s %.0f, and the file has %d", statements.names[which],
        state.highest[which], have[which])
    end
  end
end

--- A file that names more libraries than these was made to keep somebody busy.
local MOST_LIBRARIES = 64

--- What the libraries add: the used materials with their textures, and all files named.
local function materials(state)
  local known, textures, references, seen = {}, {}, {}, {}
  for i, name in ipairs(state.libraries) do
    references[#references + 1], seen[name] = name, true
    for _, material in ipairs(i <= MOST_LIBRARIES and mtl.read(state.file, name) or {}) do
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
    list[i] = { name = tag.text(name), textures = known[name] and known[name].textures or {} }
  end
  return list, textures, references
end

local function read(file)
  local state = statements.new(file)
  scan(state)
  check(state)
  local list, textures, references = materials(state)
  local low, high = state.low, state.high
  local faces = state.triangles > 0 or nil
  return {
    generator = state.comment and tag.text(state.comment),
    vertices = state.vertices, triangles = state.triangles,
    meshes = count(state.meshes), primitives = count(state.parts), materials = list,
    textures = textures, references = references, non_finite = state.non_finite,
    uv = faces and state.bare == 0, normals = faces and state.dull == 0,
    bounds = low[1] <= high[1] and low[2] <= high[2] and low[3] <= high[3] and {
      min = low, max = high,
    } or nil,
    animations = 0, skins = 0, bones = 0, cameras = 0, lights = 0,
  }
end

return { format = "obj", kind = "model", extensions = { "obj" }, read = read }
