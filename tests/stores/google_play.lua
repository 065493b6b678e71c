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

local hash = require "orch.hash"
local http = require "orch.http"
local json = require "orch.json"
local jwt = require "orch.jwt"

local KEY = require("orch.fs.path").absolute((debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
  or "tests/stores") .. "/../data/jwt/rfc7515_a2.pem")

local Store = {}
Store.__index = Store

local UNIT = 256 * 1024
local now = os.time -- kept: a test may put another clock under the client

--- As Google writes what went wrong.
local function refuse(status, message, reason, headers)
  return { status = status, headers = headers, json = { error = { code = status,
    message = message, status = status == 403 and "PERMISSION_DENIED" or nil,
    errors = { { message = message, domain = "androidpublisher", reason = reason } } } } }
end

local ended = {
  expired = { 400, "This edit has expired please create a new Edit.", "badRequest" },
  deleted = { 410, "This Edit has been deleted.", "editDeleted" },
  committed = { 400, "This edit has already been successfully committed, please create a new "
    .. "Edit.", "badRequest" },
}

local function copy(value)
  return json.decode(json.encode(value))
end

--- tokens

local function grant(self, request)
  local form = request:form()
  local function bad(reason, words)
    return { status = 400, json = { error = reason, error_description = words } }
  end
  if form.grant_type ~= "urn:ietf:params:oauth:grant-type:jwt-bearer" then
    return bad("unsupported_grant_type", "Invalid grant_type: " .. tostring(form.grant_type))
  end
  local ok, claims = pcall(jwt.verify, form.assertion or "", { algorithm = "RS256",
    key = self.private_key, now = now(), leeway = 300 })
  if not ok then
    if claims.reason == "expired" or claims.reason == "not yet valid" then
      return bad("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and "
        .. "in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
    end
    return bad("invalid_grant", "Invalid JWT Signature.")
  end
  if claims.iss ~= self.key.client_email then
    return bad("invalid_grant", "Invalid grant: account not found")
  elseif claims.aud ~= self.key.token_uri then
    return bad("invalid_grant", "Invalid JWT: Failed audience check.")
  elseif claims.scope ~= "https://www.googleapis.com/auth/androidpublisher" then
    return bad("invalid_scope", "Invalid scope")
  elseif not (claims.exp and claims.iat and claims.exp - claims.iat <= 3600) then
    return bad("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)")
  end
  self.granted = self.granted + 1
  local token = ("ya29.%d-%s"):format(self.granted, hash.sha256(form.assertion):sub(1, 24))
  self.tokens[token] = now() + self.token_lifetime
  return { json = { access_token = token, expires_in = self.token_lifetime,
    token_type = "Bearer" } }
end

---No token that was given until now is good any longer.
function Store:revoke()
  self.tokens = {}
end

local function is_logged_in(self, request)
  local token = (request.headers.authorization or ""):match "^Bearer (.+)$"
  return token and (self.tokens[token] or 0) > now()
end

--- edits

local function insert(self, app)
  for _, edit in pairs(self.edits) do
    if edit.app == app and edit.state == "open" then edit.state = "deleted" end
  end
  self.count = self.count + 1
  local edit = { id = ("%d"):format(16974226534760000000 // 1000 + self.count), app = app,
    state = "open", bundles = copy(app.bundles), apks = copy(app.apks),
    tracks = copy(app.tracks) }
  self.edits[edit.id] = edit
  return { json = { id = edit.id, expiryTimeSeconds = tostring(now() + 3600) } }
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

local function check(app, edit, query)
  for _, track in pairs(edit.tracks) do
    for _, release in ipairs(track.releases or {}) do
      if not app.published and release.status ~= "draft" then
        return refuse(400, "Only releases with status draft may be created on draft app.",
          "rolloutNotPermittedOnDraftApp")
      end
    end
  end
  if edit.processing and edit.processing > 0 then
    edit.processing = edit.processing - 1
    return refuse(400, "Invalid request - Some of the Android App Bundle uploads are not completed "
      .. "yet.", "badRequest")
  end
  local hidden = query.changesNotSentForReview == "true"
  if app.review == "manual" and not hidden then
    return refuse(400, "Changes cannot be sent for review automatically. Please set the query "
      .. "parameter changesNotSentForReview to true.", "badRequest")
  elseif app.review ~= "manual" and hidden then
    return refuse(400, "Changes are sent for review automatically. The query parameter "
      .. "changesNotSentForReview must not be set.", "badRequest")
  end
end

local function commit(self, app, edit, query)
  local wrong = check(app, edit, query)
  if wrong then return wrong end
  self:end_edits "expired"
  edit.state = "committed"
  app.bundles, app.apks, app.tracks = edit.bundles, edit.apks, edit.tracks
  app.commits = app.commits + 1
  return { json = { id = edit.id } }
end

local function has_version(edit, version_code)
  for _, list in ipairs { edit.bundles, edit.apks } do
    for _, one in ipairs(list) do
      if tostring(one.versionCode) == tostring(version_code) then return true end
    end
  end
  return false
end

--- Every app has these; closed ones are made in the Play Console.
local standard = { production = true, beta = true, alpha = true, internal = true }

--- What is being rolled out lies on top of what everybody has.
local function set_track(edit, name, wanted)
  if not edit.tracks[name] and not standard[name] then
    return refuse(404, "Track not found: " .. name, "notFound")
  end
  local kept = {}
  for i, release in ipairs(wanted.releases) do
    local fraction = release.userFraction
    local staged = release.status == "inProgress" or release.status == "halted"
    if (fraction ~= nil) ~= staged or fraction and not (fraction > 0 and fraction < 1) then
      return refuse(400, "Invalid user fraction for status " .. tostring(release.status),
        "badRequest")
    end
    for _, version_code in ipairs(release.versionCodes or {}) do
      if type(version_code) ~= "string" or not has_version(edit, version_code) then
        return refuse(400, "Version code not found: " .. tostring(version_code), "badRequest")
      end
    end
    for _, note in ipairs(release.releaseNotes or {}) do
      if utf8.len(note.text) > 500 then
        return refuse(400, "Release notes are too long.", "badRequest")
      end
    end
    kept[i] = release
  end
  if wanted.releases[1].status ~= "completed" then
    for _, release in ipairs((edit.tracks[name] or {}).releases or {}) do
      if release.status == "completed" and release.versionCodes[1]
        ~= wanted.releases[1].versionCodes[1] then
        kept[#kept + 1] = release
      end
    end
  end
  edit.tracks[name] = { track = name, releases = kept }
  return { json = edit.tracks[name] }
end

--- uploads

local function begin(self, request, edit, target)
  if request.query.uploadType ~= "resumable" then
    return refuse(400, "uploadType should be resumable", "badRequest")
  end
  local total = math.tointeger(tonumber(request.headers["X-Upload-Content-Length"]))
  local id = ("ADPyc%d-%s"):format(self.count, hash.sha256(tostring(os.clock())):sub(1, 12))
  self.count = self.count + 1
  self.sessions[id] = { id = id, edit = edit, target = target, total = total, received = 0,
    digest = { hash.new "sha1", hash.new "sha256" }, head = "" }
  return { headers = { Location = ("%s%s?uploadType=resumable&upload_id=%s"):format(self.url,
    request.path, id) } }
end

local function complete(self, session)
  session.done = { sha1 = session.digest[1]:digest(), sha256 = session.digest[2]:digest() }
  local edit, target, done = session.edit, session.target, session.done
  if target.mapping then
    edit.app.mappings[#edit.app.mappings + 1] = { version_code = target.version_code,
      kind = target.mapping, sha256 = done.sha256 }
    session.answer = { json = { deobfuscationFile = { symbolType = target.mapping } } }
    return session.answer
  end
  local version_code = math.tointeger(tonumber(session.head:match "versionCode=(%d+)" or 1))
  if has_version(edit, version_code) then
    return refuse(403, "APK specifies a version code that has already been used.",
      "apkUpgradeVersionConflict")
  end
  local one = { versionCode = version_code, sha1 = done.sha1, sha256 = done.sha256 }
  if self.damage then one.sha256 = ("0"):rep(64) end
  if target.collection == "apks" then
    one = { versionCode = version_code, binary = { sha1 = one.sha1, sha256 = one.sha256 } }
  end
  table.insert(edit[target.collection], one)
  edit.processing = self.processing
  session.answer = { json = one }
  return session.answer
end

local function take(self, session, bytes)
  if #session.head < 1024 then session.head = (session.head .. bytes):sub(1, 1024) end
  for _, digest in ipairs(session.digest) do digest:update(bytes) end
  session.received = session.received + #bytes
  self.bytes = self.bytes + #bytes
end

local function so_far(session)
  return { status = 308, headers = session.received > 0
    and { Range = ("bytes=0-%d"):format(session.received - 1) } or nil }
end

local function put(self, session, request, fault)
  local range = request.headers["Content-Range"] or ""
  local body = request.body or ""
  if range:match "^bytes %*/(%d+)$" then
    local answer = session.answer or so_far(session)
    if session.late then take(self, session, session.late) end
    session.late = nil
    return answer
  end
  local first, last, total = range:match "^bytes (%d+)%-(%d+)/(%d+)$"
  first, last, total = tonumber(first), tonumber(last), tonumber(total)
  if not first or total ~= session.total or last - first + 1 ~= #body
    or first ~= session.received or last + 1 < total and #body % UNIT ~= 0 then
    self.violations[#self.violations + 1] = ("%s with %d bytes, %d were there"):format(range, #body,
      session.received)
    return refuse(400, "Invalid request. " .. range, "badRequest")
  end
  if self.delay > 0 then require("orch.time").sleep(self.delay * #body / total) end
  if fault and fault.late then
    session.late = body
    return { reset = true }
  elseif fault and fault.keep then
    take(self, session, body:sub(1, fault.keep))
    return { reset = true }
  end
  take(self, session, body)
  if session.received == total then return complete(self, session) end
  return so_far(session)
end

--- routes: which part of the service a request is for, and what answers it

local function upload(self, edit, rest, request)
  if rest == "/bundles" or rest == "/apks" then
    return "session", function() return begin(self, request, edit, { collection = rest:sub(2) }) end
  end
  local version_code, kind = rest:match "^/apks/(%d+)/deobfuscationFiles/(%a+)$"
  if not version_code then return end
  return "mapping", function()
    return begin(self, request, edit, { mapping = kind, version_code = tonumber(version_code) })
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
      return check(app, edit, request.query) or { json = { id = edit.id } }
    end
  elseif rest == ":commit" then
    return "commit", function() return commit(self, app, edit, request.query) end
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
    return "set_track", function() return set_track(edit, track, request:json()) end
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
    return "insert", function() return insert(self, app) end
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
  if request.path == "/token" then return "token", function() return grant(self, request) end end
  local session = self.sessions[request.query.upload_id or ""]
  if request.query.upload_id then
    if not session or session.lost then
      return "chunk", function() return { status = 404, body = "Not Found" } end
    elseif session.edit.state ~= "open" then
      return "ended", function() return refuse(table.unpack(ended[session.edit.state])) end
    end
    local asking = (request.headers["Content-Range"] or ""):find "%*/" ~= nil
    return asking and "query" or "chunk", function(fault)
      return put(self, session, request, fault)
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
  if name ~= "token" and not is_logged_in(self, request) then
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
