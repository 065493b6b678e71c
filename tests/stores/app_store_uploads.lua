--- The routes of App Store Connect about build uploads and their files, and of the storage that
--- takes the parts. For app_store.lua.

local hash, json = orch.hash, orch.json
local say = dofile(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/app_store_words.lua")

local routes = {}

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
  for i, upload in ipairs(list) do list[i] = say.upload(upload) end
  return { json = { data = json.array(list) } }
end }

routes["POST upload"] = { "^POST /v1/buildUploads$", function(self, request)
  local data = request:json().data
  local attributes = data.attributes
  if data.relationships.app.data.id ~= self.app_id then
    return say.not_found("apps", data.relationships.app.data.id)
  end
  for _, build in ipairs(self.builds) do
    if build.build == attributes.cfBundleVersion
      and build.version == attributes.cfBundleShortVersionString then
      return say.problem(409, "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE",
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
  return { status = 201, json = { data = say.upload(upload) } }
end }

routes["GET upload"] = { "^GET /v1/buildUploads/([%w-]+)$", function(self, _, id)
  local upload = self.uploads[id]
  if not upload then return say.not_found("buildUploads", id) end
  advance(self, upload)
  return { json = { data = say.upload(upload) } }
end }

routes["DELETE upload"] = { "^DELETE /v1/buildUploads/([%w-]+)$", function(self, _, id)
  if not self.uploads[id] then return say.not_found("buildUploads", id) end
  self.uploads[id] = nil
  return { status = 204 }
end }

routes["GET files"] = { "^GET /v1/buildUploads/([%w-]+)/buildUploadFiles$",
  function(self, _, id)
    local file = self.uploads[id] and self.uploads[id].file
    return { json = { data = json.array(file and { say.file(self, file) } or {}) } }
  end }

routes["POST file"] = { "^POST /v1/buildUploadFiles$", function(self, request)
  local data = request:json().data
  local attributes = data.attributes
  local upload = self.uploads[data.relationships.buildUpload.data.id]
  if not upload then return say.not_found("buildUploads", "that") end
  if upload.file then
    return say.wrong_state "This upload has its ASSET already."
  end
  if attributes.uti ~= "com.apple.ipa" and attributes.uti ~= "com.apple.pkg" then
    return say.invalid("uti", ("'%s' is not a valid value for the attribute 'uti'.")
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
  return { status = 201, json = { data = say.file(self, file) } }
end }

routes["GET file"] = { "^GET /v1/buildUploadFiles/([%w-]+)$", function(self, _, id)
  local file = self.files[id]
  if not file then return say.not_found("buildUploadFiles", id) end
  if self.renews then
    file.signature, file.expired = file.signature .. "n", false
  end
  return { json = { data = say.file(self, file) } }
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
  if self.delay > 0 then -- all parts together take so long, also those that come at once
    local _ <close> = self.line:acquire()
    orch.sleep(self.delay * part.length / file.size)
  end
  part.body, part.tag = request.body, hash.md5(request.body)
  self.received = self.received + part.length
  return { headers = { ETag = ('"%s"'):format(part.tag) } }
end }

routes["PATCH file"] = { "^PATCH /v1/buildUploadFiles/([%w-]+)$", function(self, request, id)
  local file = self.files[id]
  if not file then return say.not_found("buildUploadFiles", id) end
  local attributes, whole = request:json().data.attributes, {}
  local sums = attributes.sourceFileChecksums
  if sums and sums.file.algorithm ~= self.checksums then
    return say.invalid("sourceFileChecksums", ("'Checksums{file=File{hash=%s, algorithm=%s}}' "
      .. "is not a valid value for the attribute 'sourceFileChecksums'."):format(sums.file.hash,
      sums.file.algorithm))
  end
  for i, part in ipairs(file.parts) do
    if not part.body then
      return say.wrong_state(("Part %d was not uploaded."):format(i))
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
  return { json = { data = say.file(self, file) } }
end }

return routes
