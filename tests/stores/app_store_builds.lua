--- The routes of App Store Connect about apps, builds, notes, groups and review. For
--- app_store.lua.

local json = orch.json
local say = dofile(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/app_store_words.lua")

local routes = {}

routes["GET app"] = { "^GET /v1/apps/(%d+)$", function(self, _, id)
  if id ~= self.app_id then return say.not_found("apps", id) end
  return { json = { data = self.app } }
end }

routes["GET apps"] = { "^GET /v1/apps$", function(self, request)
  local wanted = request.query["filter[bundleId]"]
  local found = self.bundle_id:sub(1, #wanted) == wanted
  return { json = { data = json.array(found and { self.app } or {}) } }
end }

--- The next page is said to be on a server where nobody answers: no token should go there.
routes["GET groups"] = { "^GET /v1/betaGroups$", function(self, request)
  local list, from = {}, tonumber(request.query.cursor or 0)
  local to = math.min(from + self.page, #self.groups)
  for i = from + 1, to do
    list[#list + 1] = { type = "betaGroups", id = "group-" .. i, attributes = {
      name = self.groups[i], hasAccessToAllBuilds = self.all_builds[self.groups[i]] or false } }
  end
  return { json = { data = json.array(list), links = { next = to < #self.groups
    and "http://127.0.0.1:1/v1/betaGroups?cursor=" .. to or nil } } }
end }

--- Apple works at it: one step at each look.
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
      table.insert(list, 1, say.build(build))
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
      return { json = { data = say.build(build) } }
    end
  end
  return say.not_found("builds", id)
end }

local function build_of(self, id)
  for _, build in ipairs(self.builds) do
    if build.id == id then return build end
  end
end

routes["GET notes"] = { "^GET /v1/builds/([%w-]+)/betaBuildLocalizations$",
  function(self, _, id)
    local list = {}
    for locale, text in pairs(build_of(self, id).notes) do
      list[#list + 1] = say.note(id, locale, text)
    end
    return { json = { data = json.array(list) } }
  end }

routes["POST notes"] = { "^POST /v1/betaBuildLocalizations$", function(self, request)
  local data = request:json().data
  local build, locale = build_of(self, data.relationships.build.data.id), data.attributes.locale
  if build.notes[locale] then
    return say.problem(409, "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE",
      "The provided entity includes an attribute with a value that has already been used",
      "Locale has already been used.", "/data/attributes/locale")
  end
  build.notes[locale] = data.attributes.whatsNew
  return { status = 201, json = { data = say.note(build.id, locale,
    data.attributes.whatsNew) } }
end }

routes["PATCH notes"] = { "^PATCH /v1/betaBuildLocalizations/([%w-]+)/([%w-]+)$",
  function(self, request, id, locale)
    build_of(self, id).notes[locale] = request:json().data.attributes.whatsNew
    return { json = { data = say.note(id, locale, build_of(self, id).notes[locale]) } }
  end }

routes["POST groups"] = { "^POST /v1/builds/([%w-]+)/relationships/betaGroups$",
  function(self, request, id)
    for _, one in ipairs(request:json().data) do
      local name = self.groups[tonumber(one.id:match "^group%-(%d+)$") or 0]
      if not name then return say.not_found("betaGroups", one.id) end
      if self.all_builds[name] then
        return say.problem(422, "ENTITY_UNPROCESSABLE",
          "Builds cannot be assigned to this internal group.",
          "Cannot add internal group to a build.")
      end
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
    return say.problem(422, "ENTITY_UNPROCESSABLE", "The request entity is not valid",
      "Another build is in review")
  end
  build.review = true
  return { status = 201, json = { data = { type = "betaAppReviewSubmissions", id = build.id } } }
end }

return routes
