--- STL: triangles and nothing else, binary or text. Binary files may begin with "solid" as well;
--- their size tells them apart.
---
---     local info = orch.asset.info "Assets/scan.stl"
---     print(info.triangles, info.bounds.max[3])

local tag = require "orch.asset.tag"

local find, gmatch, sub, unpack = string.find, string.gmatch, string.sub, string.unpack
local max, min, tonumber = math.max, math.min, tonumber
local HUGE = math.huge

local HEADER, RECORD = 84, 50
--- Triangles that are unpacked at once: normal, three corners, two bytes nobody uses.
local BATCH = 16
local TRIANGLE = "ffffffffffffI2"

--- Bytes of a line of text: "vertex", three numbers; the first has a name.
local LONGEST = 1 << 16

local function new_state()
  return { triangles = 0, non_finite = 0, solids = 0, low = { HUGE, HUGE, HUGE },
    high = { -HUGE, -HUGE, -HUGE } }
end

--- Bounds and what is not finite, of the coordinates of the axis from `first` on.
local function take(state, list, first, last, axis, step)
  local low, high = state.low[axis], state.high[axis]
  for i = first, last, step do
    local x = list[i]
    if x - x ~= 0 then
      state.non_finite = state.non_finite + 1
    else
      if x < low then low = x end
      if x > high then high = x end
    end
  end
  state.low[axis], state.high[axis] = low, high
end

--- Whole records in a text; a batch has the twelve numbers and two bytes of each.
local function records(state, text)
  local at, left = 1, #text // RECORD
  while left > 0 do
    local n = min(left, BATCH)
    local list = { unpack("<" .. TRIANGLE:rep(n), text, at) }
    for corner = 4, 10, 3 do
      for axis = 1, 3 do take(state, list, corner + axis - 1, n * 13, axis, 13) end
    end
    for i = 1, 3 do
      for k = i, n * 13, 13 do
        if list[k] - list[k] ~= 0 then state.non_finite = state.non_finite + 1 end
      end
    end
    at, left = at + n * RECORD, left - n
  end
end

local function read_binary(file, count)
  local state, rest, left = new_state(), "", count * RECORD
  if count > 0 and left > file.size - HEADER then
    file:fail_at(80, "it says %d triangles, and ends after %d", count,
      (file.size - HEADER) // RECORD)
  end
  state.triangles, state.solids = count, count > 0 and 1 or 0
  for piece in file:pieces(HEADER) do
    piece = sub(piece, 1, left)
    left = left - #piece
    piece = rest .. piece
    records(state, piece)
    rest = sub(piece, #piece - #piece % RECORD + 1)
    if left == 0 then break end
  end
  if left > 0 then file:fail "it became shorter while it was read" end
  return state, file:bytes(0, 80):match "^%s*([%g ]-)[%s%z]*$"
end

local function word_of(state, file, word)
  local value = tonumber(word)
  if value then return value end
  local plain = word:lower()
  if not (find(plain, "nan", 1, true) or find(plain, "inf", 1, true) or find(plain, "#", 1, true))
  then
    file:fail("line %d: '%s' is no number", state.line, sub(word, 1, 40))
  end
  return 0 / 0
end

local function three(state, file, line, keyword)
  local x, y, z = line:match("^%s*" .. keyword .. "%s+(%S+)%s+(%S+)%s+(%S+)")
  if not x then file:fail("line %d: three numbers are missing", state.line) end
  return { word_of(state, file, x), word_of(state, file, y), word_of(state, file, z) }
end

local statements = {
  vertex = function(state, file, line)
    local list = three(state, file, line, "%a+")
    for axis = 1, 3 do take(state, list, axis, axis, axis, 1) end
    state.corners = state.corners + 1
  end,
  facet = function(state, file, line)
    for _, x in ipairs(three(state, file, line, "%a+%s+%a+")) do
      if x - x ~= 0 then state.non_finite = state.non_finite + 1 end
    end
    state.corners = 0
  end,
  endfacet = function(state, file)
    if state.corners ~= 3 then
      file:fail("line %d: a triangle has %d corners", state.line, state.corners)
    end
    state.triangles, state.whole = state.triangles + 1, false
  end,
  solid = function(state, _, line)
    state.name = state.name or line:match "^%s*%a+%s+(.-)%s*$"
    state.before = state.triangles
  end,
  endsolid = function(state)
    if state.triangles > state.before then state.solids = state.solids + 1 end
    state.whole = true
  end,
  outer = function() end,
  endloop = function() end,
}

local function statement(state, file, line)
  state.line = state.line + 1
  local keyword = line:match "^%s*(%S+)"
  local handle = keyword and statements[keyword:lower()]
  if handle then
    handle(state, file, line)
  elseif keyword then
    file:fail("line %d: '%s' is no word of STL", state.line, sub(keyword, 1, 40))
  end
end

local function read_text(file)
  local state, rest = new_state(), ""
  state.line, state.corners, state.before = 0, 0, 0
  for piece in file:pieces() do
    local text = rest .. piece
    local back = find(text:reverse(), "\n", 1, true)
    local last = back and #text - back + 1 or 0
    for line in gmatch(sub(text, 1, last), "([^\n]*)\n") do statement(state, file, line) end
    rest = sub(text, last + 1)
    if #rest > LONGEST then file:fail("a line of it is longer than %d bytes", LONGEST) end
  end
  statement(state, file, rest)
  if not state.whole then file:fail "it ends before endsolid" end
  return state, state.name
end

--- Which of the two it is. A text names its first triangle, or its end, soon.
local function look(file)
  local text = find(file.head, "^%s*[sS][oO][lL][iI][dD]") ~= nil
  if file.size < HEADER then
    if not text then file:fail("it has %d bytes; a header alone has %d", file.size, HEADER) end
    return nil
  end
  local count = file:unpack("<I4", 80)
  if file.size == HEADER + count * RECORD then return count end
  local head = file.head:lower()
  if text and not find(head, "\0", 1, true)
    and (find(head, "facet", 1, true) or find(head, "endsolid", 1, true)) then
    return nil
  end
  return count
end

local function read(file)
  local count = look(file)
  local state, generator
  if count then
    state, generator = read_binary(file, count)
  else
    state, generator = read_text(file)
  end
  local any = state.low[1] <= state.high[1] and state.low[2] <= state.high[2]
    and state.low[3] <= state.high[3]
  local faces = state.triangles > 0 or nil
  return {
    version = count and "binary" or "text",
    generator = generator and generator ~= "" and tag.text(generator) or nil,
    triangles = state.triangles, vertices = state.triangles * 3, meshes = state.solids,
    primitives = state.solids, materials = {}, textures = {}, references = {},
    uv = faces and false, normals = faces, non_finite = state.non_finite,
    bounds = any and { min = state.low, max = state.high } or nil,
    animations = 0, skins = 0, bones = 0, cameras = 0, lights = 0,
  }
end

return { format = "stl", kind = "model", extensions = { "stl" }, read = read }
