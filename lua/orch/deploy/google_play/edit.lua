--- An edit: a copy of what an app has in the store, which is changed and then takes its place.
--- A user has one per app: a new one, and every change in the Play Console, ends it.
---
---     local edit <close> = edit.open(app)
---     local tracks = edit:read("read the tracks", "/tracks").tracks
---     edit:commit({})
---
--- One that is left without a commit is deleted, unless it holds what another call would have to
--- send again: then the memo remembers it.

local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local policies = require "orch.retry.policy"
local scopes = require "orch.scope"

local edit = {}

local CLOSING = 5 -- seconds for deleting it

---@class orch.deploy.PlayEdit
---@field id string
---@field private app orch.deploy.PlayApp
---@field private borrowed boolean? somebody else's, to look into
---@field private over boolean?
local Edit = {}
Edit.__index = Edit

local function said(err)
  return errors.is(err) and tostring(err.words or err.message):lower() or ""
end

--- Two changes of the app at the same moment: "retry your request", says Google.
local function is_concurrent(err)
  return errors.is(err) and err.status == 409
    and (err.reason == "concurrentUpdate" or said(err):find "concurrency update" ~= nil)
end

---Whether the edit is no longer open: another change of the app came first, or its time is over.
---@param err any
---@return boolean
function edit.is_gone(err)
  if not errors.is(err) or not err.status then return false end
  local reason, words = tostring(err.reason):lower(), said(err)
  return reason:find "^edit" ~= nil or words:find "^this edit" ~= nil or words:find "^edit " ~= nil
    or err.status == 409 and reason:find "conflict" == nil and not is_concurrent(err)
end

local function is_committed(err)
  return said(err):find "already been successfully committed" ~= nil
end

---@class orch.deploy.PlayApp
---@field package string
---@field path string of its edits
---@field api orch.deploy.Client
---@field memo orch.deploy.Memo
---@field keep boolean whether an edit may be kept for another call

local function look(app, id)
  return app.api:get("look at the edit", app.path .. "/" .. id)
end

local function is_open(app, id)
  local ok, err = pcall(look, app, id)
  if ok then return true end
  if edit.is_gone(err) or errors.is(err) and err.status == 404 then return false end
  error(err, 0)
end

---The edit that an earlier call left behind, or a new one.
---@async
---@param app orch.deploy.PlayApp
---@param reading boolean? nothing will be changed: one that is kept stays as it is
---@param fits (fun(data: table): boolean)? whether what a kept one holds is what is wanted now
---@return orch.deploy.PlayEdit edit `<close>`-able
function edit.open(app, reading, fits)
  local data = app.memo.data
  local kept = data.edit
  local usable = kept and (reading and not data.release or fits and fits(data))
  if usable and is_open(app, kept) then
    data.arrived = data.arrived or data.session and 1
    return setmetatable({ id = kept, app = app, borrowed = reading }, Edit)
  end
  if kept then app.memo:done() end -- a new one ends it
  local what, empty = "open an edit", require("orch.json").decode "{}"
  local made = app.api:object(what, app.api:post(what, app.path, { json = empty }), "id")
  return setmetatable({ id = made.id, app = app }, Edit)
end

---@param rest string "/tracks", ":commit"
---@return string
function Edit:path(rest)
  return self.app.path .. "/" .. self.id .. rest
end

---Google looks at a bundle for a while before it may be used.
local function is_not_ready(err)
  return errors.is(err) and said(err):find "not completed yet" ~= nil
end

local function passes(err)
  return is_not_ready(err) or is_concurrent(err)
end

--- The result of `fn`, which is called again while it is just not the time.
local function patiently(self, fn)
  local retry = self.app.api.options.retry
  local policy = policies.of("deploy.google_play: retry", { attempts = 8, retry_on = passes,
    base = type(retry) == "table" and retry.base or 2 })
  for attempt = 1, policy.attempts do
    local ok, result = pcall(fn)
    if ok then return result end
    if attempt == policy.attempts or not policy.again(result) then error(result, 0) end
    clock.sleep(policy.pause(attempt, result))
  end
end

for _, method in ipairs { "get", "put", "post" } do
  ---@async
  Edit[method] = function(self, what, rest, opts)
    local api = self.app.api
    return patiently(self, function() return api[method](api, what, self:path(rest), opts) end)
  end
end

---@async
---@param what string
---@param rest string
---@return table answer
function Edit:read(what, rest)
  return self.app.api:object(what, self:get(what, rest))
end

---Makes the changes public. An answer that got lost is asked for again: an edit that was
---committed meanwhile was committed by us.
---@async
---@param opts table? of the request
function Edit:commit(opts)
  local ok, err = pcall(self.post, self, "commit the edit", ":commit", opts)
  if not ok and not is_committed(err) then
    if err.kind ~= "network" and err.kind ~= "timeout" then error(err, 0) end
    local open, why = pcall(look, self.app, self.id)
    if open or not is_committed(why) then error(err, 0) end
  end
  self.over = true
  self.app.memo:done()
end

--- What another call need not send again.
local function holds_something(data)
  return data.version_code ~= nil or data.session ~= nil and (data.arrived or 0) > 0
end

---@param err any what ended the block
function Edit:__close(err)
  if self.over or self.borrowed then return end
  local app = self.app
  if edit.is_gone(err) then return app.memo:done() end
  if err ~= nil and app.keep and holds_something(app.memo.data) and not (errors.is(err)
      and err.kind == "changed") then
    return
  end
  self.over = true
  pcall(scopes.shield, function()
    pcall(app.api.delete, app.api, "delete the edit", self:path "", { retry = false,
      timeout = CLOSING })
  end, { grace = CLOSING })
  app.memo:done()
end

return edit
