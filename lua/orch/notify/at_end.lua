--- What is told about a whole run, from the script's top level: a message at its end, and one
--- that follows it from its beginning. Neither changes how the run ends.
---
---     notify.at_end(chat, { when = "change" })
---     notify.follow({ chat, discord }, { title = "Nightly build" })

local arg = require "orch.arg"
local channels = require "orch.notify.channel"
local declare = require "orch.pipeline.declare"
local errors = require "orch.core.error"
local scopes = require "orch.scope"
local summary = require "orch.notify.summary"
local wanted = require "orch.notify.wanted"

local at_end = {}

local GRACE = 5 -- seconds for all that is told at the end
local RETRY = { attempts = 3, retry_on = { 429 } } -- nobody waits for one who is not there

local function register(fname, hook)
  local registry = declare.registry
  if registry.closed then
    arg.fail("%s was called while the jobs run: it stands in the script's body, before the first "
      .. "job starts", fname)
  end
  registry.hooks = registry.hooks or {}
  table.insert(registry.hooks, hook)
end

local function post(channel, content)
  local ok, err = pcall(channel.post, channels.with_retry(channel, RETRY), content)
  if ok then return end
  if errors.is_cancelled(err) then error(err, 0) end
  require("orch.log").warn(("notify.at_end: %s"):format(tostring(err)))
end

local function tell(session, list, o)
  local content = summary.of(session.model, session.run.folder, o)
  local s <close> = scopes.scope { name = "notify.at_end", on_error = "collect" }
  for _, channel in ipairs(list) do
    s:spawn({ name = "notify " .. channel.name }, post, channel, content)
  end
end

---@class orch.notify.AtEndOptions: orch.notify.SummaryOptions
---@field when "always"|"failure"|"change"|nil always unless you say; change: it fails and the run
---  of this script before did not, or the other way round. One that somebody has ended (Ctrl-C)
---  is neither

---Posts a summary when the run has ended, however that was.
---@param list orch.notify.Channel|orch.notify.Channel[]
---@param opts orch.notify.AtEndOptions?
function at_end.at_end(list, opts)
  local fname = "notify.at_end"
  list = channels.list(fname, list)
  local o = arg.options(fname, opts, { when = "string", link = "string|table", log = "integer",
    title = "string" })
  o.link = require("orch.notify.content").link(fname, o.link)
  o.when = o.when or "always"
  if not wanted[o.when] then
    arg.fail("%s: option `when` should be always, failure or change, not %q", fname, o.when)
  end
  register(fname, { finish = function(session)
    if not wanted[o.when](session) then return end
    if scopes.move_on_after(GRACE, tell, session, list, o) then return end
    require("orch.log").warn(("notify.at_end: not everybody was told within %d s"):format(GRACE))
  end })
end

--- The messages that an earlier session of the run has begun, in the run's folder.
local function keeper_of(session, number)
  local fs, json = require "orch.fs", require "orch.json"
  local path = ("%s/notify-%d.json"):format(session.run.folder, number)
  local ok, kept = pcall(json.load, path)
  if not ok or type(kept) ~= "table" then kept = {} end
  return function(i)
    local one = kept[tostring(i)]
    return type(one) == "table" and one or nil, function(new)
      local copy = {}
      for key, value in next, new do copy[key] = value end
      kept[tostring(i)] = copy
      pcall(fs.write, path, json.encode(kept, { sorted = true }), { sync = false })
    end
  end
end

local endings = { ok = "ok", failed = "failed", interrupted = "cancelled" }

--- The root cause belongs into the last state.
local function cause_of(session)
  local root = session.model.failures[1]
  if not root then return nil end
  local text = require "orch.report.text"
  return ("Failed first: %s: %s"):format(text.line(root.name),
    text.fit(text.line(text.error(root.error)), 300))
end

---Follows the run with a message of its own: what runs, how far it is, what has failed. A
---resumed run goes on with the same one.
---@param list orch.notify.Channel|orch.notify.Channel[]
---@param opts orch.notify.LiveOptions? `job`: names and globs of those that are shown
function at_end.follow(list, opts)
  local fname, live = "notify.follow", require "orch.notify.live"
  list = channels.list(fname, list)
  local o = arg.options(fname, opts, { title = "string", every = "duration", grace = "duration",
    link = "string|table", job = "boolean|string|table" })
  local link = require("orch.notify.content").link(fname, o.link)
  local globs, number = live.globs(fname, o.job), #(declare.registry.hooks or {}) + 1
  local shown
  register(fname, {
    begin = function(session)
      shown = live.start(fname, list, { title = o.title or session.script, every = o.every,
        grace = o.grace, link = link, follow = function(touch)
          return require("orch.notify.live_jobs").follow(session, globs, nil, touch)
        end }, keeper_of(session, number))
    end,
    finish = function(session)
      if not shown then return end
      shown.cause = cause_of(session)
      shown:close(endings[session.model.status] or "failed")
    end,
  })
end

return at_end
