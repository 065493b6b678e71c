--- A Google Play of our own, for tests and demos: the Google Play Developer API v3
--- (developers.google.com/android-publisher, as of 2026-02: REST reference v3, "Edits",
--- "Uploading Files", "APKs and Tracks", "Concurrency considerations") and the token endpoint of
--- "Using OAuth 2.0 for Server to Server Applications" (RFC 7523). Signatures, byte ranges and
--- digests are checked for real.
---
---     local store <close> = dofile("tests/stores/google_play.lua").start {}
---     orch.deploy.google_play.upload { file = "game.aab", package = store.package,
---       key = store.key, base_url = store.url }
---     store:fail("chunk", 2, { status = 503 })     -- the second piece from now
---
--- A build is any file; "versionCode=7" in its first kilobyte is what it says of itself.

local http = require "orch.http"
local json = require "orch.json"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "tests/stores"
local refuse = dofile(here .. "/google_play_words.lua")
local edits = dofile(here .. "/google_play_edit.lua")
local token = dofile(here .. "/google_play_token.lua")
local uploads = dofile(here .. "/google_play_upload.lua")

local KEY = require("orch.fs.path").absolute(here .. "/../data/jwt/rfc7515_a2.pem")

local Store = {}
Store.__index = Store

local ended = {
  expired = { 400, "This edit has expired please create a new Edit.", "badRequest" },
  deleted = { 410, "This Edit has been deleted.", "editDeleted" },
  committed = { 400, "This edit has already been successfully committed, please create a new "
    .. "Edit.", "badRequest" },
}

---No token that was given until now is good any longer.
function Store:revoke()
  self.tokens = {}
end

---Somebody changes the app in the Play Console: what is open is over.
---@param state "expired"|"deleted"|nil
function Store:end_edits(state)
  for _, edit in pairs(self.edits) do
    if edit.state == "open" then edit.state = state or "expired" end
  end
end

---@return integer
function Store:open_edits()
  local count = 0
  for _, edit in pairs(self.edits) do
    if edit.state == "open" then count = count + 1 end
  end
  return count
end

--- routes: which part of the service a request is for, and what answers it

local function upload(self, edit, rest, request)
  if rest == "/bundles" or rest == "/apks" then
    return "session", function()
      return uploads.begin(self, request, edit, { collection = rest:sub(2) })
    end
  end
  local version_code, kind = rest:match "^/apks/(%d+)/deobfuscationFiles/(%a+)$"
  if not version_code then return end
  return "mapping", function()
    return uploads.begin(self, request, edit,
      { mapping = kind, version_code = tonumber(version_code) })
  end
end

