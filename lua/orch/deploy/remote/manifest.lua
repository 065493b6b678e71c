--- What an upload writes down at the other end: of each file its size, its time here and its
--- digest. With it the next upload knows what has changed although a build has written all files
--- anew, and although listings know only minutes.

local hash = require "orch.hash"
local json = require "orch.json"

local manifest = {}

manifest.NAME = ".orch-manifest.json"

---@class orch.deploy.remote.Known
---@field size integer
---@field mtime number
---@field sha256 string

---@param session orch.deploy.remote.Session
---@return table<string, orch.deploy.remote.Known>? files nil when there is none to be used
---@return string mark of this very manifest
function manifest.read(session)
  local text = session:read(manifest.NAME)
  local ok, read = pcall(json.decode, text or "")
  local mark = text and hash.sha256(text) or "none"
  if not ok or type(read) ~= "table" or read.version ~= 1 or type(read.files) ~= "table" then
    return nil, mark
  end
  for name, one in next, read.files do -- whoever may write there may have written anything
    if type(one) ~= "table" or type(one.size) ~= "number" then read.files[name] = nil end
  end
  return read.files, mark
end

--- Of a file that is being replaced: no file is like that.
manifest.UNKNOWN = { size = -1, mtime = 0, sha256 = "" }

local function token()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return hash.hex(file:read(8))
end

---@param session orch.deploy.remote.Session
---@param files table<string, orch.deploy.remote.Known>
---@param unfinished boolean? it is then another one than that of any other upload
---@return string mark
function manifest.write(session, files, unfinished)
  local text = json.encode { version = 1, files = files, upload = unfinished and token() or nil }
  require("orch.deploy.remote.send").text(session, manifest.NAME, text)
  return hash.sha256(text)
end

--- On a thread: a trip to the pool for each of thousands of small files would take longer than
--- reading them.
local function digest_all(paths)
  local hash = require "orch.hash"
  local digests = {}
  for i, path in ipairs(paths) do
    local file = io.open(path, "rb")
    local running = file and hash.new "sha256"
    local piece = file and file:read(1 << 20)
    while piece do
      running:update(piece)
      piece = file:read(1 << 20)
    end
    if file then file:close() end
    digests[i] = running and running:digest() or ""
  end
  return digests
end

---Fills in `sha256` of files that have none.
---@async
---@param files orch.deploy.FolderFile[]
function manifest.digest(files)
  local paths, missing = {}, {}
  for _, file in ipairs(files) do
    if not file.sha256 then
      paths[#paths + 1], missing[#missing + 1] = file.path, file
    end
  end
  if not paths[1] then return end
  for i, digest in ipairs(require("orch.thread").thread(digest_all, paths)) do
    missing[i].sha256 = digest
  end
end

return manifest
