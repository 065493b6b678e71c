--- App Store Connect's words: errors as it sends them, resources as JSON:API has them.
--- For app_store.lua.

local json = orch.json

local say = {}

function say.problem(status, code, title, detail, pointer)
  return { status = status, json = { errors = { { id = "b7f2c1d0", status = tostring(status),
    code = code, title = title, detail = detail,
    source = pointer and { pointer = pointer } or nil } } } }
end

function say.not_authorized()
  return say.problem(401, "NOT_AUTHORIZED", "Authentication credentials are missing or invalid.",
    "Provide a properly configured and signed bearer token, and make sure that it has not "
    .. "expired. Learn more about Generating Tokens for API Requests "
    .. "https://developer.apple.com/go/?id=api-generating-tokens")
end

function say.not_found(kind, id)
  return say.problem(404, "NOT_FOUND", "The specified resource does not exist",
    ("There is no resource of type '%s' with id '%s'"):format(kind, id))
end

function say.wrong_state(detail)
  return say.problem(409, "STATE_ERROR", "The request cannot be fulfilled because of the state of "
    .. "another resource.", detail)
end

function say.invalid(name, detail)
  return say.problem(409, "ENTITY_ERROR.ATTRIBUTE.INVALID",
    "The provided entity includes an attribute with an invalid value", detail,
    "/data/attributes/" .. name)
end

function say.upload(upload)
  return { type = "buildUploads", id = upload.id, attributes = {
    cfBundleShortVersionString = upload.version, cfBundleVersion = upload.build,
    platform = upload.platform, uploadedDate = upload.date,
    state = { state = upload.state, errors = json.array(upload.errors),
      warnings = json.array(upload.warnings), infos = json.array {} } } }
end

function say.build(build)
  return { type = "builds", id = build.id, attributes = { version = build.build,
    uploadedDate = build.date, processingState = build.state, expired = false,
    usesNonExemptEncryption = build.uses_encryption == nil and json.null
      or build.uses_encryption },
    relationships = { preReleaseVersion = { data = { type = "preReleaseVersions",
      id = build.version } } } }
end

function say.file(self, file)
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

function say.note(id, locale, text)
  return { type = "betaBuildLocalizations", id = id .. "/" .. locale,
    attributes = { locale = locale, whatsNew = text or json.null } }
end

return say