local function in_edit(self, app, edit, rest, request)
  local method = request.method
  if rest == "" and method == "GET" then
    return "edit", function() return { json = { id = edit.id } } end
  elseif rest == "" and method == "DELETE" then
    return "delete", function()
      edit.state = "deleted"
      return 204
    end
  elseif rest == ":validate" then
    return "validate", function()
      return edits.check(app, edit, request.query) or { json = { id = edit.id } }
    end
  elseif rest == ":commit" then
    return "commit", function() return edits.commit(self, app, edit, request.query) end
  elseif rest == "/bundles" or rest == "/apks" then
    local list = edit[rest:sub(2)]
    return "builds", function() return { json = { [rest:sub(2)] = #list > 0 and list or nil } } end
  elseif rest == "/details" then
    return "details", function() return { json = { defaultLanguage = app.language } } end
  elseif rest == "/tracks" then
    local list = json.array {}
    for _, track in pairs(edit.tracks) do list[#list + 1] = track end
    return "tracks", function() return { json = { tracks = list } } end
  end
  local track = rest:match "^/tracks/(.+)$"
  if track and method == "GET" then
    return "track", function()
      if edit.tracks[track] then return { json = edit.tracks[track] } end
      return refuse(404, "Track not found: " .. track, "notFound")
    end
  elseif track and method == "PUT" then
    return "set_track", function() return edits.set_track(edit, track, request:json()) end
  end
end

local function of_app(self, package, rest, request, uploading)
  local app = self.apps[package]
  if not app then
    return "app", function()
      return refuse(404, ("Package not found: %s."):format(package), "applicationNotFound")
    end
  end
  if rest == "/edits" and request.method == "POST" then
    return "insert", function() return edits.insert(self, app) end
  end
  local id, more = rest:match "^/edits/(%d+)(.*)$"
  local edit = self.edits[id or ""]
  if not edit then return end
  if edit.state ~= "open" then
    return "ended", function() return refuse(table.unpack(ended[edit.state])) end
  end
  return (uploading and upload or function(...) return in_edit(self, app, select(2, ...)) end)(
    self, edit, more, request)
end

local function route(self, request)
  if request.path == "/token" then
    return "token", function() return token.grant(self, request) end
  end
  local session = self.sessions[request.query.upload_id or ""]
  if request.query.upload_id then
    if not session or session.lost then
      return "chunk", function() return { status = 404, body = "Not Found" } end
    elseif session.edit.state ~= "open" then
      return "ended", function() return refuse(table.unpack(ended[session.edit.state])) end
    end
    local asking = (request.headers["Content-Range"] or ""):find "%*/" ~= nil
    return asking and "query" or "chunk", function(fault)
      return uploads.put(self, session, request, fault)
    end
  end
  local uploading, package, rest =
    request.path:match "^(/?u?p?l?o?a?d?)/androidpublisher/v3/applications/([%w_.]+)(/.*)$"
  if package then return of_app(self, package, rest, request, uploading ~= "") end
end

--- The fault that was asked for, when it is its turn.
local function due(self, name)
  local found
  for i = #self.faults, 1, -1 do
    local one = self.faults[i]
    if one.route == name then one.n = one.n - 1 end
    if one.n == 0 then found = table.remove(self.faults, i).fault end
  end
  return found
end

local function answer(self, request)
  local name, fn = route(self, request)
  self.log[#self.log + 1] = name or (request.method .. " " .. request.path)
  if not name then return refuse(404, "Not found", "notFound") end
  local fault = due(self, name)
  if fault and fault.before then fault.before() end
  if fault and fault.status then
    return refuse(fault.status, fault.message or "On request", fault.reason, fault.headers)
  elseif fault and fault.reset then
    return { reset = true }
  end
  if name ~= "token" and not token.is_good(self, request) then
    return refuse(401, "Request had invalid authentication credentials.", "authError")
  end
  local result = fn(fault)
  if fault and fault.lost then return { reset = true } end
  return result
end

---Lets the nth request of a kind from now go wrong: token, insert, edit, delete, builds, track,
---tracks, set_track, details, validate, commit, session, chunk, query, mapping.
---@param route_name string
---@param n integer
---@param fault {status: integer?, message: string?, reason: string?, headers: table?, reset: true?,
---  lost: true?, keep: integer?, late: true?, before: function?} `reset`: not even looked at;
---  `lost`: done, but nobody hears of it; `keep`: so many bytes of a piece arrive, and then the
---  connection breaks; `late`: the piece counts only after the next query
function Store:fail(route_name, n, fault)
  self.faults[#self.faults + 1] = { route = route_name, n = n, fault = fault }
end

---Forgets the upload sessions, as Google does after a week.
function Store:lose_sessions()
  for _, session in pairs(self.sessions) do session.lost = true end
end

---How often there was a request of a kind.
---@param name string
---@return integer
function Store:times(name)
  local count = 0
  for _, one in ipairs(self.log) do
    if one == name then count = count + 1 end
  end
  return count
end

---The server dies, with all that was on its way; `go_on` brings it back to the same address.
function Store:stop()
  self.server:close()
end

function Store:go_on()
  self.server = http.serve({ port = self.port, limit = "64M", grace = 0 }, function(request)
    return answer(self, request)
  end)
end

function Store:close()
  self.server:close()
end

Store.__close = Store.close

local google_play = {}

---@param o {package: string?, published: boolean?, delay: number?, token_lifetime: integer?,
---  review: "manual"|nil, processing: integer?}? `delay`: seconds that an upload takes;
---  `published`: false for an app that is a draft; `processing`: how often a bundle is not ready
function google_play.start(o)
  o = o or {}
  local package = o.package or "com.example.cat"
  local self = setmetatable({
    package = package, delay = o.delay or 0, token_lifetime = o.token_lifetime or 3599,
    processing = o.processing, count = 0, granted = 0, bytes = 0,
    apps = {}, edits = {}, sessions = {}, tokens = {}, faults = {}, log = {}, violations = {},
    private_key = require("orch.fs").read(KEY), port = 0,
  }, Store)
  self.apps[package] = { package = package, published = o.published ~= false, review = o.review,
    language = "de-DE", bundles = json.array {}, apks = json.array {}, tracks = {
      production = { track = "production" }, internal = { track = "internal" } },
    mappings = {}, commits = 0 }
  self:go_on()
  self.port, self.url = self.server.port, self.server.url
  self.key = { type = "service_account", project_id = "cat-1", private_key_id = "k1",
    private_key = self.private_key, client_email = "ci@cat-1.iam.gserviceaccount.com",
    token_uri = self.url .. "/token" }
  return self
end

return google_play
