--- A mail on its way to the server: whom it takes, whom it refuses, and what is tried again.
---
---     local refused = delivery.send(channel, bytes)

local arg = require "orch.arg"
local errors = require "orch.core.error"
local failure = require "orch.notify.failure"
local settings = require "orch.http.settings"
local valid = require("orch.pipeline.text").valid

local delivery = {}

local TIMEOUT, CONNECT_TIMEOUT = 60, 10

--- Whose turn it was, from what the server said: "550 no such user" names nobody.
local function refused_recipient(self, reply)
  local named = reply:match "<([^<>%s]+@[^<>%s]+)>"
  if named then return named end
  return #self.recipients == 1 and self.recipients[1] or nil
end

local function words_of(self, err)
  local reply, code = err.reply or "", err.curl_code
  local fields = { kind = err.kind, what = "send to " .. self.shown, phase = err.phase,
    detail = err.detail, status = nil, reply = err.reply }
  local status = tonumber(reply:match "^(%d%d%d)")
  local failed = status and status >= 400
  if failed then fields.reason, fields.words = tostring(status), "the server says " .. reply end
  local detail = err.detail or ""
  if code == 67 then -- CURLE_LOGIN_DENIED
    fields.kind, fields.hint = "auth", "is the password one for programs (an app password)?"
    if not failed then fields.words = "the login is refused" end
  elseif status == 530 or status == 535 then
    fields.kind, fields.hint = "auth", not self.user and "give `user` and `password`" or nil
  elseif code == 64 then -- CURLE_USE_SSL_FAILED
    fields.kind = "tls"
    fields.words = "the server offers no encryption (STARTTLS)"
    fields.hint = "smtps:// is encrypted from the first byte; starttls = false does without"
  elseif failed and detail:find "^RCPT" then
    local who = refused_recipient(self, reply)
    fields.recipient = who
    fields.kind = status >= 500 and "rejected" or "status"
    fields.what = ("send to %s"):format(who or self.shown)
    fields.words = (#self.recipients > 1 and "the server refuses all recipients, the last one: "
      or "the server refuses the recipient: ") .. reply
  elseif failed then
    fields.kind = status >= 500 and "rejected" or "status"
  end
  fields.retryable = fields.kind ~= "auth" and fields.kind ~= "rejected"
  fields.words = fields.words or tostring(err.message):gsub("^%u+ %S+: ", "")
  return fields
end

--- What libcurl is told, beside what all requests may say.
local function settings_of(self, recipients)
  local set = settings.of("notify.email", arg.options("notify.email: http", self.http,
    require("orch.http.options").shared), {}, {})
  local all = { timeout = TIMEOUT, connect_timeout = CONNECT_TIMEOUT, proxy = "" }
  for key, value in next, set do all[key] = value end
  all.protocols, all.mail_from, all.mail_rcpt = "smtp,smtps", self.from.mail, recipients
  all.mail_some = true
  all.user, all.password = self.user, self.password
  all.use_tls = self.starttls or nil
  return all
end

--- The replies of a conversation, each as one text: "550-first\r\n550 second".
local function replies_of(head)
  local list, parts = {}, {}
  for line in head:gmatch "[^\r\n]+" do
    parts[#parts + 1] = line
    if not line:find "^%d%d%d%-" then
      list[#list + 1] = table.concat(parts, " ")
      parts = {}
    end
  end
  return list
end

--- Each recipient has a reply, and those to all of them stand before 354: "send the text".
local function refused_in(head, recipients)
  local list, refused = replies_of(head), {}
  local go_on = #list
  while go_on > 0 and not list[go_on]:find "^354" do go_on = go_on - 1 end
  for i, recipient in ipairs(recipients) do
    local reply = list[go_on - #recipients + i - 1]
    if reply and reply:find "^[45]" then
      refused[#refused + 1] = { recipient = recipient, reply = valid(reply) }
    end
  end
  return refused
end

---@return {recipient: string, reply: string}[] refused raises where nobody gets it
local function attempt(self, bytes, recipients)
  local request = { method = "PUT", url = self.server, body = bytes, rewindable = true,
    settings = settings_of(self, recipients), resolve = self.http and self.http.resolve }
  local ok, raw = pcall(require("orch.http.wire").send, request)
  if ok then return refused_in(raw.head, recipients) end
  if not errors.is(raw) or not raw.curl_code then error(raw, 0) end
  failure.throw(self.service, words_of(self, raw))
end

local unsent = { resolving = true, connecting = true, handshake = true }

local function is_worth_it(err)
  -- 4xx: not now (grey-listing); the message was not taken.
  return err.retryable ~= false and (unsent[err.phase] or err.kind == "status")
end

local function with_retry(self, fn)
  if self.retry == false then return fn() end
  local policy = { attempts = 3, max_elapsed = 60, retry_on = is_worth_it }
  for name, value in next, type(self.retry) == "table" and self.retry or {} do
    policy[name] = value
  end
  return require "orch.retry"(fn, policy)
end

local function warn(self, refused)
  local parts = {}
  for i, one in ipairs(refused) do parts[i] = one.recipient .. ": " .. one.reply end
  require("orch.log").warn(("notify.email: the server refuses %d of %d recipients, and the others "
    .. "have got it: %s"):format(#refused, #self.recipients, table.concat(parts, "; ")))
end

---Sends a mail to all recipients. Those that the server refuses do not keep it from the others:
---that is a warning.
---@async
---@param self orch.notify.Channel
---@param bytes string
---@return {recipient: string, reply: string}[]? refused raises where nobody gets it
function delivery.send(self, bytes)
  local left, for_good, has_arrived = self.recipients, {}, false
  local later -- refused for now, with the replies
  local function round()
    local refused = attempt(self, bytes, left)
    has_arrived, left, later = true, {}, {}
    for _, one in ipairs(refused) do
      local list = one.reply:find "^5" and for_good or later
      list[#list + 1] = one
    end
    for i, one in ipairs(later) do left[i] = one.recipient end
    if #left > 0 then
      failure.throw(self.service, { kind = "status", what = "send to " .. left[1],
        words = later[1].reply })
    end
  end
  local ok, err = pcall(with_retry, self, round)
  if not ok and (not has_arrived or errors.is_cancelled(err)) then error(err, 0) end
  local refused = table.move(later, 1, #later, #for_good + 1, for_good)
  if #refused == 0 then return nil end
  warn(self, refused)
  return refused
end

return delivery
