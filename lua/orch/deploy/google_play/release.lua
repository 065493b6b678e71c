--- What is to become of a build: the release that a track gets, checked before anything is
--- sent.
---
---     local release = release.read("deploy.google_play.upload", { package = "com.x.cat",
---       track = "beta", user_fraction = 0.1, notes = "Faster." })

local arg = require "orch.arg"

local release = {}

local NOTES_MOST = 500 -- characters in a language, Google's limit
local NAME_MOST = 50

local statuses = { completed = true, draft = true, inProgress = true, halted = true }
local staged = { inProgress = true, halted = true }

---@class orch.deploy.PlayRelease
---@field track string
---@field status string
---@field user_fraction number?
---@field name string?
---@field notes table<string, string>|string|nil
---@field priority integer?

---@param fname string
---@param package any
function release.check_package(fname, package)
  if package:find "^%a[%w_]*%.[%w_.]*[%w_]$" and not package:find("..", 1, true) then return end
  arg.fail("%s: option `package` should be the application id, such as \"com.studio.game\", "
    .. "not %q", fname, package)
end

---@param fname string
---@param track any
---@return string
function release.check_track(fname, track)
  if track:find "^[%w_:][%w_:. -]*$" then return track end
  arg.fail("%s: option `track` should be \"internal\", \"alpha\", \"beta\", \"production\" or the "
    .. "name of a closed track, not %q", fname, track)
end

---Status and share of the users, which belong together.
---@param fname string
---@param o {status: string?, user_fraction: number?}
---@return string status
---@return number? user_fraction
function release.status(fname, o)
  local fraction = o.user_fraction
  local status = o.status or (fraction and "inProgress" or "completed")
  if not statuses[status] then
    local near = arg.suggest(status, arg.keys_of(statuses))
    arg.fail("%s: option `status` should be completed, draft, inProgress or halted, not %q%s",
      fname, status, near and ("; did you mean '%s'?"):format(near) or "")
  end
  if fraction and not staged[status] then
    arg.fail("%s: `user_fraction` is for the status \"inProgress\" and \"halted\", not %q", fname,
      status)
  end
  if fraction and not (fraction > 0 and fraction < 1) then
    arg.fail("%s: option `user_fraction` should be more than 0 and less than 1, not %g%s", fname,
      fraction, fraction == 1 and "; for everybody it is status = \"completed\"" or "")
  end
  if status == "inProgress" and not fraction then
    arg.fail("%s: the status \"inProgress\" needs `user_fraction`, such as 0.1", fname)
  end
  return status, fraction
end

local function check_text(fname, language, text)
  if type(text) ~= "string" then
    arg.fail("%s: option `notes` should be a text, or texts by language such as { [\"en-US\"] = "
      .. "\"...\" }; the notes%s are %s", fname, language, arg.describe(text))
  end
  local length = utf8.len(text)
  if not length then arg.fail("%s: the notes%s are not UTF-8", fname, language) end
  if length > NOTES_MOST then
    arg.fail("%s: the notes%s have %d characters, and Google Play takes %d", fname, language,
      length, NOTES_MOST)
  end
end

local function check_notes(fname, notes)
  if type(notes) == "string" then return check_text(fname, "", notes) end
  for language, text in next, notes or {} do
    if type(language) ~= "string" or not language:find "^%a%a%a?[%w-]*$" then
      arg.fail("%s: option `notes` should have languages such as \"en-US\" as names, not %s", fname,
        arg.describe(language))
    end
    check_text(fname, " in " .. language, text)
  end
end

---@param fname string
---@param o table checked options of upload
---@return orch.deploy.PlayRelease
function release.read(fname, o)
  release.check_package(fname, o.package)
  local status, fraction = release.status(fname, o)
  check_notes(fname, o.notes)
  local name = o.release_name
  if name and (utf8.len(name) or math.huge) > NAME_MOST then
    arg.fail("%s: option `release_name` should have at most %d characters", fname, NAME_MOST)
  end
  local priority = o.in_app_update_priority
  if priority and (priority < 0 or priority > 5) then
    arg.fail("%s: option `in_app_update_priority` should be 0 to 5, not %d", fname, priority)
  end
  return { track = release.check_track(fname, o.track or "internal"), status = status,
    user_fraction = fraction, name = name, notes = o.notes, priority = priority }
end

---As the service takes it.
---@param r orch.deploy.PlayRelease
---@param version_code integer
---@param language fun(): string the app's own, for notes that say none
---@return table
function release.body(r, version_code, language)
  local notes = r.notes
  if type(notes) == "string" then notes = { [language()] = notes } end
  local list = {}
  for _, name in ipairs(arg.keys_of(notes or {})) do
    list[#list + 1] = { language = name, text = notes[name] }
  end
  return { name = r.name, versionCodes = { tostring(version_code) }, status = r.status,
    userFraction = r.user_fraction, inAppUpdatePriority = r.priority,
    releaseNotes = #list > 0 and list or nil }
end

---A release of the service as plain data of ours.
---@param one table
---@return table
function release.plain(one)
  local codes, notes = {}, {}
  for i, version_code in ipairs(one.versionCodes or {}) do
    codes[i] = math.tointeger(tonumber(version_code))
  end
  for _, note in ipairs(one.releaseNotes or {}) do notes[note.language] = note.text end
  return { name = one.name, status = one.status, user_fraction = one.userFraction,
    version_codes = codes, notes = next(notes) and notes or nil,
    in_app_update_priority = one.inAppUpdatePriority }
end

---The one with a version code.
---@param releases table[] the service's
---@param version_code integer
---@return table?
function release.find(releases, version_code)
  for _, one in ipairs(releases) do
    for _, other in ipairs(one.versionCodes or {}) do
      if tostring(other) == tostring(version_code) then return one end
    end
  end
end

return release
