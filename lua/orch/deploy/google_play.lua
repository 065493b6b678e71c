--- Builds for Android to Google Play, by the Google Play Developer API v3.
---
---     local r = orch.deploy.google_play.upload { file = "game.aab", package = "com.studio.game",
---       key = keys.PLAY_JSON, track = "beta", notes = { ["en-US"] = "Faster." } }
---     print(r.version_code)
---
--- All changes of an app go through one edit at a time; tasks and processes that upload the same
--- app wait for each other. What a call leaves behind when it fails or is killed is taken up by
--- the next one: the rest of the file, or only the release, is what it still sends.

local arg = require "orch.arg"
local apps = require "orch.deploy.google_play.app"
local clock = require "orch.core.clock"
local common = require "orch.deploy.common"
local failure = require "orch.deploy.failure"
local publish = require "orch.deploy.google_play.publish"
local releases = require "orch.deploy.google_play.release"
local urls = require "orch.http.url"

local google_play = {}

---@class orch.deploy.GooglePlayOptions: orch.deploy.Options
---@field package string the application id: "com.studio.game"
---@field key string|table the service account's JSON as text or as a table, or { path = file }
---@field track string? "internal" (default), "alpha", "beta", "production", a closed track
---@field status "completed"|"draft"|"inProgress"|"halted"|nil default: completed
---@field user_fraction number? share of the users, more than 0 and less than 1
---@field release_name string? at most 50 characters
---@field notes string|table<string, string>|nil by language, at most 500 characters each; one
---  text is for the app's default language
---@field in_app_update_priority integer? 0 to 5
---@field mapping orch.Path? R8's mapping.txt, or native symbols as a .zip
---@field validate boolean? asks Google to check the edit before it counts; default: true, and
---  false with `changes_not_sent_for_review`
---@field changes_not_sent_for_review boolean? for apps whose last review was a rejection
---@field part_size integer|string|nil of what is sent in one request, a multiple of 256 KiB; 8 MiB

local upload_spec = {
  package = "string", key = "string|table", track = "string", status = "string",
  user_fraction = "number", release_name = "string", notes = "string|table",
  in_app_update_priority = "integer", mapping = "path", validate = "boolean",
  changes_not_sent_for_review = "boolean", part_size = "size",
}

---@class orch.deploy.GooglePlayResult: orch.deploy.Result
---@field package string
---@field track string
---@field status string
---@field user_fraction number?
---@field version_code integer?

---Uploads a bundle or an APK and releases it on a track. A build that is on the track already
---is skipped, one that is in the store is not sent again; what an earlier call began is
---completed. Raises kind `usage` and `os` for what is wrong here, and as `deploy.failure` says:
---`auth`, `conflict` (the version code is used), `rejected`, `changed`, `network`, `status`.
---@async
---@param opts orch.deploy.GooglePlayOptions
---@return orch.deploy.GooglePlayResult result
function google_play.upload(opts)
  local fname = "deploy.google_play.upload"
  local o = common.options(fname, opts, upload_spec, { "file", "package", "key" })
  local job = publish.job(fname, o)
  local app = apps.of(fname, o)
  local started = clock.now()
  local result = job.result
  common.with_progress(fname, not o.dry_run and o.progress, function(tell)
    job.tell = tell
    apps.alone(app, function()
      local function fits(data) return publish.fits(data, job) end
      apps.with_edit(app, o.dry_run, fits, function(edit)
        (o.dry_run and publish.rehearse or publish.run)(edit, job)
        if result.skipped then tell(job.source.size, job.source.size) end
      end)
    end)
  end)
  result.elapsed = clock.now() - started
  if o.dry_run then result.dry_run, result.would = true, publish.would(job) end
  return result
end

local status_spec = { package = "string", key = "string|table", track = "string",
  retry = "boolean|table", http = "table", base_url = "string" }

local function read_options(fname, opts, spec, needed)
  if type(opts) ~= "table" then arg.fail("%s takes one table", fname) end
  local o = arg.options(fname, opts, spec)
  for _, name in ipairs(needed) do
    if o[name] == nil then arg.fail("%s needs the option `%s`", fname, name) end
  end
  if o.track then releases.check_track(fname, o.track) end
  return o
