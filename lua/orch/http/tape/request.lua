--- A request as a tape keeps and compares it: redacted, a multipart boundary replaced,
--- files and large bodies as their size and digest.
---
---     local seen = request.look(raw_request, redactor, limit)
---     file.text { { "request", raw = file.object(seen.fields) } }

local body = require "orch.http.tape.body"

local request = {}

local BOUNDARY = "boundary"
local PIECE = 1 << 20

---The value of a header in a list of lines.
---@param headers string[]
---@param name string lower case
---@return string?
function request.header(headers, name)
  for _, line in ipairs(headers) do
    local key, value = line:match("^([^:]+):%s*(.-)%s*$")
    if key and key:lower() == name then return value end
  end
end

local function boundary_of(headers)
  local kind = request.header(headers, "content-type")
  if not kind or not kind:lower():find "^multipart/" then return nil end
  return kind:match('boundary="([^"]+)"') or kind:match("boundary=([^;%s]+)")
end

--- All of `text` with `old` as plain text replaced.
local function replace(text, old, new)
  return (text:gsub(old:gsub("%p", "%%%0"), (new:gsub("%%", "%%%%"))))
end

--- What the boundary is does not matter, and it is another one in each run.
local function without_boundary(text, boundary)
  return boundary and replace(text, "--" .. boundary, "--" .. BOUNDARY) or text
end

local function digest(bytes)
  return { { "size", #bytes }, { "sha256", require("orch.hash").sha256(bytes) } }
end

--- The digest of a part of a file, in pieces: the whole of one is read by a thread.
local function digest_file(segment)
  local fs, hash = require "orch.fs", require "orch.hash"
  local stat = fs.stat(segment.path)
  local offset = segment.offset or 0
  local size = segment.size or stat.size - offset
  if offset == 0 and size == stat.size then
    return size, fs.hash(segment.path)
  end
  local handle <close> = assert(io.open(segment.path, "rb"))
  handle:seek("set", offset)
  local running, left = hash.new "sha256", size
  while left > 0 do
    local piece = handle:read(math.min(PIECE, left))
    if not piece then break end
    running:update(piece)
    left = left - #piece
    require("orch.task").checkpoint()
  end
  return size - left, running:digest()
end

--- A body of segments with files in it: {name, raw=} of a list.
local function parts_of(segments, boundary, redactor)
  local file = require "orch.http.tape.file"
  local list = {}
  for i, segment in ipairs(segments) do
    if type(segment) == "string" then
      local text = without_boundary(segment, boundary)
      list[i] = file.object(body.encode(redactor:bytes(text, body.is_text(text))))
    else
      local size, sha256 = digest_file(segment)
      local name = redactor:bytes(segment.path:match "[^/]*$")
      list[i] = file.object { { "file", name }, { "size", size },
        { "sha256", sha256 } }
    end
  end
  return { { "parts", raw = "[" .. table.concat(list, ",") .. "]" } }
end

--- The fields of a body that is in memory.
local function fields_of(bytes, kind, boundary, redactor, limit)
  bytes = without_boundary(bytes, boundary)
  if #bytes > limit then return digest(bytes) end
  local is_form = kind and kind:lower():find("application/x-www-form-urlencoded", 1, true)
  local is_text = body.is_text(bytes)
  bytes = is_form and is_text and redactor:form(bytes) or redactor:bytes(bytes, is_text)
  return body.encode(bytes, "loosely")
end

--- Segments without a file are one string.
local function as_string(whole)
  if type(whole) ~= "table" then return whole end
  for _, segment in ipairs(whole) do
    if type(segment) ~= "string" then return whole end
  end
  return table.concat(whole)
end

---The fields of a body: {name, value} or {name, raw=}, as they are written.
---@async
---@param whole string|table|nil a string or segments
---@param headers string[]
---@param redactor table
---@param limit integer bytes of a body that is kept as it is
---@return table[]
function request.body_fields(whole, headers, redactor, limit)
  whole = as_string(whole)
  if whole == nil or whole == "" then return {} end
  local boundary = boundary_of(headers)
  if type(whole) == "table" then return parts_of(whole, boundary, redactor) end
  return fields_of(whole, request.header(headers, "content-type"), boundary, redactor, limit)
end

local function header_lines(raw, redactor)
  local lines = raw.headers or {}
  local boundary = boundary_of(lines)
  local list = {}
  for i, line in ipairs(lines) do
    if boundary and line:lower():find "^content%-type:" then
      line = replace(line, boundary, BOUNDARY)
    end
    list[i] = redactor:header(line)
  end
  local from = raw.settings and raw.settings.resume_from
  if from and from ~= 0 and not request.header(lines, "range") then
    list[#list + 1] = ("Range: bytes=%d-"):format(from)
  end
  return list
end

---The fields of a request but for its body.
---@param raw table as the wire takes it
---@param redactor table
---@return table[]
function request.head_fields(raw, redactor)
  local headers = header_lines(raw, redactor)
  local fields = { { "method", raw.method }, { "url", redactor:url(raw.url) } }
  if #headers > 0 then fields[3] = { "headers", headers } end
  return fields
end

--- A body from a function is read once, so all of it is needed before it is compared.
---@async
---@param next_chunk fun(): string?
---@param most integer bytes
---@return string
function request.drain(next_chunk, most)
  local parts, size = {}, 0
  for chunk in next_chunk do
    size = size + #chunk
    if size > most then
      require("orch.arg").fail("http.tape: a body of more than %d MB that comes from a "
        .. "function cannot be compared with a tape; send it from a file", most >> 20)
    end
    parts[#parts + 1] = chunk
  end
  return table.concat(parts)
end

return request
