--- A message that is kept up to date while work goes on, in several channels at once. It never
--- fails the work, and never holds it up.
---
---     local live <close> = notify.live({ chat }, { title = "Deploy 1.4" })
---     live:set("android", { done = 3, total = 10 })
---     live:set("ios", { state = "ok", text = "build 214" })
---     live:note "the store is slow today"
---
--- Each channel gets what is new at most every `every` seconds, and the last state when the
--- block is left. Where messages cannot be changed the beginning and the end are posted.

local arg = require "orch.arg"
local channels = require "orch.notify.channel"
local core = require "orch.core.task"
local current = require "orch.pipeline.current"
local errors = require "orch.core.error"
local render = require "orch.notify.live_text"
local scopes = require "orch.scope"
local senders = require "orch.notify.live_sender"
local unclosed = require "orch.unclosed"

local live = {}

local EVERY, GRACE, NOTES = 2, 5, 5

---@class orch.notify.Live
---@field private items table[] in the order of the first `set`
---@field private by_name table<string, table>
---@field private notes string[]
---@field private senders orch.notify.Sender[]
local Live = { __name = "orch.notify.live",
  leak = "the notify.live of %s was never closed: write `local live <close> = notify.live(...)`" }
Live.__index = Live

--- The result of jobs, followed and set by hand.
function Live:all_items()
  local items = self.jobs and self.jobs:items() or {}
  return table.move(self.items, 1, #self.items, #items + 1, items)
end

local function content_of(self)
  return render.content { title = self.title, items = self:all_items(), notes = self.notes,
    status = self.status, link = self.link, cause = self.cause }
end

---@private
function Live:touch()
  for _, sender in ipairs(self.senders) do sender:touch() end
end

local state_words = { waiting = true, running = true, ok = true, failed = true, skipped = true,
  cancelled = true }
local item_spec = { done = "number", total = "number", state = "string", text = "string|number" }

---Says how far a piece of work is; what is not said stays as it was. Does not wait, and may be
---called as often as one likes.
---@param name string
---@param how string|{done: number?, total: number?, state: "waiting"|"running"|"ok"|"failed"|"skipped"|nil, text: string?}
---  a text alone is its `text`; `state` is running at first
function Live:set(name, how)
  arg.check("live:set", 1, name, "string")
  if type(how) == "string" then how = { text = how } end
  local o = arg.options("live:set", how, item_spec)
  if o.state and not state_words[o.state] then
    arg.fail("live:set: option `state` should be running, ok, failed, skipped or waiting, not %q",
      o.state)
  end
  if self.closed then return end
  local item = self.by_name[name]
  if not item then
    item = { name = name, state = "running" }
    self.by_name[name] = item
    self.items[#self.items + 1] = item
  end
  for key, value in next, o do item[key] = key == "text" and tostring(value) or value end
  self:touch()
end

---Adds a line below; the last five are shown. Does not wait.
---@param text string
function Live:note(text)
  arg.check("live:note", 1, text, "string")
  if self.closed then return end
  self.notes[#self.notes + 1] = require("orch.report.text").line(text)
  if #self.notes > NOTES then table.remove(self.notes, 1) end
  self:touch()
end

--- How it ended, for the last message.
local function settle(self, err, status)
  if status then
    self.status = status
  elseif err == nil then
    self.status = "ok"
  else
    self.status = errors.is_cancelled(err) and "cancelled" or "failed"
  end
  local rest = self.status == "ok" and "ok" or "cancelled"
  for _, item in ipairs(self.items) do
    if item.state == "running" then item.state = rest end
  end
end

local function finish_all(self)
  local s <close> = core.open("notify.live", nil, false, nil, false)
  for _, sender in ipairs(self.senders) do
    s:start("notify " .. sender.name, sender.finish, sender)
  end
end

--- A count for those who wonder why the message stands still.
local function account_of(self, sender)
  local count, arrived = sender.failures, sender:is_done()
  if count == 0 and arrived then return nil end
  if count == 0 then return ("the last state did not arrive within %g s"):format(self.grace) end
  return ("%d %s failed, the last state %s"):format(count,
    count == 1 and "delivery" or "deliveries", arrived and "arrived" or "did not arrive")
end

local function tell_failures(self)
  for _, sender in ipairs(self.senders) do
    local account = account_of(self, sender)
    if account then
      pcall(require("orch.log").warn, ("%s: %s: %s"):format(sender.owner, sender.name, account))
    end
  end
end

--- Within `grace`; what is not through then is given up.
local function close(self)
  local shield <close> = core.open("notify.live", nil, true, math.huge, false)
  pcall(scopes.move_on_after, self.grace, finish_all, self)
  for _, sender in ipairs(self.senders) do sender:abandon() end
  for _, sender in ipairs(self.senders) do sender.task:join() end
  tell_failures(self)
end

---Delivers the last state, waiting at most `grace` for it. Not needed with `<close>`.
---@async
---@param status "ok"|"failed"|"cancelled"|nil how it ended; ok unless an error closed it
function Live:close(status)
  self:__close(nil, status)
end

---@private
function Live:__close(err, status)
  unclosed.remove(self)
  if self.closed then return end
  self.closed = true
  settle(self, err, status)
  if self.jobs then self.jobs:close() end
  self:touch()
  pcall(close, self) -- shielded: there is no cancellation that this could swallow
end

--- Where a resumed run finds the message that it had begun: the steps of the job.
local function kept_by_job(ctx, number, i)
  local name = ("notify.live %d.%d"):format(number, i)
  local recorded = ctx.recorded[name]
  local kept = recorded and require("orch.pipeline.keep").decode(recorded.text)
  local steps = require "orch.pipeline.step"
  if kept then steps.step(name, function() return kept end) end
  return kept, function(handle)
    local copy = {}
    for key, value in next, handle do copy[key] = value end
    pcall(steps.renew, ctx, name, copy)
  end
end

--- The lives of a job are counted when they are opened: another one may be while this one is.
local function keeper_of(ctx)
  ctx.lives = (ctx.lives or 0) + 1
  local number = ctx.lives
  return function(i) return kept_by_job(ctx, number, i) end
end

---For the library: opens it with senders whose messages are kept by `keeper(i)`, which gives the
---handle that there is of channel `i`, and what is told of a new one.
---@param fname string for warnings
---@param list orch.notify.Channel[]
---@param o table checked options
---@param keeper (fun(i: integer): table?, function?)?
---@return orch.notify.Live
function live.start(fname, list, o, keeper)
  local self = setmetatable({ items = {}, by_name = {}, notes = {}, senders = {},
    title = o.title, link = o.link, status = "running", grace = o.grace or GRACE }, Live)
  for i, channel in ipairs(list) do
    local kept, keep
    if keeper then kept, keep = keeper(i) end
    if kept and kept.service ~= channel.service then kept = nil end -- the script has changed
    self.senders[i] = senders.new(channel, { owner = fname, every = o.every or EVERY, kept = kept,
      keep = keep, content = function() return content_of(self) end })
  end
  if o.follow then
    self.jobs = o.follow(function() self:touch() end)
  end
  for _, sender in ipairs(self.senders) do sender:start(self.grace) end
  return self
end

live.spec = { title = "string", every = "duration", grace = "duration", link = "string|table" }

---@param fname string
---@param value boolean|string|string[]|nil
---@return string[]? globs nil: all jobs
function live.globs(fname, value)
  if value == true or value == nil then return nil end
  local list = type(value) == "table" and value or { value }
  for i, name in ipairs(list) do arg.check(fname .. ": job", i, name, "string") end
  return list
end

local function with_job(spec)
  local all = { job = "boolean|string|table" }
  for name, types in next, spec do all[name] = types end
  return all
end

---@class orch.notify.LiveOptions
---@field title string?
---@field every number|string|nil the least time between two deliveries to a channel; 2 s
---@field grace number|string|nil how long closing may wait for the last one; 5 s
---@field link string|{url: string, text: string?}|nil
---@field job boolean|string|string[]|nil inside a job: shows other jobs of the run as well, all
---  of them (true) or those with these names and globs

---`local live <close> = notify.live(chat, { title = "Deploy" })`. Inside a job, the message is
---kept as a step: a resumed run goes on with it.
---@param list orch.notify.Channel|orch.notify.Channel[]
---@param opts orch.notify.LiveOptions?
---@return orch.notify.Live live `<close>`-able; raises kind `usage` only
function live.open(list, opts)
  local fname = "notify.live"
  list = channels.list(fname, list)
  local o = arg.options(fname, opts, with_job(live.spec))
  o.link = require("orch.notify.content").link(fname, o.link)
  local ctx = current.find()
  if o.job then
    if not ctx then
      arg.fail("notify.live: option `job` follows the run that this is part of, so it is for "
        .. "inside of a job; at the top of a script, notify.follow follows the whole run")
    end
    local wanted = live.globs(fname, o.job)
    o.follow = function(touch)
      return require("orch.notify.live_jobs").follow(ctx.session, wanted, ctx.job.name, touch)
    end
  end
  return unclosed.add(live.start(fname, list, o, ctx and keeper_of(ctx)))
end

return live
