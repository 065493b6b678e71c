--- App Store Connect, as far as an upload to TestFlight needs it: a fake service on loopback
--- that checks what is sent and misbehaves on request.
---
---     local store <close> = dofile("tests/stores/app_store.lua").start { delay = 3 }
---     orch.deploy.testflight.upload { base_url = store.url, key = store.key,
---       key_id = store.key_id, issuer_id = store.issuer_id, app = store.bundle_id, ... }
---     store:fail("PUT part", 1, { status = 503 })
---     print(#store.builds, store.requests["PUT part"])
---
--- Follows Apple's App Store Connect API 4.1 ("Build uploads") as published with 4.4.1 in 2026;
--- what of it could be read is said in lua/orch/deploy/testflight.lua. Words and codes of errors
--- are those that users of the API quote (NOT_AUTHORIZED, ENTITY_ERROR.ATTRIBUTE.INVALID, ...).
--- Checked for real: the token (ES256, kid, iss, aud, iat, exp at most 20 minutes away), the
--- range, the length and the headers of each part, that no token goes to the storage, the
--- checksum of the commit, that the parts make up the file.
---
--- Options: delay (seconds that all parts of a file take together; 0), processing (looks until
--- an upload is COMPLETE, and again until its build is VALID; 2), part_size (1 MB), groups,
--- verdict ("VALID", "INVALID", "FAILED": the upload, or "never"), checksums ("MD5": which the
--- commit may name; false refuses any), issuer_id (false: an individual key).

local http, hash, json = orch.http, orch.hash, orch.json

local app_store = {}

---@class tests.AppStore
---@field url string
---@field uploads table<string, table>
---@field builds table[]
---@field requests table<string, integer> how often each route was asked
---@field faults table<string, table[]>
local Store = {}
Store.__index = Store

local function problem(status, code, title, detail, pointer)
  return { status = status, json = { errors = { { id = "b7f2c1d0", status = tostring(status),
    code = code, title = title, detail = detail,
    source = pointer and { pointer = pointer } or nil } } } }
end

local function not_authorized()
  return problem(401, "NOT_AUTHORIZED", "Authentication credentials are missing or invalid.",
    "Provide a properly configured and signed bearer token, and make sure that it has not "
    .. "expired. Learn more about Generating Tokens for API Requests "
    .. "https://developer.apple.com/go/?id=api-generating-tokens")
end

local function not_found(kind, id)
  return problem(404, "NOT_FOUND", "The specified resource does not exist",
    ("There is no resource of type '%s' with id '%s'"):format(kind, id))
end

local function invalid(name, detail)
  return problem(409, "ENTITY_ERROR.ATTRIBUTE.INVALID",
    "The provided entity includes an attribute with an invalid value", detail,
    "/data/attributes/" .. name)
end

function Store:authorized(request)
  local token = (request.headers.authorization or ""):match "^Bearer (.+)$"
  if not token then return false end
  local ok, claims, headers = pcall(orch.jwt.verify, token,
    { algorithm = "ES256", key = self.key })
  if not ok or headers.kid ~= self.key_id or headers.typ ~= "JWT" then return false end
  local who = claims.sub == "user"
  if self.issuer_id then who = claims.iss == self.issuer_id end
  return who and claims.aud == "appstoreconnect-v1" and claims.exp and claims.iat
    and claims.exp <= os.time() + 1200 and claims.exp > claims.iat
end

function Store:id(prefix)
  self.last_id = self.last_id + 1
  return ("%s-%d"):format(prefix, self.last_id)
end

local function upload_resource(upload)
  return { type = "buildUploads", id = upload.id, attributes = {
    cfBundleShortVersionString = upload.version, cfBundleVersion = upload.build,
    platform = upload.platform, uploadedDate = upload.date,
    state = { state = upload.state, errors = json.array(upload.errors),
      warnings = json.array(upload.warnings), infos = json.array {} } } }
end

local function build_resource(build)
  return { type = "builds", id = build.id, attributes = { version = build.build,
    uploadedDate = build.date, processingState = build.state, expired = false,
    usesNonExemptEncryption = build.uses_encryption == nil and json.null
      or build.uses_encryption },
    relationships = { preReleaseVersion = { data = { type = "preReleaseVersions",
      id = build.version } } } }
end

local function file_resource(self, file)
  local operations = {}
  for i, part in ipairs(file.parts) do
    operations[i] = { method = "PUT", offset = part.offset, length = part.length, partNumber = i,
      url = ("%s/parts/%s/%d?signature=%s"):format(self.storage or self.url, file.id, i,
        file.signature),
      entityTag = part.tag or json.null, expiration = "2030-01-01T00:00:00Z",
      requestHeaders = json.array { { name = "Content-Type", value = "application/octet-stream" },
        { name = "Content-Length", value = tostring(part.length) } } }
  end
  return { type = "buildUploadFiles", id = file.id, attributes = { assetType = "ASSET",
    fileName = file.name, fileSize = file.size, uti = file.uti,
    assetDeliveryState = { state = file.state, errors = json.array {} },
    uploadOperations = file.state == "AWAITING_UPLOAD" and json.array(operations) or json.null } }
end

local routes = {}

routes["GET app"] = { "^GET /v1/apps/(%d+)$", function(self, _, id)
  if id ~= self.app_id then return not_found("apps", id) end
  return { json = { data = self.app } }
end }

routes["GET apps"] = { "^GET /v1/apps$", function(self, request)
  local wanted = request.query["filter[bundleId]"]
  local found = self.bundle_id:sub(1, #wanted) == wanted
  return { json = { data = json.array(found and { self.app } or {}) } }
end }

routes["GET groups"] = { "^GET /v1/betaGroups$", function(self)
  local list = {}
  for i, name in ipairs(self.groups) do
    list[i] = { type = "betaGroups", id = "group-" .. i, attributes = { name = name } }
  end
  return { json = { data = json.array(list), links = {} } }
end }

--- Apple works at it: one step at each look.
local function advance(self, upload)
  if upload.state ~= "PROCESSING" or self.verdict == "never" then return end
  upload.looks = upload.looks + 1
  if upload.looks < self.processing then return end
  if self.verdict == "FAILED" then
    upload.state = "FAILED"
    upload.errors = { { code = "90189", description = "Redundant Binary Upload. You've already "
      .. "uploaded a build with build number '" .. upload.build .. "'." } }
    return
  end
  upload.state = "COMPLETE"
  upload.warnings = { { code = "90683", description = "Missing purpose string in Info.plist." } }
  self.builds[#self.builds + 1] = { id = self:id "build", version = upload.version,
    build = upload.build, platform = upload.platform, state = "PROCESSING", looks = 0,
    date = upload.date, notes = {}, groups = {}, upload = upload }
end

local function advance_build(self, build)
  if build.state ~= "PROCESSING" then return end
  build.looks = build.looks + 1
  if build.looks < self.processing then return end
  build.state = self.verdict == "INVALID" and "INVALID" or "VALID"
  if build.state == "INVALID" then
    build.upload.errors = { { code = "ITMS-90338", description = "Non-public API usage. The app "
      .. "references non-public symbols in Cat: _purr." } }
  end
end

routes["GET builds"] = { "^GET /v1/builds$", function(self, request)
  local query, list, included = request.query, {}, {}
  for _, build in ipairs(self.builds) do
    if (query["filter[version]"] or build.build) == build.build
      and (query["filter[preReleaseVersion.version]"] or build.version) == build.version
      and query["filter[preReleaseVersion.platform]"] == build.platform then
      advance_build(self, build)
      table.insert(list, 1, build_resource(build))
      table.insert(included, 1, { type = "preReleaseVersions", id = build.version,
        attributes = { version = build.version, platform = build.platform } })
    end
  end
  return { json = { data = json.array { list[1] }, included = json.array { included[1] } } }
end }

routes["PATCH build"] = { "^PATCH /v1/builds/([%w-]+)$", function(self, request, id)
  for _, build in ipairs(self.builds) do
    if build.id == id then
      build.uses_encryption = request:json().data.attributes.usesNonExemptEncryption
      return { json = { data = build_resource(build) } }
    end
  end
  return not_found("builds", id)
end }

local function build_of(self, id)
  for _, build in ipairs(self.builds) do
    if build.id == id then return build end
  end
end

local function note_resource(id, locale, text)
  return { type = "betaBuildLocalizations", id = id .. "/" .. locale,
    attributes = { locale = locale, whatsNew = text or json.null } }
end

routes["GET notes"] = { "^GET /v1/builds/([%w-]+)/betaBuildLocalizations$",
  function(self, _, id)
    local list = {}
    for locale, text in pairs(build_of(self, id).notes) do
      list[#list + 1] = note_resource(id, locale, text)
    end
    return { json = { data = json.array(list) } }
  end }

routes["POST notes"] = { "^POST /v1/betaBuildLocalizations$", function(self, request)
  local data = request:json().data
  local build, locale = build_of(self, data.relationships.build.data.id), data.attributes.locale
  if build.notes[locale] then
    return problem(409, "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE", "The provided entity includes "
      .. "an attribute with a value that has already been used", "Locale has already been used.",
      "/data/attributes/locale")
  end
  build.notes[locale] = data.attributes.whatsNew
  return { status = 201, json = { data = note_resource(build.id, locale,
    data.attributes.whatsNew) } }
end }

routes["PATCH notes"] = { "^PATCH /v1/betaBuildLocalizations/([%w-]+)/([%w-]+)$",
  function(self, request, id, locale)
    build_of(self, id).notes[locale] = request:json().data.attributes.whatsNew
    return { json = { data = note_resource(id, locale, build_of(self, id).notes[locale]) } }
  end }

routes["POST groups"] = { "^POST /v1/builds/([%w-]+)/relationships/betaGroups$",
  function(self, request, id)
    for _, one in ipairs(request:json().data) do
      local name = self.groups[tonumber(one.id:match "^group%-(%d+)$") or 0]
      if not name then return not_found("betaGroups", one.id) end
      build_of(self, id).groups[name] = true
    end
    return { status = 204 }
  end }

routes["GET review"] = { "^GET /v1/betaAppReviewSubmissions$", function(self, request)
  local build = build_of(self, request.query["filter[build]"])
  return { json = { data = json.array(build.review and { { type = "betaAppReviewSubmissions",
    id = build.id, attributes = { betaReviewState = "WAITING_FOR_REVIEW" } } } or {}) } }
end }

routes["POST review"] = { "^POST /v1/betaAppReviewSubmissions$", function(self, request)
  local build = build_of(self, request:json().data.relationships.build.data.id)
  if build.review then
    return problem(422, "ENTITY_UNPROCESSABLE", "The request entity is not valid",
      "Another build is in review")
  end
  build.review = true
  return { status = 201, json = { data = { type = "betaAppReviewSubmissions", id = build.id } } }
end }

routes["GET uploads"] = { "^GET /v1/apps/(%d+)/buildUploads$", function(self, request)
  local query, list = request.query, {}
  for _, upload in pairs(self.uploads) do
    if query["filter[cfBundleVersion]"] == upload.build
      and query["filter[cfBundleShortVersionString]"] == upload.version
      and query["filter[platform]"] == upload.platform then
      list[#list + 1] = upload
    end
  end
  table.sort(list, function(a, b) return a.number > b.number end)
  for i, upload in ipairs(list) do list[i] = upload_resource(upload) end
  return { json = { data = json.array(list) } }
end }

routes["POST upload"] = { "^POST /v1/buildUploads$", function(self, request)
  local data = request:json().data
  local attributes = data.attributes
  if data.relationships.app.data.id ~= self.app_id then
    return not_found("apps", data.relationships.app.data.id)
  end
  for _, build in ipairs(self.builds) do
    if build.build == attributes.cfBundleVersion
      and build.version == attributes.cfBundleShortVersionString then
      return problem(409, "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE",
        "The provided entity includes an attribute with a value that has already been used",
        "The bundle version must be higher than the previously uploaded version.",
        "/data/attributes/cfBundleVersion")
    end
  end
  local upload = { id = self:id "upload", number = self.last_id, state = "AWAITING_UPLOAD",
    version = attributes.cfBundleShortVersionString, build = attributes.cfBundleVersion,
    platform = attributes.platform, looks = 0, errors = {}, warnings = {},
    date = os.date "!%Y-%m-%dT%H:%M:%SZ" }
  self.uploads[upload.id] = upload
  return { status = 201, json = { data = upload_resource(upload) } }
end }

routes["GET upload"] = { "^GET /v1/buildUploads/([%w-]+)$", function(self, _, id)
  local upload = self.uploads[id]
  if not upload then return not_found("buildUploads", id) end
  advance(self, upload)
  return { json = { data = upload_resource(upload) } }
end }

routes["DELETE upload"] = { "^DELETE /v1/buildUploads/([%w-]+)$", function(self, _, id)
  if not self.uploads[id] then return not_found("buildUploads", id) end
  self.uploads[id] = nil
  return { status = 204 }
end }

routes["GET files"] = { "^GET /v1/buildUploads/([%w-]+)/buildUploadFiles$",
  function(self, _, id)
    local file = self.uploads[id] and self.uploads[id].file
    return { json = { data = json.array(file and { file_resource(self, file) } or {}) } }
  end }

routes["POST file"] = { "^POST /v1/buildUploadFiles$", function(self, request)
  local data = request:json().data
  local attributes = data.attributes
  local upload = self.uploads[data.relationships.buildUpload.data.id]
  if not upload then return not_found("buildUploads", data.relationships.buildUpload.data.id) end
  if upload.file then
    return problem(409, "STATE_ERROR", "The request cannot be fulfilled because of the state of "
      .. "another resource.", "This upload has its ASSET already.")
  end
  if attributes.uti ~= "com.apple.ipa" and attributes.uti ~= "com.apple.pkg" then
    return invalid("uti", ("'%s' is not a valid value for the attribute 'uti'.")
      :format(attributes.uti))
  end
  local file = { id = self:id "file", upload = upload, name = attributes.fileName,
    size = attributes.fileSize, uti = attributes.uti, state = "AWAITING_UPLOAD", parts = {},
    signature = hash.sha256(tostring(math.random()) .. os.clock()):sub(1, 16) }
  for offset = 0, file.size - 1, self.part_size do
    file.parts[#file.parts + 1] = { offset = offset,
      length = math.min(self.part_size, file.size - offset) }
  end
  upload.file, self.files[file.id] = file, file
  return { status = 201, json = { data = file_resource(self, file) } }
end }

routes["GET file"] = { "^GET /v1/buildUploadFiles/([%w-]+)$", function(self, _, id)
  local file = self.files[id]
  if not file then return not_found("buildUploadFiles", id) end
  if self.renews then
    file.signature, file.expired = file.signature .. "n", false
  end
  return { json = { data = file_resource(self, file) } }
end }

local function refused(status, code, message)
  return { status = status, headers = { ["Content-Type"] = "application/xml" },
    body = ('<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>')
      :format(code, message) }
end

routes["PUT part"] = { "^PUT /parts/([%w-]+)/(%d+)$", function(self, request, id, number)
  local file = self.files[id]
  local part = file and file.parts[tonumber(number)]
  if request.headers.authorization then
    self.leaks = self.leaks + 1
    return refused(400, "InvalidArgument", "Only one auth mechanism allowed")
  end
  if not part or file.expired or request.query.signature ~= file.signature
    or not self.uploads[file.upload.id] then
    return refused(403, "AccessDenied", "Request has expired")
  end
  if request.headers["content-type"] ~= "application/octet-stream" then
    return refused(403, "SignatureDoesNotMatch", "The headers are not those that were signed")
  end
  if #request.body ~= part.length then
    return refused(400, "IncompleteBody", ("%d bytes of %d"):format(#request.body, part.length))
  end
  if self.delay > 0 then orch.sleep(self.delay * part.length / file.size) end
  part.body, part.tag = request.body, hash.md5(request.body)
  self.received = self.received + part.length
  return { headers = { ETag = ('"%s"'):format(part.tag) } }
end }

routes["PATCH file"] = { "^PATCH /v1/buildUploadFiles/([%w-]+)$", function(self, request, id)
  local file = self.files[id]
  if not file then return not_found("buildUploadFiles", id) end
  local attributes, whole = request:json().data.attributes, {}
  local sums = attributes.sourceFileChecksums
  if sums and sums.file.algorithm ~= self.checksums then
    return invalid("sourceFileChecksums", ("'Checksums{file=File{hash=%s, algorithm=%s}}' is not "
      .. "a valid value for the attribute 'sourceFileChecksums'."):format(sums.file.hash,
      sums.file.algorithm))
  end
  for i, part in ipairs(file.parts) do
    if not part.body then
      return problem(409, "STATE_ERROR", "The request cannot be fulfilled because of the state of "
        .. "another resource.", ("Part %d was not uploaded."):format(i))
    end
    whole[i] = part.body
  end
  file.state, file.upload.state = "UPLOAD_COMPLETE", "PROCESSING"
  self.content = table.concat(whole)
  local digest = hash[self.checksums == "SHA_256" and "sha256" or "md5"](self.content)
  if sums and digest ~= sums.file.hash then
    file.state, file.upload.state = "FAILED", "FAILED"
    file.upload.errors = { { code = "CHECKSUM_MISMATCH",
      description = "The file is not what its checksum says." } }
  end
  return { json = { data = file_resource(self, file) } }
end }

--- The longer patterns are of other shapes, so their order does not matter.
local function route_of(request)
  local line = request.method .. " " .. request.path
  for name, route in pairs(routes) do
    local found = table.pack(line:match(route[1]))
    if found[1] then return name, route[2], found end
  end
end

---The next `n` requests of a route go wrong after `skip` (0) good ones. A fault: { status=,
---headers= } in Apple's words, { reset = true }, { lost = true } (done, but the answer is
---lost), { hang = true }, or a function of the request that gives an answer or nil.
---@param route string such as "PUT part"
---@param n integer
---@param fault table|function
---@param skip integer?
function Store:fail(route, n, fault, skip)
  assert(routes[route], "no such route: " .. route)
  local list = self.faults[route] or {}
  self.faults[route] = list
  list[#list + 1] = { left = n, fault = fault, skip = skip or 0 }
end

local titles = { [401] = true, [403] = { "FORBIDDEN_ERROR", "This request is forbidden for "
  .. "security reasons", "The API key in use does not allow this request" },
  [429] = { "RATE_LIMIT_EXCEEDED", "The request rate limit has been reached.",
    "We've received too many requests for this API. Please wait and try again or slow down "
    .. "your request rate." } }

local function answer_of(fault)
  if fault.reset or fault.close then return fault end
  if fault.hang then
    orch.sleep "1h"
    return 503
  end
  if fault.status == 401 then return not_authorized() end
  local words = titles[fault.status] or { "UNEXPECTED_ERROR", "An unexpected error occurred.",
    "An unexpected error occurred on the server side. If this issue continues, contact us at "
    .. "https://developer.apple.com/contact/." }
  local answer = problem(fault.status, words[1], words[2], words[3])
  answer.headers = fault.headers
  return answer
end

local function fault_of(self, name)
  for _, one in ipairs(self.faults[name] or {}) do
    if one.skip > 0 then
      one.skip = one.skip - 1
      return nil
    elseif one.left > 0 then
      one.left = one.left - 1
      return one.fault
    end
  end
end

local function handle(self, request)
  local name, fn, found = route_of(request)
  if not name then
    return problem(404, "PATH_ERROR", "The URL path is not valid", "The resource '"
      .. request.path .. "' does not exist")
  end
  self.requests[name] = (self.requests[name] or 0) + 1
  self.log[#self.log + 1] = name
  if name ~= "PUT part" and not self:authorized(request) then return not_authorized() end
  local fault, lost = fault_of(self, name), false
  if type(fault) == "function" then
    local answer = fault(request)
    if answer then return answer end
  elseif fault then
    lost = fault.lost
    if not lost then return answer_of(fault) end
  end
  local answer = fn(self, request, table.unpack(found, 1, found.n))
  return lost and { reset = true } or answer
end

function Store:__close()
  self.server:close()
end

---A new key, as Apple gives it: PKCS#8, on the curve P-256.
---@async
---@return string pem
function app_store.new_key()
  return orch.process.run({ "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
    "ec_paramgen_curve:P-256" }).stdout
end

---@async
---@param options table?
---@return tests.AppStore store `<close>`-able
function app_store.start(options)
  options = options or {}
  local self = setmetatable({
    key = options.key or app_store.new_key(), key_id = options.key_id or "2X9R4HXF34",
    issuer_id = options.issuer_id == nil and "57246542-96fe-1a63-e053-0824d011072a"
      or options.issuer_id or nil,
    app_id = "6448311069", bundle_id = options.bundle_id or "com.example.cat",
    groups = options.groups or { "Testers", "Friends" }, delay = options.delay or 0,
    processing = options.processing or 2, verdict = options.verdict or "VALID",
    part_size = options.part_size or 1 << 20, checksums = options.checksums,
    uploads = {}, files = {}, builds = {}, faults = {}, requests = {}, log = {}, last_id = 0,
    received = 0, leaks = 0,
  }, Store)
  if self.checksums == nil then self.checksums = "MD5" end
  self.app = { type = "apps", id = self.app_id, attributes = { name = "Cat",
    bundleId = self.bundle_id, primaryLocale = "en-US" } }
  self.server = http.serve({ port = 0, limit = "256M" }, function(request)
    return handle(self, request)
  end)
  self.url = self.server.url
  return self
end

return app_store
