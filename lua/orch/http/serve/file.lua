--- Files as answers: their type, and single ranges of them (RFC 9110, 14).

local core = require "orch.core.serve"
local errors = require "orch.core.error"
local path = require "orch.fs.path"
local place = require "orch.place"

local files = {}

local PIECE = 256 << 10

local types = {
  html = "text/html; charset=utf-8", htm = "text/html; charset=utf-8",
  css = "text/css; charset=utf-8", js = "text/javascript; charset=utf-8",
  txt = "text/plain; charset=utf-8", log = "text/plain; charset=utf-8",
  md = "text/markdown; charset=utf-8", csv = "text/csv; charset=utf-8",
  xml = "application/xml", json = "application/json", pdf = "application/pdf",
  png = "image/png", jpg = "image/jpeg", jpeg = "image/jpeg", gif = "image/gif",
  svg = "image/svg+xml", webp = "image/webp", ico = "image/x-icon", mp3 = "audio/mpeg",
  ogg = "audio/ogg", wav = "audio/wav", mp4 = "video/mp4", webm = "video/webm",
  wasm = "application/wasm", zip = "application/zip", gz = "application/gzip",
  ttf = "font/ttf", woff2 = "font/woff2",
}

local function type_of(name)
  local ending = name:match "%.(%w+)$"
  return ending and types[ending:lower()] or "application/octet-stream"
end

--- The path below `root`, or nil where it would leave it.
local function below(root, name)
  local parts = {}
  for part in name:gmatch "[^/]+" do
    if part == ".." then return nil end
    if part ~= "." then parts[#parts + 1] = part end
  end
  return path.join(root, table.unpack(parts))
end

local missing = { ENOENT = true, ENOTDIR = true, EISDIR = true, ENAMETOOLONG = true }

local function open_file(full)
  local ok, file, size, mtime = pcall(core.open_file, full)
  if ok then return file, size, mtime end
  if errors.is(file) and file.kind == "os" and missing[file.code] then return nil end
  error(file, 0)
end

--- first, last; or false for a range that is not there, nil for what is none.
local function parse_range(text, size)
  local first, last = (text or ""):match "^bytes=(%d*)%-(%d*)$"
  if not first or first .. last == "" then return nil end
  if #first > 15 or #last > 15 then return false end
  if first == "" then
    first, last = math.max(0, size - tonumber(last)), size - 1
  else
    first, last = tonumber(first), math.min(tonumber(last) or size - 1, size - 1)
  end
  if first >= size or last < first then return false end
  return first, last
end

--- A range counts only while the file is still the one that the client knows.
local function wanted_range(request, size, tag)
  local known = request.headers["if-range"]
  if known and known ~= tag then return nil end
  return parse_range(request.headers.range, size)
end

---Opens what the answer names.
---@async
---@return userdata? file `<close>`-able; nil: there is only a status to send
---@return {status: integer, offset: integer, size: integer}|integer what
---@return string[]? headers
function files.open(request, value, status)
  local name = value.file
  if value.root then name = below(value.root, name) end
  local file, size, mtime
  if name then file, size, mtime = open_file(place.resolve(name)) end
  if not file then return nil, 404 end
  local tag = ('"%x-%x"'):format(size, mtime)
  local headers = {
    "Content-Type", type_of(name), "Accept-Ranges", "bytes", "ETag", tag,
    "Last-Modified", os.date("!%a, %d %b %Y %H:%M:%S GMT", mtime),
  }
  if status ~= 200 then return file, { status = status, offset = 0, size = size }, headers end
  if request.headers["if-none-match"] == tag then
    core.close_file(file)
    return nil, 304, headers
  end
  local first, last = wanted_range(request, size, tag)
  if first == nil then return file, { status = 200, offset = 0, size = size }, headers end
  if first == false then
    core.close_file(file)
    return nil, 416, { "Content-Range", "bytes */" .. size }
  end
  headers[#headers + 1] = "Content-Range"
  headers[#headers + 1] = ("bytes %d-%d/%d"):format(first, last, size)
  return file, { status = 206, offset = first, size = last - first + 1 }, headers
end

---Sends a part of it, read piece by piece on a thread.
---@async
---@return table? ending {close=true} when the file has become shorter meanwhile
function files.copy(file, what, send)
  local at, left = what.offset, what.size
  while left > 0 do
    local piece = core.read_file(file, at, math.min(left, PIECE))
    if piece == "" then return { close = true } end
    send(piece)
    at, left = at + #piece, left - #piece
  end
end

return files