end

---What is released: tracks by name, each a list of releases { name, status, user_fraction,
---version_codes, notes, in_app_update_priority }.
---@async
---@param opts {package: string, key: string|table, track: string?, http: table?, retry: any,
---  base_url: string?} `track`: only this one
---@return {service: string, package: string, tracks: table<string, table[]>} status
function google_play.status(opts)
  local fname = "deploy.google_play.status"
  local o = read_options(fname, opts, status_spec, { "package", "key" })
  local app = apps.of(fname, o)
  local result = { service = "google_play", package = o.package, tracks = {} }
  local function add(name, list)
    local plain = {}
    for i, one in ipairs(list or {}) do plain[i] = releases.plain(one) end
    result.tracks[name] = plain
  end
  apps.alone(app, function()
    apps.with_edit(app, true, nil, function(edit)
      if o.track then return add(o.track, apps.track(edit, o.track)) end
      for _, track in ipairs(edit:read("read the tracks", "/tracks").tracks or {}) do
        add(track.track, track.releases)
      end
    end)
  end)
  return result
end

--- The release that is meant: by its version code, or the one that is being rolled out.
local function find_release(list, o)
  if o.version_code then return releases.find(list, o.version_code) end
  for _, one in ipairs(list) do
    if one.status == "inProgress" or one.status == "halted" then return one end
  end
end

local function no_release(o, list)
  local there = {}
  for _, one in ipairs(list) do
    there[#there + 1] = ("%s (%s)"):format(table.concat(one.versionCodes or {}, ", "), one.status)
  end
  failure.throw("google_play", { what = "change the roll-out", kind = "rejected",
    words = ("the track '%s' has %s; it has %s"):format(o.track, o.version_code
      and "no version " .. o.version_code or "no release that is being rolled out",
      #there > 0 and table.concat(there, ", ") or "nothing") })
end

local rollout_spec = { package = "string", key = "string|table", track = "string",
  version_code = "integer", user_fraction = "number", status = "string",
  changes_not_sent_for_review = "boolean",
  retry = "boolean|table", http = "table", base_url = "string" }

local function roll_out(edit, o, result)
  local list = apps.track(edit, o.track)
  local found = find_release(list, o)
  if not found then no_release(o, list) end
  result.version_code = math.tointeger(tonumber(found.versionCodes[1]))
  local fraction = o.fraction or o.status == "halted" and found.userFraction or nil
  result.status, result.user_fraction = o.status, fraction
  if found.status == o.status and found.userFraction == fraction then
    result.skipped = true
    return
  end
  found.status, found.userFraction = o.status, fraction
  edit:put(("set the track '%s'"):format(o.track),
    "/tracks/" .. urls.encode(o.track),
    { json = { track = o.track, releases = { found } } })
  edit:commit { body = "", query = o.changes_not_sent_for_review
    and { changesNotSentForReview = "true" } or nil }
end

---Changes how many users get a release: `user_fraction` = 0.5, or `status` = "completed" (all),
---"halted" (nobody new).
---@async
---@param opts {package: string, key: string|table, track: string, version_code: integer?,
---  user_fraction: number?, status: string?, changes_not_sent_for_review: boolean?, http: table?,
---  retry: any, base_url: string?} without `version_code` the release that is being rolled out
---@return {service: string, package: string, track: string, version_code: integer, status: string,
---  user_fraction: number?, skipped: boolean?} result `skipped`: it was so already
function google_play.rollout(opts)
  local fname = "deploy.google_play.rollout"
  local o = read_options(fname, opts, rollout_spec, { "package", "key", "track" })
  if not o.status and not o.user_fraction then
    arg.fail("%s needs `user_fraction`, or `status` = \"completed\" or \"halted\"", fname)
  end
  o.status, o.fraction = releases.status(fname, o)
  local app = apps.of(fname, o)
  local result = { service = "google_play", package = o.package, track = o.track }
  app.keep = false
  apps.alone(app, function()
    apps.with_edit(app, false, nil, function(edit) roll_out(edit, o, result) end)
  end)
  return result
end

return arg.public("orch.deploy.google_play", google_play)
