--- Builds for TestFlight, over the App Store Connect API: no Mac, no Xcode, no Transporter.
---
---     orch.deploy.testflight.upload { file = "out/game.ipa", app = "com.example.cat",
---       key = keys.APPLE_P8, key_id = "2X9R4HXF34", issuer_id = "57246542-96fe-1a63-e053-...",
---       version = "1.4.2", build = "871", groups = { "Testers" }, notes = "Cats can swim now" }
---
--- Follows Apple's documentation of the App Store Connect API, version 4.1 ("Build uploads":
--- buildUploads, buildUploadFiles; also "Builds", "Beta groups", "Beta build localizations",
--- "Beta app review submissions", "Generating tokens for API requests"), as it was published
--- with version 4.4.1 (2026). The pages of the schemas were read without their tables of fields;
--- names of fields were taken from public clients that are generated from Apple's OpenAPI file.
--- Not documented, but observed by users of the API in 2026: the state of an upload is an object
--- { state, errors, warnings, infos }; `sourceFileChecksums` may be refused with 409 (it is then
--- left out); a group that has all builds is refused a build (422). Tried against the
--- service of tests/stores/app_store.lua, never against Apple's own.

local arg = require "orch.arg"
local apis = require "orch.deploy.testflight.api"
local clock = require "orch.core.clock"
local common = require "orch.deploy.common"
local find = require "orch.deploy.testflight.find"
local json = require "orch.json"
local memos = require "orch.deploy.memo"
local options = require "orch.deploy.testflight.options"
local release = require "orch.deploy.testflight.release"
local send = require "orch.deploy.testflight.send"
local sources = require "orch.deploy.source"
local words = require "orch.deploy.testflight.words"

local testflight = {}

---@class orch.deploy.testflight.Login
---@field app string|integer the bundle id, or Apple's number
---@field key string|{path: string} the .p8 file's text, or where it is
---@field key_id string? beside the key in App Store Connect; read from AuthKey_....p8
---@field issuer_id string? of the team; without it the key is an individual one
---@field platform "IOS"|"MAC_OS"|"TV_OS"|"VISION_OS"|nil IOS by default
---@field version string? CFBundleShortVersionString
---@field build string|integer|nil CFBundleVersion
---@field http orch.http.SharedOptions?
---@field retry boolean|orch.http.RetryOptions|nil
---@field base_url string?

---@class orch.deploy.testflight.Options: orch.deploy.testflight.Login, orch.deploy.Options
---@field file orch.Path .ipa or .pkg; version and build are read from an .ipa
---@field groups string|string[]|nil names of groups of testers
---@field notes string|table<string, string>|nil "what to test", in the app's first language, or
---  by locale: { ["en-US"] = "...", ["de-DE"] = "..." }
---@field uses_encryption boolean? whether it has encryption that is not exempt; Apple asks
---@field review boolean? true: submits it to beta review, which external groups need
---@field wait number|string|false|nil how long Apple may work at it ("45m"); false: nobody waits
---@field poll number|string|nil between two looks, "15s"
---@field connections integer? parts that are sent at the same time, 4
---@field checksum "MD5"|"SHA_256"|false|nil that the commit names, MD5

---@class orch.deploy.testflight.Result: orch.deploy.Result
---@field app string Apple's number
---@field bundle_id string
---@field version string
---@field build string
---@field platform string
---@field state string "VALID"; with wait = false also "PROCESSING"
---@field upload_id string? of `buildUploads`
---@field build_id string? of `builds`
---@field groups string[] that have it now
---@field warnings string[] Apple's
---@field url string for people

local function describe(job)
  local o, app = job.o, job.app
  local names = {}
  for i, group in ipairs(job.groups) do names[i] = group.name end
  return {
    service = "testflight", file = job.source.shown, size = job.source.size, bytes = 0,
    app = app.id, bundle_id = app.bundle_id, version = o.version, build = o.build,
    platform = o.platform, groups = json.array(names), warnings = json.array {},
    url = ("https://appstoreconnect.apple.com/apps/%s/testflight"):format(app.id),
  }, names
end

--- An upload of this build that arrived, by whomever it was sent.
local function arrived(job)
  job.known = {}
  local uploads = find.uploads(job.api, job.app, job.o)
  for _, upload in ipairs(uploads) do
    job.known[upload.id] = true
    local state = find.state(upload)
    if state == "PROCESSING" or state == "COMPLETE" then return upload.id end
  end
end

local function would(job, result, names, there)
  result.dry_run, result.skipped = true, there or nil
  if there then
    result.would = ("would send nothing: build %s (%s) of %s is there"):format(result.version,
      result.build, job.app.bundle_id)
  else
    result.would = ("would upload %s (%s) as build %s (%s) of %s"):format(job.source.name,
      common.size(job.source.size), result.version, result.build, job.app.bundle_id)
  end
  if names[1] then result.would = result.would .. " for " .. table.concat(names, ", ") end
  return result
end

