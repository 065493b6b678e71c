--- Files to their places: folders made where they are missing, each file put under another name
--- and moved into its place where the server can do that, so that nobody ever gets half of one.

local clients = require "orch.deploy.webdav.client"
local errors = require "orch.core.error"
local listing = require "orch.deploy.webdav.listing"
local scopes = require "orch.scope"

local put = {}

local function set(...)
  local all = {}
  for _, status in ipairs { ... } do all[status] = true end
  return all
end

--- 405: it is there already, or nobody speaks WebDAV here; which of the two the PUT will tell.
local PASSES = set(400, 403, 404, 405, 409, 501)

---Makes a folder, and those above it where they are missing.
---@async
---@param dav orch.deploy.webdav.Client
---@param url string with a slash at its end
---@param made table<string, true>
function put.folder(dav, url, made)
  if made[url] or #url <= #dav.origin + 1 then return end
  local what = ("make the folder '%s'"):format(url:sub(#dav.origin + 1))
  local status = dav:ask(PASSES, what, "MKCOL", url)
  if status == 409 then
    put.folder(dav, url:match "^(.*/)[^/]*/$", made)
    dav:ask(PASSES, what, "MKCOL", url)
  end
  made[url] = true
end

local MOVE_SPOKEN = set(200, 204, 404, 409, 412)
local FOLDER_SPOKEN = set(201, 405, 409)

---Whether the server can move a file: it says so (OPTIONS), or is asked to move what is not there.
---Some say 404 to all that they do not know: those do not make folders either.
---@async
---@param dav orch.deploy.webdav.Client
---@return boolean
function put.can_move(dav)
  local _, response = dav:ask(PASSES, "ask what it can do", "OPTIONS", dav.root)
  local allow = response and response.headers.allow
  if allow then return allow:upper():find "MOVE" ~= nil end
  local status = dav:ask(PASSES, "ask whether it can move files", "MOVE", dav.root .. "orch-nothing",
    { headers = { Destination = dav.root .. "orch-nothing-else", Overwrite = "T" } })
  if status == 404 and not dav.speaks then
    return FOLDER_SPOKEN[dav:ask(PASSES, "ask whether it makes folders", "MKCOL", dav.root)] or false
  end
  return MOVE_SPOKEN[status] or false
end

--- Where a file waits until all of it is there. No dot before it: servers like to refuse those.
local WAITING = ".orch-part"

--- It may have happened although nobody could say so.
local function move(dav, shown, from, to, size)
  local what = ("move '%s' into its place"):format(shown)
  local ok, err = pcall(dav.request, dav, what, "MOVE", from,
    { headers = { Destination = to, Overwrite = "T" } })
  if ok then return end
  if errors.is(err) and (err.status == 404 or err.status == 412) then
    local there = listing.one(dav, shown, to)
    if there and there.size == size and not listing.one(dav, shown, from) then return end
  end
  error(err, 0)
end

---@async
---@param dav orch.deploy.webdav.Client
---@param file {path: string, name: string, size: integer, mtime: number, check: async fun()}
---@param url string
---@param o {atomic: boolean, headers: table}
---@param tell fun(done: integer)
function put.file(dav, file, url, o, tell)
  local target = o.atomic and url .. WAITING or url
  local headers = { ["X-OC-Mtime"] = tostring(math.floor(file.mtime)) } -- ownCloud, Nextcloud
  headers["Content-Type"] = require("orch.deploy.media").of(file.name)
  file.check()
  local done = false
  local _ <close> = scopes.defer(function()
    if not o.atomic or done then return end
    pcall(dav.ask, dav, PASSES, "clear up", "DELETE", target)
  end)
  local body = file.size > 0 and { path = file.path, offset = 0, length = file.size } or ""
  dav:request(("put '%s'"):format(file.name), "PUT", target,
    { body = body, headers = headers, progress = tell })
  file.check()
  if o.atomic then move(dav, file.name, target, url, file.size) end
  done = true
  tell(file.size)
end

---The folders that names are in, those above first.
---@param names string[]
---@return string[]
function put.folders_of(names)
  local seen, list = {}, {}
  for _, name in ipairs(names) do
    local at = 0
    while true do
      at = name:find("/", at + 1, true)
      if not at then break end
      local one = name:sub(1, at)
      if not seen[one] then
        seen[one] = true
        list[#list + 1] = one
      end
    end
  end
  table.sort(list)
  return list
end

put.encode = clients.encode

return put
