--- Writes FBX files for tests, after the public descriptions of the format: the same tree as
--- binary of any version, with arrays plain or as zlib's, or as text.
---
---     local node, array = fbx.node, fbx.array
---     fbx.binary({ node("Objects", {}, { node("Model", { 7, "A\0\1Model", "Mesh" }) }) }, 7400)

local fbx = {}

---A node: scalars (integers, `{ long = 1 }`, floats, booleans, texts) or arrays, then children.
function fbx.node(name, values, children)
  return { name = name, values = values or {}, children = children }
end

---@param code "f"|"d"|"l"|"i"|"b"
function fbx.array(code, list)
  return { code = code, list = list }
end

function fbx.raw(bytes)
  return { raw = bytes }
end

---Blocks of deflate that are stored as they are, which every program can read.
function fbx.zlib(text)
  local a, b, blocks = 1, 0, {}
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  for at = 1, math.max(#text, 1), 65535 do
    local block = text:sub(at, at + 65534)
    local last = at + 65535 > #text and 1 or 0
    blocks[#blocks + 1] = string.pack("<BI2I2", last, #block, ~#block & 0xFFFF) .. block
  end
  return "\x78\x01" .. table.concat(blocks) .. string.pack(">I4", b << 16 | a)
end

local formats = { f = "<f", d = "<d", l = "<i8", i = "<i4", b = "<B" }
local singles = { f = "F", d = "D", l = "L", i = "I", b = "C" }

local function pack_array(value, packed)
  local parts = {}
  for i, x in ipairs(value.list) do parts[i] = string.pack(formats[value.code], x) end
  local data = table.concat(parts)
  local body = packed and fbx.zlib(data) or data
  return value.code
    .. string.pack("<I4I4I4", #value.list, packed and 1 or 0, #body) .. body, 1
end

--- Version 6 has no arrays: each number is a value.
local function pack_numbers(value)
  local parts = {}
  for i, x in ipairs(value.list) do
    parts[i] = singles[value.code] .. string.pack(formats[value.code], x)
  end
  return table.concat(parts), #parts
end

local function pack_value(value, version, packed)
  if type(value) == "table" and value.raw then
    return "R" .. string.pack("<s4", value.raw), 1
  end
  if type(value) == "table" and value.long then
    return "L" .. string.pack("<i8", value.long), 1
  end
  if type(value) == "table" then
    if version < 7000 then return pack_numbers(value) end
    return pack_array(value, packed)
  end
  if type(value) == "string" then return "S" .. string.pack("<s4", value), 1 end
  if type(value) == "boolean" then return "C" .. (value and "\1" or "\0"), 1 end
  if math.type(value) == "float" then return "D" .. string.pack("<d", value), 1 end
  if math.abs(value) < 1 << 31 then return "I" .. string.pack("<i4", value), 1 end
  return "L" .. string.pack("<i8", value), 1
end

local function pack_node(node, at, version, packed)
  local header = version >= 7500 and "<I8I8I8s1" or "<I4I4I4s1"
  local size = (version >= 7500 and 25 or 13)
  local values, count = {}, 0
  for i, value in ipairs(node.values) do
    local bytes, n = pack_value(value, version, packed)
    values[i], count = bytes, count + n
  end
  local body = table.concat(values)
  local children, inside = {}, at + size + #node.name + #body
  for i, child in ipairs(node.children or {}) do
    children[i] = pack_node(child, inside, version, packed)
    inside = inside + #children[i]
  end
  if node.children then
    children[#children + 1] = ("\0"):rep(size)
    inside = inside + size
  end
  return string.pack(header, inside, count, #body, node.name) .. body .. table.concat(children)
end

---@param nodes table[] of `node`
---@param version integer such as 7400
---@param packed? boolean compressed arrays
function fbx.binary(nodes, version, packed)
  local parts, at = { "Kaydara FBX Binary  \0\x1a\0" .. string.pack("<I4", version) }, 27
  for _, node in ipairs(nodes) do
    parts[#parts + 1] = pack_node(node, at, version, packed)
    at = at + #parts[#parts]
  end
  return table.concat(parts) .. ("\0"):rep(version >= 7500 and 25 or 13)
    .. "\xfa\xbc\xab\x09\xd0\xc8\xd4\x66\xb1\x76\xfb\x83\x1c\xf7\x26\x7e" .. ("\0"):rep(4)
    .. string.pack("<I4", version) .. ("\0"):rep(120)
    .. "\xf8\x5a\x8c\x6a\xde\xf5\xd9\x7e\xec\xe9\x0c\xe3\x75\x8f\x29\x0b"
end

local function text_value(value)
  if type(value) ~= "string" then return tostring(value) end
  local name, class = value:match "^(.-)%z\1(.*)$"
  return '"' .. (name and class .. "::" .. name or value):gsub('"', "&quot;") .. '"'
end

--- Long arrays go on in the next line, with the comma in front.
local function numbers(list)
  local parts = {}
  for i, x in ipairs(list) do
    parts[i] = (i > 1 and (i % 20 == 1 and "\n," or ",") or "") .. ("%.17g"):format(x)
  end
  return table.concat(parts)
end

local function text_node(node, indent, version)
  local values, block = {}, node.children and ""
  for i, value in ipairs(node.values) do
    if type(value) == "table" and value.long then
      values[i] = tostring(value.long)
    elseif type(value) == "table" and value.raw then
      values[i] = ',\n"' .. value.raw:gsub("[^%w]", "A") .. '"'
    elseif type(value) == "table" and version < 7000 then
      values[i] = numbers(value.list)
    elseif type(value) == "table" then
      values[i] = "*" .. #value.list
      block = indent .. "\ta: " .. numbers(value.list) .. "\n"
    else
      values[i] = text_value(value)
    end
  end
  for _, child in ipairs(node.children or {}) do
    block = block .. text_node(child, indent .. "\t", version)
  end
  return indent .. node.name .. ": " .. table.concat(values, ", ")
    .. (block and " {\n" .. block .. indent .. "}" or "") .. "\n"
end

function fbx.text(nodes, version)
  local parts = { ("; FBX %d.%d.0 project file\n; ---- { not a node: }\n\n"):format(
    version // 1000, version % 1000 // 100) }
  for _, node in ipairs(nodes) do parts[#parts + 1] = text_node(node, "", version) end
  return table.concat(parts)
end

return fbx
