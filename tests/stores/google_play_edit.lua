--- Edits of the Google Play of the tests: what changes an app, and what is checked of it.

local json = require "orch.json"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local refuse = dofile(here .. "/google_play_words.lua")

local edits = {}

local now = os.time

local function copy(value)
  return json.decode(json.encode(value))
end

function edits.insert(self, app)
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

function edits.check(app, edit, query)
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

function edits.commit(self, app, edit, query)
  local wrong = edits.check(app, edit, query)
  if wrong then return wrong end
  self:end_edits "expired"
  edit.state = "committed"
  app.bundles, app.apks, app.tracks = edit.bundles, edit.apks, edit.tracks
  app.commits = app.commits + 1
  return { json = { id = edit.id } }
end

function edits.has_version(edit, version_code)
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
function edits.set_track(edit, name, wanted)
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
      if type(version_code) ~= "string" or not edits.has_version(edit, version_code) then
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

return edits
