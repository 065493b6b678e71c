--- What follows the upload: wait until App Store Connect has processed the build, then notes,
--- encryption, groups of testers, review. All of it can be done again, and changes nothing then.

local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local find = require "orch.deploy.testflight.find"
local words = require "orch.deploy.testflight.words"

local release = {}

local failed = { INVALID = true, FAILED = true }

local function refused(what, state, list, hint)
  failure.throw("testflight", { kind = "rejected", what = what, reason = state, errors = list,
    hint = hint, words = words.sentence(list, true)
      or "App Store Connect gives no reason here; Apple sends it by e-mail" })
end

--- Why Apple did not want it is told by the upload, not by the build.
local function why(job, upload_id)
  if not upload_id then
    local uploads = find.uploads(job.api, job.app, job.o)
    upload_id = uploads[1] and uploads[1].id
  end
  if not upload_id then return {} end
  local upload = job.api:one("ask for the upload", "v1/buildUploads/" .. upload_id)
  local _, list = find.state(upload)
  return list
end

local function version_of(o)
  return ("%s (%s)"):format(o.version, o.build)
end

---What becomes of a build that is there; raises kind `rejected` with Apple's reasons.
---@async
---@param build table resource
---@return boolean done
function release.judge(job, build, upload_id)
  local state = build.attributes.processingState
  if failed[state] then
    refused(("publish build %s"):format(version_of(job.o)), state, why(job, upload_id),
      "its number is used up: build again with a higher one")
  end
  return state == "VALID"
end

--- One look; the build once it is usable.
local function ask(job, upload_id, seen)
  local o = job.o
  if upload_id and not seen.accepted then
    local upload = job.api:one("ask for the upload", "v1/buildUploads/" .. upload_id)
    local state, list, warnings = find.state(upload)
    seen.state, seen.warnings = state, warnings
    if state == "FAILED" then refused(("upload build %s"):format(version_of(o)), state, list) end
    seen.accepted = state == "COMPLETE"
  end
  local build = find.build(job.api, job.app, o.platform, o.version, o.build)
  if build and release.judge(job, build, upload_id) then return build end
  seen.state = build and build.attributes.processingState or seen.state
end

--- What may be over at the next look; the file is there, so nobody has to begin again.
local function passes(job, err)
  return job.o.retry ~= false and errors.is(err) and (err.kind == "network"
    or err.kind == "timeout" or err.kind == "status" and err.retryable ~= false)
end

---Waits until the build is processed.
---@async
---@param upload_id string?
---@return table build resource; raises kind `rejected` for one that Apple does not want,
---  `timeout` (`state`) when it takes too long
---@return orch.deploy.AppleError[] warnings
function release.wait(job, upload_id)
  local o, seen = job.o, { warnings = {} }
  local until_when = clock.now() + o.wait
  while true do
    local ok, build = pcall(ask, job, upload_id, seen)
    if ok and build then return build, seen.warnings end
    if not ok and not passes(job, build) then error(build, 0) end
    seen.fault = not ok and build or nil
    if clock.now() + o.poll > until_when then break end
    clock.sleep(o.poll)
  end
  if seen.fault then error(seen.fault, 0) end
  errors.throw(errors.make { kind = "timeout", service = "testflight", state = seen.state,
    upload_id = upload_id, retryable = false, message = ("testflight: build %s was sent, but App "
      .. "Store Connect is not done with it after %s (%s); the same call later goes on from "
      .. "here and sends nothing again"):format(version_of(o), o.wait < 120
      and ("%g s"):format(o.wait) or ("%.0f minutes"):format(o.wait / 60), seen.state
      or "PROCESSING") })
end

local function set_encryption(job, build)
  local wanted = job.o.uses_encryption
  if wanted == nil or build.attributes.usesNonExemptEncryption == wanted then return end
  job.api:send("answer the question about encryption", "PATCH", "v1/builds/" .. build.id,
    { type = "builds", id = build.id, attributes = { usesNonExemptEncryption = wanted } })
end

local function notes_of(job, build)
  local there = {}
  for _, one in ipairs(job.api:list("ask for the notes",
    ("v1/builds/%s/betaBuildLocalizations"):format(build.id))) do
    there[one.attributes.locale or ""] = one
  end
  return there
end

--- Apple may make an empty note of the app's first language just then.
local function set_notes(job, build)
  local notes = job.o.notes
  if not notes then return end
  if type(notes) == "string" then notes = { [job.app.locale] = notes } end
  local there = notes_of(job, build)
  for _, locale in ipairs(require("orch.arg").keys_of(notes)) do
    local what = ("set the notes in %s"):format(locale)
    local one = there[locale] or job.api:make(what, "v1/betaBuildLocalizations", {
      type = "betaBuildLocalizations", attributes = { locale = locale, whatsNew = notes[locale] },
      relationships = { build = { data = { type = "builds", id = build.id } } },
    }, function() return notes_of(job, build)[locale] end)
    if one.attributes.whatsNew ~= notes[locale] then
      job.api:send(what, "PATCH", "v1/betaBuildLocalizations/" .. one.id,
        { type = one.type, id = one.id, attributes = { whatsNew = notes[locale] } })
    end
  end
end

local function give_to_groups(job, build)
  local data = {}
  for _, group in ipairs(job.groups) do
    if not group.gets_all then data[#data + 1] = { type = "betaGroups", id = group.id } end
  end
  if #data == 0 then return end
  job.api:send("give the build to its groups", "POST",
    ("v1/builds/%s/relationships/betaGroups"):format(build.id), data)
end

local function submit(job, build)
  if not job.o.review then return end
  local function there()
    return job.api:page("ask for the beta review", "v1/betaAppReviewSubmissions",
      { ["filter[build]"] = build.id }).data[1]
  end
  if there() then return end
  job.api:send("submit the build to beta review", "POST", "v1/betaAppReviewSubmissions",
    { type = "betaAppReviewSubmissions",
      relationships = { build = { data = { type = "builds", id = build.id } } } }, there)
end

---@async
---@param build table resource
function release.finish(job, build)
  set_encryption(job, build)
  set_notes(job, build)
  give_to_groups(job, build)
  submit(job, build)
end

return release
