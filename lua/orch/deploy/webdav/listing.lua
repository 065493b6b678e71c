--- What is on the server: PROPFIND where it speaks WebDAV (RFC 4918), HEAD where it does not.

local errors = require "orch.core.error"
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

local function text(element) return element:text():match "^%s*(.-)%s*$" end

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
          entry.size = math.tointeger(tonumber(text(one)))
        elseif name == "getlastmodified" then
          entry.modified = date(text(one))
        elseif name == "getetag" then
          entry.etag = text(one)
        end
      end
    end
  end
  return entry
end

--- Where a URL is, and where the folder is that it is in. Names are decoded one by one, as an
--- encoded slash is none.
local function place_of(url)
  local names = {}
  for one in (url:match "^%a[%w+.-]*://[^/]*(.*)$" or url):gmatch "[^/]+" do
    names[#names + 1] = urls.decode(one)
  end
  return { full = table.concat(names, "\0"), above = table.concat(names, "\0", 1,
    math.max(#names - 1, 0)), name = names[#names] or "" }
end

--- What an answer has, but not what it says is missing (a status of its own, and no 200).
local function read_responses(root, url)
  local list = {}
  for _, one in ipairs(children(root, "response")) do
    local status = children(one, "status")[1]
    if not status or status:text():find " 2%d%d" then
      local href = children(one, "href")[1]
      local place = place_of(href and urls.resolve(url, text(href)) or url)
      place.entry = read_properties(one)
      list[#list + 1] = place
    end
  end
  return list
end

--- That which was asked for. A proxy may have another path than the server behind it: then it is
--- the one that all others are in.
local function own_of(list, url)
  local asked, top = place_of(url), list[1]
  for _, one in ipairs(list) do
    if one.full == asked.full then return one end
    if one.above == asked.full then top = nil end
    if top and #one.full < #top.full then top = one end
  end
  for _, one in ipairs(top and list or {}) do
    if one ~= top and one.above ~= top.full then return nil end
  end
  return top
end

--- Names that lead elsewhere are none.
local function is_name(name)
  return name ~= "" and name ~= "." and name ~= ".." and not name:find("/", 1, true)
end

local function read(what, url, response)
  local ok, root = pcall(require("orch.xml").decode, (response.body:gsub("^%s+", "")))
  if not ok or local_name(root) ~= "multistatus" then
    failure.throw("webdav", { what = what, kind = "http", status = response.status,
      words = "the answer is no list of WebDAV" })
  end
  local list, entries = read_responses(root, url), {}
  local own = own_of(list, url)
  local above = own and own.full or place_of(url).full
  for _, one in ipairs(list) do
    if one ~= own and one.above == above and is_name(one.name) then
      entries[one.name] = one.entry
    end
  end
  return own and own.entry, entries
end

--- By how many seconds the server's clock is ahead of ours; two may be the way and the rounding.
local function note_clock(dav, response)
  local skew = failure.clock_skew(response)
  dav.ahead = skew and math.abs(skew) > 2 and -skew or 0
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
  note_clock(dav, response)
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
  note_clock(dav, response)
  return { size = math.tointeger(tonumber(headers["content-length"])), folder = false,
    modified = date(headers["last-modified"]), etag = headers.etag }
end

local function look(dav, shown, url)
  local speaks, own = listing.ask(dav, shown, url, 0)
  if speaks and (own or dav.speaks) then return own end
  return listing.head(dav, shown, url)
end

--- Asked for a folder without its slash, many send us to the one with it.
local function is_sent_to_folder(err, url)
  local response = errors.is(err) and (err.status or 0) // 100 == 3 and err.response
  local to = response and response.headers.location
  to = to and urls.resolve(url, to)
  return to and to:sub(-1) == "/" and place_of(to).full == place_of(url).full
end

---One file, in whatever way the server knows.
---@async
---@return orch.deploy.webdav.Entry?
function listing.one(dav, shown, url)
  local ok, own = pcall(look, dav, shown, url)
  if ok then return own end
  if is_sent_to_folder(own, url) then return { folder = true } end
  error(own, 0)
end

---Whether a file is there as it is here: as large, and not older by the server's clock, unless
---the server has our own time of it.
---@param dav orch.deploy.webdav.Client
---@param file {size: integer, mtime: number}
---@param entry orch.deploy.webdav.Entry?
---@return boolean
function listing.same(dav, file, entry)
  if not entry or entry.folder or not entry.modified then return false end
  if entry.size ~= file.size then return false end
  local mtime = math.floor(file.mtime)
  return entry.modified == mtime or entry.modified - (dav.ahead or 0) >= mtime
end

return listing
