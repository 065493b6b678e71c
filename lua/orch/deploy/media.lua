--- The type and the encoding that a file is served with, by its name: what a store of files
--- cannot know by itself. Unity's `Build/game.wasm.br` is application/wasm, encoded with br.
---
---     media.of "Build/game.wasm.br"   --> "application/wasm", "br"

local media = {}

local types = {
  html = "text/html; charset=utf-8", htm = "text/html; charset=utf-8",
  css = "text/css; charset=utf-8", txt = "text/plain; charset=utf-8",
  md = "text/markdown; charset=utf-8", csv = "text/csv; charset=utf-8",
  js = "text/javascript; charset=utf-8", mjs = "text/javascript; charset=utf-8",
  json = "application/json", map = "application/json", webmanifest = "application/manifest+json",
  wasm = "application/wasm", xml = "application/xml", pdf = "application/pdf",
  png = "image/png", jpg = "image/jpeg", jpeg = "image/jpeg", gif = "image/gif",
  svg = "image/svg+xml", webp = "image/webp", avif = "image/avif", ico = "image/x-icon",
  ktx2 = "image/ktx2", hdr = "image/vnd.radiance", glb = "model/gltf-binary",
  gltf = "model/gltf+json", mp3 = "audio/mpeg", ogg = "audio/ogg", wav = "audio/wav",
  m4a = "audio/mp4", mp4 = "video/mp4", webm = "video/webm", ttf = "font/ttf", otf = "font/otf",
  woff = "font/woff", woff2 = "font/woff2", zip = "application/zip", tar = "application/x-tar",
  gz = "application/gzip", tgz = "application/gzip", zst = "application/zstd",
  apk = "application/vnd.android.package-archive", ipa = "application/octet-stream",
  dmg = "application/x-apple-diskimage", plist = "application/xml",
  data = "application/octet-stream", mem = "application/octet-stream",
}

local encodings = { br = "br", gz = "gzip" }

--- What a browser loads, and should see unpacked. An archive such as `x.tar.gz` stays one.
local unpacked = {
  js = true, mjs = true, wasm = true, data = true, mem = true, json = true, map = true,
  html = true, htm = true, css = true, txt = true, csv = true, xml = true, svg = true,
  gltf = true, glb = true, ktx2 = true, hdr = true, ttf = true, otf = true, webmanifest = true,
}

---@param name string
---@param more table<string, string>? types of other endings
---@return string type
---@return string? encoding "br" or "gzip", for the header Content-Encoding
function media.of(name, more)
  local stem, last = name:match "^(.*)%.([^./]+)$"
  last = (last or ""):lower()
  local inner = encodings[last] and (stem:match "%.([^./]+)$" or ""):lower()
  more = more or {}
  if inner and unpacked[inner] then return more[inner] or types[inner], encodings[last] end
  return more[last] or types[last] or "application/octet-stream"
end

return media
