--- Images as a part of a message: from a file, from bytes, from an address.
---
---     provider:chat { "What is wrong in this screenshot?", { image = "shot.png" } }
---     provider:chat { "And here?", { image = { bytes = png, type = "image/png" } } }

local arg = require "orch.arg"

local image = {}

--- What the first bytes say; an extension may lie, and the providers look at the bytes.
local function type_of(bytes)
  if bytes:sub(1, 8) == "\137PNG\r\n\26\n" then return "image/png" end
  if bytes:sub(1, 3) == "\255\216\255" then return "image/jpeg" end
  if bytes:find "^GIF8[79]a" then return "image/gif" end
  if bytes:find "^RIFF....WEBP" then return "image/webp" end
  if bytes:find "^....ftyphei[cfx]" then return "image/heic" end
end

local function from_bytes(fname, bytes, kind, what)
  kind = kind or type_of(bytes)
  if not kind then
    arg.fail('%s: %s is no PNG, JPEG, GIF or WebP image; if it is an image, say what it is: '
      .. '{ image = { ..., type = "image/..." } }', fname, what)
  end
  return { type = kind, data = require("orch.hash").base64(bytes) }
end

local function from_text(fname, text, kind)
  local data_type, data = text:match "^data:(image/[%w.+-]+);base64,(.+)$"
  if data then return { type = data_type, data = data } end
  if text:find "^https?://" or text:find "^gs://" then return { url = text, type = kind } end
  local bytes = require("orch.fs").read(text)
  return from_bytes(fname, bytes, kind, ("'%s'"):format(text))
end

local options = { path = "path", url = "string", bytes = "string", type = "string" }

---@class orch.ai.Image
---@field type string? such as "image/png"
---@field data string? base64; or
---@field url string? what the provider is to fetch itself

---Reads the image of a message part; a file is read here and now.
---@async
---@param fname string
---@param source string|{path: string?, url: string?, bytes: string?, type: string?}
---  a path, an `https://` address, a `data:` URL
---@return orch.ai.Image raises kind `os` when the file cannot be read, `usage` when it is
---  not an image
function image.read(fname, source)
  if type(source) == "string" then return from_text(fname, source) end
  if type(source) ~= "table" then
    arg.fail("%s: an image should be a path, an address or { bytes = ... }, not %s", fname,
      arg.describe(source))
  end
  source = arg.options(fname .. ": an image", source, options)
  if source.bytes then return from_bytes(fname, source.bytes, source.type, "what `bytes` holds") end
  if not (source.path or source.url) then
    arg.fail("%s: an image needs one of `path`, `url`, `bytes`", fname)
  end
  return from_text(fname, source.path or source.url, source.type)
end

return image
