--- What a glTF is made of beside its text: reads buffers and the headers of images, from
--- files, data URIs or the GLB, and says what is missing or damaged.

local errors = require "orch.core.error"
local part = require "orch.core.part"
local picture = require "orch.gltf.picture"
local uri = require "orch.gltf.uri"

local resource = {}

--- Larger buffers are not looked into.
local MOST = 2 << 30
--- Views that reach a little too far, which is an issue already, are looked into nevertheless.
local SPARE = 64 << 10
--- A header of an image is in its first bytes; what comes before it may be longer, seldom.
local HEAD, LONG_HEAD = 64 << 10, 16 << 20

--- Bytes of a file beside the document, and its whole size; nil where it cannot be read.
local function read(report, file, size)
  local name = uri.path(file)
  local problem
  if file:find "^%a[%w+.-]*:" then
    problem = ("'%s' is not on this disk"):format(file)
  elseif name == "" or name:find("\0", 1, true) then
    problem = ("'%s' names no file"):format(name:gsub("\0", "\\0"))
  else
    local full = name:sub(1, 1) == "/" and name or report.folder .. "/" .. name
    local ok, data, total = pcall(part.read, full, 0, size)
    if ok then return data, total end
    if not errors.is(data) or data.kind ~= "os" then error(data, 0) end
    problem = data.message
  end
  report:add("IO_ERROR", "uri", problem)
end

local function padded(length)
  return (length + 3) // 4 * 4
end

--- The GLB's own buffer stays where it is in the file: `base` bytes are before it.
local function take_chunk(report, buffer)
  local bin = report.bin
  if not bin then return report:add "BUFFER_MISSING_GLB_DATA" end
  if bin.size < buffer.byteLength then
    return report:add("BUFFER_BYTE_LENGTH_MISMATCH", nil, bin.size, buffer.byteLength)
  end
  if bin.size > padded(buffer.byteLength) then
    report:add("BUFFER_GLB_CHUNK_TOO_BIG", nil, bin.size - padded(buffer.byteLength))
  end
  buffer.bytes, buffer.base, buffer.size = report.file, bin.at - 1, bin.size
end

local function load_buffer(report, buffer, i)
  if not buffer.byteLength then return end
  local data, size = buffer.data, buffer.data and #buffer.data
  if buffer.file then
    local large = buffer.byteLength > MOST
    data, size = read(report, buffer.file, large and 1 or buffer.byteLength // 1 + SPARE)
    if large and data and size >= buffer.byteLength then
      report.skipped[#report.skipped + 1] = report:pointer()
      return
    end
  elseif not data and report.is_glb and i == 0 and not buffer.has_uri then
    return take_chunk(report, buffer)
  end
  if not data then return end
  if size < buffer.byteLength then
    return report:add("BUFFER_BYTE_LENGTH_MISMATCH", nil, size, buffer.byteLength)
  end
  buffer.bytes, buffer.base, buffer.size = data, 0, #data
end

--- Some first bytes of an image, or more of them; and where the bytes are.
local function head_of(report, image, size)
  if image.file then
    local data, total = read(report, image.file, size)
    return data, data and #data == total, "uri"
  end
  if image.data then return image.data, true, "uri" end
  local view = image.view
  local buffer = view and view.source
  if not buffer or not buffer.bytes or not view.byteOffset or not view.byteLength
    or view.byteOffset + view.byteLength > buffer.size then
    return nil
  end
  local from = buffer.base + view.byteOffset
  return buffer.bytes:sub(from + 1, from + math.min(view.byteLength, size)),
    view.byteLength <= size, "bufferView"
end

local function contains(list, item)
  for _, one in ipairs(list) do
    if one == item then return true end
  end
  return false
end

local function is_power(n)
  return n > 0 and n & (n - 1) == 0
end

local function load_image(report, image)
  if next(image.extensions) then return end
  local data, whole, where = head_of(report, image, HEAD)
  if not data then return end
  local info, code, why = picture.read(data)
  if code == "IMAGE_UNEXPECTED_EOS" and not whole then
    data = head_of(report, image, LONG_HEAD)
    info, code, why = picture.read(data or "")
  end
  if not info then return report:add(code, nil, why) end
  image.info = info
  if not contains(report.image_types, info.type) then
    report:add("IMAGE_NON_ENABLED_MIME_TYPE", nil, info.type)
  end
  if image.mimeType and image.mimeType ~= info.type then
    report:add("IMAGE_MIME_TYPE_INVALID", where, info.type, image.mimeType)
  end
  if not is_power(info.width) or not is_power(info.height) then
    report:add("IMAGE_NPOT_DIMENSIONS", nil, info.width, info.height)
  end
  if info.odd then report:add "IMAGE_FEATURES_UNSUPPORTED" end
end

local function each(report, gltf, name, fn)
  report:push(name)
  for i, object in ipairs(gltf[name] or {}) do
    if object then
      report:push(i - 1)
      fn(report, object, i - 1)
      report:pop()
    end
  end
  report:pop()
end

---Reads all of it.
---@async
---@param report orch.gltf.Report
---@param gltf table
function resource.load(report, gltf)
  each(report, gltf, "buffers", load_buffer)
  each(report, gltf, "images", load_image)
end

---Whether textures have images of a type that they take.
---@param report orch.gltf.Report
function resource.check_textures(report)
  for _, texture in ipairs(report.textures) do
    local image = texture.image
    local type = image and (image.mimeType or (image.info and image.info.type))
    if type and not contains(texture.types, type) then
      report:go(texture.path)
      report:add("TEXTURE_INVALID_IMAGE_MIME_TYPE", "source", type, texture.types)
      report:go {}
    end
  end
end

return resource