--- Sends what is missing; who else does it meanwhile is waited for.
local function deliver(fname, job, result)
  local o = job.o
  local memo <close> = memos.open { service = "testflight", source = job.source,
    resume = o.resume, target = ("%s %s (%s) %s"):format(job.app.bundle_id, o.version, o.build,
      o.platform) }
  job.memo = memo
  local upload_id = arrived(job)
  if upload_id then
    result.skipped = true
  else
    upload_id = common.with_progress(fname, o.progress, function(tell)
      job.tell = tell
      return send.run(job)
    end)
    result.bytes = job.sent
    if job.resumed > 0 then result.resumed = job.resumed end
  end
  memo:done()
  return upload_id
end

local function words_of(warnings)
  local list = json.array {}
  for i, one in ipairs(warnings) do list[i] = words.sentence({ one }, true) end
  return list
end

---Uploads a build, waits until Apple has processed it, and gives it to groups of testers. A
---build that is there is not sent again; an upload that broke off goes on with what is missing.
---@async
---@param opts orch.deploy.testflight.Options
---@return orch.deploy.testflight.Result result raises kind `auth`, `rejected` and `conflict`
---  with Apple's words (`reason`, and all of them in `errors`: code, title, detail, pointer),
---  `changed` when the file changes meanwhile, `timeout` (`state`) when Apple takes longer than
---  `wait`, `usage` for a key that is none, and as `orch.http` does
function testflight.upload(opts)
  local fname = "deploy.testflight.upload"
  local o = common.options(fname, opts, options.upload, { "file", "app", "key" })
  options.check_upload(fname, o)
  local started = clock.now()
  local api = apis.open(fname, o)
  local source = sources.open(fname, o.file, { "ipa", "pkg" })
  local bundle_id = options.fill_in(fname, o, source)
  local app = find.app(api, o.app)
  options.check_bundle(fname, source, bundle_id, app)
  local job = { api = api, app = app, o = o, source = source,
    groups = find.groups(api, app, o.groups) }
  local result, names = describe(job)
  local build = find.build(api, app, o.platform, o.version, o.build)
  local valid = build and release.judge(job, build)
  if o.dry_run then return would(job, result, names, (build or arrived(job)) and true) end
  if build then
    result.skipped = true
  else
    result.upload_id = deliver(fname, job, result)
  end
  result.state = build and build.attributes.processingState or "PROCESSING"
  if o.wait then
    if not valid then
      local warnings
      build, warnings = release.wait(job, result.upload_id)
      result.warnings = words_of(warnings)
    end
    release.finish(job, build)
    result.state = "VALID"
  end
  result.build_id = build and build.id
  result.elapsed = clock.now() - started
  return result
end

---@class orch.deploy.testflight.Status
---@field exists boolean
---@field state string? "VALID", "PROCESSING", "INVALID", "FAILED"; of an upload that is no
---  build yet also "AWAITING_UPLOAD"
---@field app string
---@field bundle_id string
---@field version string?
---@field build string?
---@field build_id string?
---@field upload_id string?
---@field uploaded string? when, as Apple writes it
---@field expired boolean? testers cannot install it any more
---@field uses_encryption boolean?
---@field errors orch.deploy.AppleError[]?

local function status(fname, opts)
  local o = common.options(fname, opts, options.login, { "app", "key" })
  options.check_login(fname, o)
  local api = apis.open(fname, o)
  local app = find.app(api, o.app)
  local about = { exists = false, app = app.id, bundle_id = app.bundle_id, platform = o.platform,
    version = o.version, build = o.build }
  local build = find.build(api, app, o.platform, o.version, o.build)
  if build then
    local attributes = build.attributes
    about.exists, about.state, about.build_id = true, attributes.processingState, build.id
    about.version, about.build = build.version or o.version, attributes.version
    about.uploaded, about.expired = attributes.uploadedDate, attributes.expired
    about.uses_encryption = attributes.usesNonExemptEncryption
  end
  if about.state == "VALID" or not (o.version and o.build) then return about end
  local upload = find.uploads(api, app, o)[1]
  if upload then
    local state, list = find.state(upload)
    about.state, about.upload_id = about.state or state, upload.id
    about.errors = list[1] and list or nil
  end
  return about
end

---What App Store Connect has: of this version and build, or the newest one without them.
---@async
---@param opts orch.deploy.testflight.Login
---@return orch.deploy.testflight.Status
function testflight.status(opts)
  return status("deploy.testflight.status", opts)
end

---Whether the build is there, or is being processed.
---@async
---@param opts orch.deploy.testflight.Login with `version` and `build`
---@return boolean
function testflight.exists(opts)
  local fname = "deploy.testflight.exists"
  for _, name in ipairs { "version", "build" } do
    if type(opts) == "table" and opts[name] == nil then
      arg.fail("%s needs the option `%s`", fname, name)
    end
  end
  local about = status(fname, opts)
  return about.state == "VALID" or about.state == "PROCESSING" or about.state == "COMPLETE"
end

return arg.public("orch.deploy.testflight", testflight)
