--- URIs of buffers and images: data that stand in the document itself, and names of files.

local base64 = require "orch.core.base64"
local picture = require "orch.gltf.picture"

local uri = {}

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- "data:[type][;name=value]...[;base64],DATA"
---@return table? data {type=, bytes=}
---@return string? problem nil and nil: it is no data URI
local function read_data(text)
  local comma = text:find(",", 6, true)
  if text:sub(1, 5):lower() ~= "data:" then return nil end
  if not comma then return nil, "a data URI has a comma before its data" end
  local head = text:sub(6, comma - 1)
  local is_base64 = head:find ";base64$" ~= nil
  if is_base64 then head = head:sub(1, -8) end
  local type, parameters = head:match "^([^;]*)(.*)$"
  if parameters:gsub(";[^;=]+=[^;=]*", "") ~= "" then
    return nil, "a parameter of a data URI is NAME=VALUE"
  end
  if not is_base64 then
    return { type = type:lower(), bytes = unescape(text:sub(comma + 1)) }
  end
  local bytes = base64.decode(text, comma + 1)
  if not bytes and text:find("%", comma, true) then
    bytes = base64.decode(unescape(text:sub(comma + 1)), 1)
  end
  if not bytes then return nil, "its base64 is damaged" end
  return { type = type:lower(), bytes = bytes }
end

--- What stands before a colon is a scheme, unless a slash comes first.
local function problem_of(text)
  local colon, slash = text:find(":", 1, true), text:find("[/?#]")
  if not colon or (slash and slash < colon) then return nil end
  local scheme = text:sub(1, colon - 1)
  if scheme == "" then return "it has a colon, but no scheme before it" end
  if not scheme:find "^%a[%w+.-]*$" then return "'" .. scheme .. "' is no scheme" end
  local host = text:match("^//([^/?#]*)", colon + 1)
  if not host then return nil end
  if host:find "%[" and not host:find "%[[%x:.%%]+%]" then return "its address has no end" end
  local port = host:gsub("^.*@", ""):gsub("^%[.*%]", ""):match ":(.*)$"
  if port and not port:find "^%d*$" then return "'" .. port .. "' is no port" end
end

--- A reference to a file: what stands in `self.file` is asked for later.
local function reference(report, self, text)
  local problem = problem_of(text)
  if problem then return report:add("INVALID_URI", "uri", text, problem) end
  if text:find "^%a[%w+.-]*:" or text:find "^/" or text:find "[?#]" then
    report:add("NON_RELATIVE_URI", "uri", text)
  end
  self.file = text
end

--- The part of a URI that is a path, with its escapes undone.
---@param text string
---@return string
function uri.path(text)
  return unescape((text:gsub("[?#].*", "")))
end

local function embedded(report, self, text)
  local data, problem = read_data(text)
  if data then
    if report.is_glb then report:add("DATA_URI_GLB", "uri") end
    return data
  end
  if problem then return nil, report:add("INVALID_URI", "uri", text, problem) end
  reference(report, self, text)
end

local buffer_types = { ["application/octet-stream"] = true, ["application/gltf-buffer"] = true }

function uri.buffer(report, self, raw)
  self.has_uri = raw.uri ~= nil
  if not self.uri then return end
  if report.is_glb then report:add("URI_GLB", "uri") end
  local data = embedded(report, self, self.uri)
  if not data then return end
  if buffer_types[data.type] then
    self.data = data.bytes
  else
    report:add("BUFFER_DATA_URI_MIME_TYPE_INVALID", "uri", data.type)
  end
end

function uri.image(report, self)
  local view, text = self.bufferView, self.uri
  if view and not self.mimeType then
    report:add("UNSATISFIED_DEPENDENCY", "bufferView", "mimeType")
  end
  if (view ~= nil) == (text ~= nil) then
    report:add("ONE_OF_MISMATCH", nil, { "bufferView", "uri" })
  end
  if not text then return end
  if report.is_glb then report:add("URI_GLB", "uri") end
  local data = embedded(report, self, text)
  if not data then return end
  local type = picture.type_of(data.bytes)
  if type ~= data.type then
    return report:add("INVALID_URI", "uri", text:sub(1, 40), ("it says '%s', but has %s")
      :format(data.type, type and "'" .. type .. "'" or "something else"))
  end
  self.mimeType = self.mimeType or data.type
  self.data = data.bytes
end

return uri
