--- Slack: an incoming webhook, which can post only, or a bot's token, which can do all.
---
---     local chat = notify.slack { token = keys.SLACK_BOT_TOKEN, channel = "C024BE91L" }
---     local chat = notify.slack { webhook = keys.SLACK_WEBHOOK_URL }
---
--- After https://docs.slack.dev as of November 2026: chat.postMessage, chat.update, and files
--- by files.getUploadURLExternal and files.completeUploadExternal (files.upload ended on
--- 2025-11-12). A bot needs the scopes chat:write and, for files, files:write.

local arg = require "orch.arg"
local call = require "orch.notify.call"
local channels = require "orch.notify.channel"
local render = require "orch.notify.slack_blocks"

local slack = {}

local BASE = "https://slack.com/api/"

--- Slack's word -> kind, and the way out.
local known = {
  invalid_auth = { "auth", "is the token a bot's (xoxb-...) of this workspace?" },
  not_authed = { "auth" }, token_revoked = { "auth" }, token_expired = { "auth" },
  account_inactive = { "auth" }, no_service = { "auth", "the webhook was removed" },
  invalid_token = { "auth", "the webhook's URL is not complete" },
  missing_scope = { "auth" }, action_prohibited = { "auth" },
  channel_not_found = { "rejected", "use the channel's ID (C...), and invite the bot to private "
    .. "channels: /invite @its-name" },
  not_in_channel = { "rejected", "invite the bot: /invite @its-name in that channel" },
  is_archived = { "rejected" }, channel_is_archived = { "rejected" },
  msg_too_long = { "rejected" }, msg_blocks_too_long = { "rejected" },
  message_not_found = { "rejected" }, cant_update_message = { "rejected" },
  edit_window_closed = { "rejected" },
  internal_error = { "status" }, fatal_error = { "status" }, service_unavailable = { "status" },
  request_timeout = { "status" }, ratelimited = { "status" }, rollup_error = { "status" },
}

local function fields_of(word, status, body)
  local entry = known[word] or {}
  local hint = entry[2]
  if word == "missing_scope" and type(body) == "table" and body.needed then
    hint = ("give the app the scope %s and install it anew"):format(body.needed)
  end
  return { reason = word, words = "Slack says " .. word, hint = hint,
    kind = entry[1] or status < 300 and "rejected" or nil,
    status = word == "ratelimited" and 429 or nil }
end

--- A failure has HTTP's 200 as well, and says so in its body.
local function judge(response)
  local ok, body = pcall(require("orch.json").decode, response.body)
  if ok and type(body) == "table" and body.ok == true then return nil end
  if ok and type(body) == "table" and type(body.error) == "string" then
    return fields_of(body.error, response.status, body)
  end
  if response.status >= 300 then return {} end
  return { kind = "http", words = "its answer is not what its documents say: is this its address?" }
end

local function judge_webhook(response)
  if response.status < 300 then return nil end
  local word = response.body:match "^%s*([%l_]+)%s*$"
  return word and fields_of(word, response.status) or {}
end

local function ask(self, what, method, opts, again)
  opts.bearer = self.token
  return call.json(self, what, call.request(self, what, "POST", self.base_url .. method, opts,
    { judge = judge, again = again }))
end

local function handle_of(answer)
  return { service = "slack", channel = answer.channel, ts = answer.ts }
end

local function send(self, c, thread)
  local body = render.message(c)
  body.channel, body.thread_ts = self.channel, thread
  if thread then body.channel = self.channel_id or self.channel end
  local answer = ask(self, "post to " .. self.shown, "chat.postMessage", { json = body })
  self.channel_id = answer.channel
  return handle_of(answer)
end

local bot = { service = "slack", known = { channel_id = true } }

function bot.post(self, c)
  return send(self, c)
end

function bot.reply(self, c, handle)
  self.channel_id = handle.channel
  return send(self, c, handle.thread or handle.ts)
end

function bot.update(self, handle, c)
  local body = render.message(c, true)
  body.channel, body.ts = handle.channel, handle.ts
  ask(self, "update the message in " .. self.shown, "chat.update", { json = body }, true)
end

--- Files want the ID, not the name.
local function channel_id(self)
  local id = self.channel_id or self.channel
  if id:find "^[CGD][A-Z0-9]+$" then return id end
  arg.fail("chat:upload: Slack wants the channel's ID for files, not %q; it stands at the end of "
    .. "the channel's details (C024BE91L)", self.channel)
end

function bot.upload(self, o)
  local what = ("send '%s' to %s"):format(o.name, self.shown)
  local channel = o.thread and o.thread.channel or channel_id(self)
  local ticket = ask(self, what, "files.getUploadURLExternal",
    { form = { filename = o.name, length = o.size } }, true)
  call.request(self, what, "POST", ticket.upload_url,
    { body = { path = o.path }, timeout = false, stall = "60s" }, { again = true })
  local answer = ask(self, what, "files.completeUploadExternal", { json = {
    files = { { id = ticket.file_id, title = o.title or o.name } }, channel_id = channel,
    initial_comment = o.comment and render.escape(o.comment),
    thread_ts = o.thread and o.thread.ts,
  } })
  local file = type(answer.files) == "table" and answer.files[1] or {}
  return { service = "slack", file = ticket.file_id, channel = channel, url = file.permalink }
end

local webhook = { service = "slack", no_files = "a bot's token does",
  instead = "with a bot's token it could: notify.slack { token =, channel = }" }

function webhook.post(self, c)
  call.request(self, "post to " .. self.shown, "POST", self.webhook,
    { json = render.message(c) }, { judge = judge_webhook })
  return { service = "slack" }
end

---@class orch.notify.SlackOptions: orch.notify.ChannelOptions
---@field webhook string? URL of an incoming webhook
---@field token string? of a bot, xoxb-...; or SLACK_BOT_TOKEN of the environment or `.env`
---@field channel string? with a token: the ID, C024BE91L, or a name, #builds
---@field base_url string? another server than Slack's

---@param opts orch.notify.SlackOptions
---@return orch.notify.Channel
function slack.new(opts)
  local fname = "notify.slack"
  local o = channels.options(fname, opts, { webhook = "string", token = "string",
    channel = "string", base_url = "string" })
  if o.webhook then
    if o.token or o.channel then
      arg.fail("%s: a webhook belongs to one channel, and needs no `%s`", fname,
        o.token and "token" or "channel")
    end
    o.webhook = channels.secret_url(fname, o.webhook)
    o.shown = o.name or "the webhook's channel"
    return channels.new(webhook, o, "slack")
  end
  if not o.channel then
    arg.fail("%s needs `channel` (and a token), or `webhook`", fname)
  end
  o.token = channels.token(fname, o.token, { "SLACK_BOT_TOKEN" })
  o.base_url = (o.base_url or BASE):gsub("/*$", "/")
  o.shown = o.channel
  return channels.new(bot, o, "slack " .. o.channel)
end

return slack
