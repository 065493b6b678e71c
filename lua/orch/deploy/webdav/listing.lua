--- What is on the server: PROPFIND where it speaks WebDAV (RFC 4918), HEAD where it does not.

local failure = require "orch.deploy.failure"
local date = require "orch.http.date"
local urls = require "orch.http.url"

local listing = {}

---@class orch.deploy.webdav.Entry
---@field size integer?
---@field modified integer? seconds since 1970
---@field etag string?
---@field folder boolean

local ASK = '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
  .. "<resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>"

local function local_name(element) return element.name:match "([^:]+)$" end

local function children(element, name)
  local list = {}
  for _, child in ipairs(element) do
    if type(child) == "table" and local_name(child) == name then list[#list + 1] = child end
  end
  return list
end

--- The properties that were found: those with 200.
local function read_properties(response)
  local entry = { folder = false }
  for _, propstat in ipairs(children(response, "propstat")) do
    local status = children(propstat, "status")[1]
    if not status or status:text():find " 200" then
      local prop = children(propstat, "prop")[1]
      for _, one in ipairs(prop or {}) do
        local name = type(one) == "table" and local_name(one)
        if name == "resourcetype" then
          entry.folder = children(one, "collection")[1] ~= nil
        elseif name == "getcontentlength" then
          entry.size = math.tointeger(tonumber(one:text()))
        elseif name == "getlastmodified" then
          entry.modified = date(one:text())
        elseif name == "getetag" then
          entry.etag = one:text()
        end
      end
    end
  end
  return entry
end

local function path_of(url)
  return (urls.decode(url:match "^%a+://[^/]*(/.*)$" or url):gsub("/+$", ""))
end

local function read(what, url, response)
  local ok, root = pcall(require("orch.xml").decode, (response.body:gsub("^%s+", "")))
  if not ok or local_name(root) ~= "multistatus" then
    failure.throw("webdav", { what = what, kind = "http", status = response.status,
      words = "the answer is no list of WebDAV" })
  end
  local base, entries, own = path_of(url), {}, nil
  for _, one in ipairs(children(root, "response")) do
    local href = children(one, "href")[1]
    local path = href and path_of(href:text():match "^%s*(.-)%s*$") or base
    if path == base then
      own = read_properties(one)
    else
      entries[path:match "([^/]+)$"] = read_properties(one)
    end
  end
  return own, entries
end

local NOT_THERE = { [404] = true }
local NOT_SPOKEN = { [404] = true, [405] = true, [501] = true, [400] = true, [403] = true,
  [415] = true }

---What a URL is, and with `depth` 1 what is in it.
---@async
---@param dav orch.deploy.webdav.Client
---@param shown string for messages
---@param url string
---@param depth 0|1
---@return boolean speaks false: the server has no PROPFIND
---@return orch.deploy.webdav.Entry? own nil: it is not there
---@return table<string, orch.deploy.webdav.Entry>? entries by name
function listing.ask(dav, shown, url, depth)
  local what = ("ask what is at '%s'"):format(shown)
  local status, response = dav:ask(dav.speaks and NOT_THERE or NOT_SPOKEN, what, "PROPFIND", url,
    { body = ASK, headers = { Depth = tostring(depth), ["Content-Type"] = "application/xml" } })
  if status == 404 then return true end
  if status ~= 207 then return false end
  dav.speaks = true
  return true, read(what, url, response)
end

---The same of one file, by HEAD.
---@async
---@return orch.deploy.webdav.Entry?
function listing.head(dav, shown, url)
  local status, response = dav:ask({ [404] = true, [405] = true, [403] = true, [501] = true },
    ("look for '%s'"):format(shown), "HEAD", url)
  if status >= 400 or not response then return nil end
  local headers = response.headers
  return { size = math.tointeger(tonumber(headers["content-length"])), folder = false,
    modified = date(headers["last-modified"]), etag = headers.etag }
end

---One file, in whatever way the server knows.
---@async
---@return orch.deploy.webdav.Entry?
function listing.one(dav, shown, url)
  local speaks, own = listing.ask(dav, shown, url, 0)
  if speaks and (own or dav.speaks) then return own end
  return listing.head(dav, shown, url)
end

---Whether a file is there as it is here: as large, and not older.
---@param file {size: integer, mtime: number}
---@param entry orch.deploy.webdav.Entry?
---@return boolean
function listing.same(file, entry)
  return entry ~= nil and not entry.folder and entry.size == file.size
    and entry.modified ~= nil and entry.modified >= math.floor(file.mtime)
end

return listing
