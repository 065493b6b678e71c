--- One build into one edit and onto a track, as far as it is not there already.
---
---     local job = publish.job("deploy.google_play.upload", options)
---     publish.run(edit, job)

local apps = require "orch.deploy.google_play.app"
local arg = require "orch.arg"
local common = require "orch.deploy.common"
local failure = require "orch.deploy.failure"
local releases = require "orch.deploy.google_play.release"
local resumable = require "orch.deploy.google_play.resumable"
local urls = require "orch.http.url"

local publish = {}

local CHUNK = 8 << 20

--- Files and the collections of an edit that they go to.
local kinds = {
  aab = { collection = "bundles", what = "bundle" },
  apk = { collection = "apks", what = "APK" },
}

function publish.job(fname, o)
  local source = require "orch.deploy.source"
  local release = releases.read(fname, o)
  local build = source.open(fname, o.file, { "aab", "apk" })
  if o.part_size and (o.part_size == 0 or o.part_size % resumable.UNIT ~= 0) then
    arg.fail("%s: option `part_size` should be a multiple of 256 KiB, such as \"8M\"", fname)
  end
  return {
    release = release, source = build, chunk = o.part_size or CHUNK, retry = o.retry,
    kind = kinds[build.name:lower():match "%a+$"], validate = o.validate,
    hidden = o.changes_not_sent_for_review,
    mapping = o.mapping and source.open(fname, o.mapping) or nil,
    result = { service = "google_play", file = build.shown, size = build.size, bytes = 0,
      package = o.package, track = release.track, status = release.status,
      user_fraction = release.user_fraction },
  }
end

--- The version code that this very file has in the store already.
local function find_version(edit, job)
  local list = edit:read("list the builds", "/" .. job.kind.collection)[job.kind.collection]
  if not list or #list == 0 then return nil end
  local digits = job.source:hash "sha256"
  for _, one in ipairs(list) do
    if ((one.binary or one).sha256 or ""):lower() == digits then return one.versionCode end
  end
end

--- Whether the release is there: one that was withdrawn to a draft is not.
local function is_released(found, wanted)
  return found and (found.status ~= "draft" or wanted.status == "draft")
end

--- Raises when what has arrived is not the file.
local function check_arrival(job, answer)
  local sha256 = (answer.binary or answer).sha256
  if not sha256 or sha256:lower() == job.source:hash "sha256" then return end
  failure.throw("google_play", { what = "send the " .. job.kind.what, kind = "rejected",
    words = "the server has other bytes (sha256 " .. sha256 .. ") than the file; nothing was "
      .. "released" })
end

--- Sends the file, or what is left of it. Gives its version code.
local function send_build(edit, job)
  local memo, data = edit.app.memo, edit.app.memo.data
  if data.version_code then
    job.result.resumed = job.source.size
    return data.version_code
  end
  local answer, resumed = resumable.send(edit.app.api, {
    what = "send the " .. job.kind.what, source = job.source, session = data.session,
    path = "upload/" .. edit:path("/" .. job.kind.collection), tell = job.tell,
    field = "versionCode",
    chunk = job.chunk, retry = job.retry,
    on_session = function(uri)
      data.session, data.arrived = uri, nil
      memo:save()
    end,
    on_part = function(done) data.arrived = done end,
  })
  job.result.resumed, job.result.bytes = resumed, job.source.size - resumed
  check_arrival(job, answer)
  data.session, data.version_code = nil, answer.versionCode
  memo:save()
  return answer.versionCode
end

--- Native symbols can be as large as the build: remembered just like it.
local function send_mapping(edit, job, version_code)
  local source, memo = job.mapping, edit.app.memo
  if not source then return end
  local kept = memo.data.mapping
  if not kept or kept.file ~= source:identity() then kept = { file = source:identity() } end
  if kept.arrived then return end
  memo.data.mapping = kept
  local kind = source.name:lower():find "%.zip$" and "nativeCode" or "proguard"
  resumable.send(edit.app.api, { what = "send the mapping file", source = source,
    path = ("upload/%s/%d/deobfuscationFiles/%s"):format(edit:path "/apks", version_code, kind),
    session = kept.session, tell = function() end, chunk = job.chunk, retry = job.retry,
    on_session = function(uri)
      kept.session = uri
      memo:save()
    end })
  kept.session, kept.arrived = nil, true
  memo:save()
end

local function words_of(release)
  return ("%s %s %s"):format(release.track, release.status, release.user_fraction)
end

---Whether the edit of an earlier call may be completed by this one: it holds the same file, and
---has released nothing that is not wanted now.
---@param data table of the memo
---@return boolean
function publish.fits(data, job)
  local wanted = job.release
  return data.file == job.source:identity() and (not data.release
    or data.release == words_of(wanted) or wanted.status == "draft"
    and data.release:sub(1, #wanted.track + 1) == wanted.track .. " ")
end

local function set_track(edit, job, version_code)
  local wanted = job.release
  local function language()
    return edit:read("read the app's language", "/details").defaultLanguage or "en-US"
  end
  edit.app.memo.data.release = words_of(wanted)
  edit.app.memo:save()
  edit:put(("set the track '%s'"):format(wanted.track),
    "/tracks/" .. urls.encode(wanted.track),
    { json = { track = wanted.track,
      releases = { releases.body(wanted, version_code, language) } } })
end

--- Looks whether the app has the build already. Fills the result.
---@param list table[] the releases of the track
---@return boolean skipped
local function is_there(edit, job, list)
  local result, version_code = job.result, find_version(edit, job)
  if not version_code then return false end
  result.version_code, result.resumed = version_code, job.source.size
  local found = releases.find(list, version_code)
  if not is_released(found, job.release) then
    edit.app.memo.data.version_code = version_code
    return false
  end
  result.skipped, result.status, result.user_fraction = true, found.status, found.userFraction
  return true
end

---What a rehearsal has found, as a sentence.
---@return string
function publish.would(job)
  local result = job.result
  local where = ("track %s of %s"):format(job.release.track, result.package)
  if result.skipped then
    return ("would skip %s: version %d is on %s"):format(job.source.shown, result.version_code,
      where)
  end
  if result.version_code then
    return ("would release version %d, which is there already, to %s"):format(
      result.version_code, where)
  end
  return ("would upload %s (%s) to %s"):format(job.source.shown, common.size(job.source.size),
    where)
end

---All of an upload with one edit.
---@async
function publish.run(edit, job)
  local data, result = edit.app.memo.data, job.result
  data.file, data.edit = job.source:identity(), edit.id
  local list = apps.track(edit, job.release.track) -- a track that is none: not after an hour
  if not data.session and not data.version_code and is_there(edit, job, list) then return end
  local version_code = send_build(edit, job)
  result.version_code = version_code
  send_mapping(edit, job, version_code)
  set_track(edit, job, version_code)
  local hidden = job.hidden
  if job.validate or job.validate == nil and not hidden then
    edit:post("validate the edit", ":validate", { body = "" })
  end
  job.source:check()
  edit:commit { body = "", query = hidden and { changesNotSentForReview = "true" } or nil }
end

---Only reads; the edit is there because nothing can be read without one.
---@async
function publish.rehearse(edit, job)
  local data, list = edit.app.memo.data, apps.track(edit, job.release.track)
  if edit.borrowed and data.version_code and data.file == job.source:identity() then
    -- In an edit that nobody has committed: what its track says is not so yet.
    job.result.version_code, job.result.resumed = data.version_code, job.source.size
    return
  end
  is_there(edit, job, list)
end

return publish
