--- An app in the store, as all calls see it: address, login, one who works on it at a time.
---
---     local game = app.of("deploy.google_play.status", { package = "com.studio.game", key = key })
---     app.alone(game, function() app.with_edit(game, true, nil, function(edit) end) end)

local account = require "orch.deploy.google_play.account"
local arg = require "orch.arg"
local call = require "orch.deploy.call"
local edits = require "orch.deploy.google_play.edit"
local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local log = require "orch.log"
local releases = require "orch.deploy.google_play.release"

local app = {}

local SERVER = "https://androidpublisher.googleapis.com"

--- The option for requests: all of ours may be sent twice.
local function retry_of(retry)
  if retry == false then return false end
  local plan = { attempts = 5, methods = { "GET", "POST", "PUT", "DELETE" } }
  for name, value in next, type(retry) == "table" and retry or {} do plan[name] = value end
  return plan
end

---The app at the service: its address and login.
---@async
---@param fname string
---@param o table checked options: `package`, `key`, `base_url`, `http`, `retry`, `resume`
---@return orch.deploy.PlayApp
function app.of(fname, o)
  releases.check_package(fname, o.package)
  local who = account.read(fname, o.key)
  local options = { http = o.http, retry = retry_of(o.retry) }
  return {
    package = o.package, keep = o.resume ~= false,
    path = ("androidpublisher/v3/applications/%s/edits"):format(o.package),
    target = o.package .. (o.base_url and " at " .. o.base_url or ""),
    api = call.client { service = "google_play", base_url = o.base_url or SERVER, http = o.http,
      retry = options.retry, words = require "orch.deploy.google_play.words",
      auth = function(force) return who:bearer(options, force) end },
  }
end

---Runs `fn(app)` while nobody else here works on the app.
---@async
function app.alone(self, fn)
  local _ <close> = require("orch.lock").lock("google_play " .. self.target):acquire()
  local memo <close> = require("orch.deploy.memo").open { service = "google_play",
    target = self.target, resume = self.keep }
  self.memo = memo
  return fn(self)
end

---Runs `fn(edit)` with an edit; once more when another change of the app ends it.
---@async
---@param reading boolean? see `edit.open`
---@param fits (fun(data: table): boolean)?
---@param fn async fun(edit: orch.deploy.PlayEdit)
function app.with_edit(self, reading, fits, fn)
  local function once()
    local edit <close> = edits.open(self, reading, fits)
    return fn(edit)
  end
  local ok, err = pcall(once)
  if ok then return end
  if not edits.is_gone(err) then error(err, 0) end
  log.warn(("google_play: %s was changed by somebody else meanwhile, and that ended our edit (%s); "
    .. "beginning again"):format(self.package, err.words or err.message))
  once()
end

--- Every app has these, and each for other kinds of devices ("wear:beta").
local standard = { internal = true, qa = true, alpha = true, beta = true, production = true }

local function no_track(edit, track)
  local names = {}
  for _, one in ipairs(edit:read("read the tracks", "/tracks").tracks or {}) do
    names[#names + 1] = one.track
  end
  for name in next, standard do names[#names + 1] = name end
  local near = arg.suggest(track, names)
  failure.throw("google_play", { what = ("use the track '%s'"):format(track), kind = "rejected",
    status = 404, words = "the app has no such track", hint = near
      and ("did you mean '%s'?"):format(near) or "a closed track is made in the Play Console" })
end

---The releases of a track, the service's; one that nobody has used yet has none. Raises kind
---`rejected` when the app has no such track.
---@async
---@return table[]
function app.track(edit, track)
  local ok, found = pcall(edit.read, edit, ("read the track '%s'"):format(track),
    "/tracks/" .. require("orch.http.url").encode(track))
  if ok then return found.releases or {} end
  if errors.is(found) and found.status == 404 and not edits.is_gone(found)
    and tostring(found.words):lower():find "track" then
    return standard[track:match "[^:]*$"] and {} or no_track(edit, track)
  end
  error(found, 0)
end

return app
