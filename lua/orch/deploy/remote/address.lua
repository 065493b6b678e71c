--- Where a folder of a file server is: what a URL says, and how a path below it is written in a
--- URL and in a command. FTP counts paths from the folder of the login ("ftp://host//srv" is
--- from the root), SFTP from the root ("sftp://host/~/in" is from the home).
---
---     local at = address.read("deploy.ftp.upload", "ftp://host/game/", { ftp = true })
---     at:url "index.html"     -- "ftp://host/game/index.html"
---     at:path "index.html"    -- "game/index.html"

local arg = require "orch.arg"
local urls = require "orch.http.url"

local address = {}

---@class orch.deploy.remote.Address
---@field scheme "ftp"|"ftps"|"sftp"
---@field origin string "ftp://host:21"
---@field host string
---@field port integer
---@field user string?
---@field password string?
---@field base string "" or a path without slash at its end
---@field shown string the URL for people, without user and password
local Address = {}
Address.__index = Address

local ports = { ftp = 21, ftps = 990, sftp = 22 }

local function encode_path(path)
  return (path:gsub("[^/]+", urls.encode))
end

---The path of a name below the folder, as commands have it; "": the folder itself.
---@param name string
---@return string
function Address:path(name)
  if name == "" then return self.base == "" and "." or self.base end
  if self.base == "" then return name end
  return (self.base == "/" and "" or self.base) .. "/" .. name
end

---@param name string
---@param is_folder boolean?
---@return string url
function Address:url(name, is_folder)
  local path = name == "" and self.base or self:path(name)
  if is_folder and path ~= "" and path:sub(-1) ~= "/" then path = path .. "/" end
  local absolute = path:sub(1, 1) == "/"
  if self.scheme == "sftp" then
    return self.origin .. (absolute and "" or "/~/") .. encode_path(path)
  end
  return self.origin .. "/" .. (absolute and "%2F" .. encode_path(path:sub(2))
    or encode_path(path))
end

---The folder beside this one that is called so.
---@param leaf string
---@return orch.deploy.remote.Address
function Address:beside(leaf)
  local copy = setmetatable({}, Address)
  for key, value in next, self do copy[key] = value end
  copy.base = (self.base:match "^(.*/)" or "") .. leaf
  return copy
end

---The folder that this one is in, and what it is called there; nil for the topmost one.
---@return orch.deploy.remote.Address?
---@return string? leaf
function Address:parent()
  local before, leaf = self.base:match "^(.-)/?([^/]+)$"
  if not leaf then return nil end
  if before == "" and self.base:sub(1, 1) == "/" then before = "/" end
  local copy = setmetatable({}, Address)
  for key, value in next, self do copy[key] = value end
  copy.base = before
  return copy, leaf
end

local function decode_path(fname, url, path)
  path = urls.decode(path)
  if path:find "%c" then
    arg.fail("%s: the path of %s has a control character in it, which no command can have",
      fname, urls.shown(url))
  end
  for part in path:gmatch "[^/]+" do
    if part == ".." then arg.fail("%s: the path of %s has '..' in it", fname, urls.shown(url)) end
  end
  return path
end

local function check_scheme(fname, url, schemes)
  local scheme = url:match "^%s*(%a[%w+.-]*)://"
  if not scheme or schemes[scheme:lower()] then return end
  local other = ({ ftp = "ftp", ftps = "ftp", sftp = "sftp", http = "webdav", https = "webdav",
    s3 = "s3" })[scheme:lower()]
  arg.fail("%s: %s is no URL for it%s", fname, urls.shown(url),
    other and "; for that there is deploy." .. other or "")
end

---@param fname string for messages
---@param url string
---@param schemes table<string, true>
---@return orch.deploy.remote.Address at
---@return string? leaf the name after the last slash: of a file
function address.read(fname, url, schemes)
  check_scheme(fname, url, schemes)
  local text, credentials = urls.check(fname, url, schemes)
  local scheme, _, host, rest = urls.split(text)
  if rest:find "[?#]" then
    arg.fail("%s: %s has a '%s' in its path; write %s", fname, urls.shown(url),
      rest:match "[?#]", rest:match "[?#]" == "?" and "%3F" or "%23")
  end
  local path = decode_path(fname, url, rest:gsub("^/", "", scheme == "sftp" and 0 or 1))
  if scheme == "sftp" then
    path = path:gsub("^/~$", ""):gsub("^/~/", "")
    if path == "" and not rest:find "^/~" then path = "/" end
  end
  path = path:gsub("/+", "/")
  local folder, leaf = path:match "^(.*/)([^/]*)$"
  if not folder then folder, leaf = "", path end
  local base = folder == "/" and "/" or (folder:gsub("/$", ""))
  local at = setmetatable({
    scheme = scheme, host = host:gsub(":%d*$", ""), origin = scheme .. "://" .. host,
    port = tonumber(host:match ":(%d+)$") or ports[scheme], base = base,
    shown = urls.shown(text),
  }, Address)
  if credentials then at.user, at.password = credentials:match "^([^:]*):?(.*)$" end
  if at.password == "" then at.password = nil end
  return at, leaf ~= "" and leaf or nil
end

return address
