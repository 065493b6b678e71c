--- A form with files in it (RFC 7578, as browsers write it); files are streamed from the
--- disk, and the length is known beforehand.
---
---     http.post(url, { multipart = {
---       version = "1.2",
---       build = { path = "out/game.zip", type = "application/zip" },
---     } })

local arg = require "orch.arg"
local file = require("orch.http.body").file
local hex = require "orch.hex"

--- At the end of the text or within it: as WHATWG's form-data encoding has it.
local function quoted(text)
  return '"' .. text:gsub("\r\n?", "\n"):gsub('[\n"]', { ["\n"] = "%0D%0A", ['"'] = "%22" })
    .. '"'
end

local function filename_in_header(text)
  return '"' .. text:gsub('[\r\n"]', { ["\r"] = "%0D", ["\n"] = "%0A", ['"'] = "%22" }) .. '"'
end

local part_options = {
  name = "string", value = "string|number|boolean", path = "path", filename = "string",
  type = "string",
}

local function boundary()
  local random <close> = assert(io.open("/dev/urandom", "rb"))
  return "orch-" .. hex(random:read(16))
end

local function check_text(fname, name, what, text)
  if not text:find "[\r\n\0]" then return end
  arg.fail("%s: the %s of the part '%s' has a line end or a NUL byte", fname, what, name)
end

local function check_nul(fname, name, what, text)
  if not text:find("\0", 1, true) then return end
  arg.fail("%s: the %s of the part '%s' has a NUL byte", fname, what, (name:gsub("%z", "?")))
end

--- { { name, {path= or value=, filename=, type=} }, ... } in the order of sending.
local function add(list, fname, name, value)
  check_nul(fname, name, "name", name)
  if type(value) ~= "table" then
    if math.type(value) == nil and type(value) ~= "string" and type(value) ~= "boolean" then
      arg.fail("%s: the part '%s' should be a string, a number, a boolean, { path = } or "
        .. "{ value =, filename =, type = }, not %s", fname, name, arg.describe(value))
    end
    list[#list + 1] = { name, { value = value } }
  elseif value[1] ~= nil then
    for _, item in ipairs(value) do add(list, fname, name, item) end
  else
    local part = arg.options(fname .. ": multipart", value, part_options)
    if (part.path == nil) == (part.value == nil) then
      arg.fail("%s: the part '%s' should have either `path` or `value`", fname, name)
    end
    if part.type then check_text(fname, name, "type", part.type) end
    if part.filename then check_nul(fname, name, "filename", part.filename) end
    list[#list + 1] = { name, part }
  end
end

local function parts_of(fname, values)
  local list = {}
  if values[1] ~= nil then
    for i, value in ipairs(values) do
      if type(value) ~= "table" or type(value.name) ~= "string" then
        arg.fail("%s: part %d of `multipart` should have a name: { name =, path = } or "
          .. "{ name =, value = }", fname, i)
      end
      add(list, fname, value.name, value)
    end
    return list
  end
  for key in next, values do
    if type(key) ~= "string" then
      arg.fail("%s: option `multipart` should have names, { name = value }, not %s", fname,
        arg.describe(key))
    end
  end
  for _, name in ipairs(arg.keys_of(values)) do add(list, fname, name, values[name]) end
  return list
end

local types = {
  json = "application/json", txt = "text/plain", html = "text/html", csv = "text/csv",
  xml = "application/xml", pdf = "application/pdf", zip = "application/zip",
  gz = "application/gzip", png = "image/png", jpg = "image/jpeg", jpeg = "image/jpeg",
  gif = "image/gif", webp = "image/webp", svg = "image/svg+xml", mp4 = "video/mp4",
  wav = "audio/wav", mp3 = "audio/mpeg", log = "text/plain",
}

local function head_of(name, part)
  local lines = { "Content-Disposition: form-data; name=" .. quoted(name) }
  local filename = part.filename or part.path and part.path:match "[^/]*$"
  if filename then
    lines[1] = lines[1] .. "; filename=" .. filename_in_header(filename)
    local kind = part.type or types[(filename:match "%.(%w+)$" or ""):lower()]
    lines[2] = "Content-Type: " .. (kind or "application/octet-stream")
  elseif part.type then
    lines[2] = "Content-Type: " .. part.type
  end
  return table.concat(lines, "\r\n")
end

---@async
---@param fname string
---@param values table name -> text, { path =, filename =, type = } or a list of these; or a
---  list of { name =, ... } where the order matters
---@return (string|orch.http.Segment)[] segments
---@return string content_type
return function(fname, values)
  local mark = boundary()
  local segments, text = {}, ""
  for _, one in ipairs(parts_of(fname, values)) do
    local name, part = one[1], one[2]
    text = ("%s--%s\r\n%s\r\n\r\n"):format(text, mark, head_of(name, part))
    if part.path then
      segments[#segments + 1] = text
      segments[#segments + 1] = file(fname, part.path)
      text = "\r\n"
    else
      text = text .. tostring(part.value) .. "\r\n"
    end
  end
  segments[#segments + 1] = ("%s--%s--\r\n"):format(text, mark)
  return segments, "multipart/form-data; boundary=" .. mark
end
