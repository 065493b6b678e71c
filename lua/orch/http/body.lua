--- What a request sends: JSON, a form, several parts, text, a file, or what a function
--- gives.
---
---     local content, kind = body.of("http.post", { json = { name = "game" } })

local arg = require "orch.arg"

local body = {}

--- The options that are bodies, and which excludes which: all.
local forms = { "json", "form", "multipart", "body" }

--- A file as a segment: its size now is what will be sent.
---@async
---@param fname string
---@param path orch.Path
---@return orch.http.Segment
function body.file(fname, path)
  path = arg.path(fname, 1, path)
  local full = require("orch.place").resolve(path)
  local info = require("orch.core.entry").stat(full, true)
  if info.type ~= "file" then
    arg.fail("%s: '%s' is no file that can be sent: it is a %s", fname, path, info.type)
  end
  return { path = full, offset = 0, size = info.size }
end

--- A part of a file, which must be there now.
local function window(fname, segment, offset, length)
  length = length or segment.size - offset
  if length < 0 or length > segment.size - offset then
    arg.fail("%s: `body` asks for %d bytes from %d on, but '%s' has %d", fname,
      math.max(length, 0), offset, segment.path, segment.size)
  end
  segment.offset, segment.size = offset, length
  return segment
end

local function plain_body(fname, value)
  if type(value) == "string" then return value end
  if arg.is_callable(value) then
    if type(value) ~= "function" then
      local callable = value
      value = function() return callable() end
    end
    return value
  end
  if value.path == nil then
    arg.fail('%s: option `body` should be a string, a function or { path = "file" }; a table goes '
      .. "into `json` or `form`", fname)
  end
  local o = arg.options(fname .. ": body", value, { path = "path", offset = "size", length = "size" })
  return { window(fname, body.file(fname, o.path), o.offset or 0, o.length) }
end

---The body that the options ask for.
---@async
---@param fname string
---@param o table checked options
---@return string|table|function|nil content for the wire
---@return string? content_type
function body.of(fname, o)
  local form
  for _, name in ipairs(forms) do
    if o[name] ~= nil then
      if form then arg.fail("%s: `%s` and `%s` exclude each other", fname, form, name) end
      form = name
    end
  end
  if not form then return nil end
  local value = o[form]
  if form == "json" then return require("orch.json").encode(value), "application/json" end
  if form == "form" then
    return require("orch.http.query").encode(fname, "form", value, true),
      "application/x-www-form-urlencoded"
  end
  if form == "multipart" then return require "orch.http.multipart"(fname, value) end
  return plain_body(fname, value), "application/octet-stream"
end

return body
