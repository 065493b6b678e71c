--- The container of a GLB: a header, then chunks of which the first is the JSON and the
--- second, if there is one, the buffer.

local unpack = string.unpack

local container = {}

local HEADER, CHUNK_HEAD = 12, 8
local JSON, BIN = 0x4E4F534A, 0x004E4942

local function hex(type)
  return ("0x%08x"):format(type)
end

local function read_header(report, data)
  if #data < HEADER then
    return nil, report:at_byte("GLB_UNEXPECTED_END_OF_HEADER", #data)
  end
  local magic, version, total = unpack("<I4I4I4", data)
  if magic ~= 0x46546C67 then
    return nil, report:at_byte("GLB_INVALID_MAGIC", 0, hex(magic))
  end
  if version ~= 2 then return nil, report:at_byte("GLB_INVALID_VERSION", 4, version) end
  if total <= HEADER then report:at_byte("GLB_LENGTH_TOO_SMALL", 8, total) end
  return total
end

--- What is wrong with the head of a chunk; whether its content counts.
local function check_chunk(report, parts, at, total, length, type)
  local name = hex(type)
  if length % 4 ~= 0 then report:at_byte("GLB_CHUNK_LENGTH_UNALIGNED", at, name) end
  if at + CHUNK_HEAD + length > total then
    report:at_byte("GLB_CHUNK_TOO_BIG", at, name, length)
  end
  if parts.chunks == 0 and type ~= JSON then
    report:at_byte("GLB_UNEXPECTED_FIRST_CHUNK", at, name)
  end
  if type == BIN and parts.chunks > 1 and not parts.bin then
    report:at_byte("GLB_UNEXPECTED_BIN_CHUNK", at)
  end
  if type ~= JSON and type ~= BIN then
    report:at_byte("GLB_UNKNOWN_CHUNK_TYPE", at, name)
    return nil
  end
  if length == 0 then
    if type == JSON then
      report:at_byte("GLB_EMPTY_CHUNK", at, name)
    else
      report:at_byte("GLB_EMPTY_BIN_CHUNK", at)
    end
  end
  local key = type == JSON and "json" or "bin"
  if parts[key] then
    report:at_byte("GLB_DUPLICATE_CHUNK", at, name)
    return nil
  end
  return key
end

--- Of a file that ends in another chunk the JSON is there. A JSON chunk that is too long has
--- bytes of the next one in it.
local function cut_off(report, data, parts, key, at)
  if key == "json" and data:find("[\0-\8\14-\31]", at + 1) then
    return nil, report:at("INVALID_JSON", "", "its chunk has bytes in it that are no text")
  end
  report:at_byte("GLB_UNEXPECTED_END_OF_CHUNK_DATA", #data)
  parts.cut = true
  return parts
end

---@param report orch.gltf.Report
---@param data string the file
---@return {json: {at: integer, size: integer}?, bin: {at: integer, size: integer}?,
---  cut: boolean?}? parts nil: it is too broken to look into; `at` is a position in the string
function container.parts(report, data)
  local total = read_header(report, data)
  if not total then return nil end
  local at, last, parts = HEADER, nil, { chunks = 0 }
  while at < #data do
    if at == total then
      report:at_byte("GLB_EXTRA_DATA", at)
      return parts
    end
    if at + CHUNK_HEAD > #data then
      report:at_byte("GLB_UNEXPECTED_END_OF_CHUNK_HEADER", #data)
      parts.cut = true
      return parts
    end
    local length, type = unpack("<I4I4", data, at + 1)
    local key = check_chunk(report, parts, at, total, length, type)
    parts.chunks = parts.chunks + 1
    at = at + CHUNK_HEAD
    if at + length > #data then
      return cut_off(report, data, parts, key, at)
    end
    if key then parts[key] = { at = at + 1, size = length } end
    at, last = at + length, length
  end
  if at ~= total and last ~= 0 then report:at_byte("GLB_LENGTH_MISMATCH", at, total, at) end
  return parts
end

return container
