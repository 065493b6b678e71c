--- Discord: a channel's webhook. It posts, changes its own messages, and sends files.
---
---     local chat = notify.discord { webhook = keys.DISCORD_WEBHOOK_URL }
---
--- After https://docs.discord.com/developers/resources/webhook (API version 10) as of November
--- 2026. Nobody is mentioned, whatever the text says, unless `mentions` allows it.

local call = require "orch.notify.call"
local channels = require "orch.notify.channel"
local clock = require "orch.core.clock"
local content = require "orch.notify.content"
local json = require "orch.json"
local urls = require "orch.http.url"

local discord = {}

local CONTENT, TITLE, DESCRIPTION, FIELDS, NAME, VALUE, ALL = 2000, 256, 3500, 25, 256, 1024, 6000
local colors = { good = 0x2eb67d, warning = 0xecb22e, danger = 0xe01e5a }

--- What the embed leaves of its 6,000 characters for fields.
local function fields_of(list, room)
  local shown = json.array {}
  for i = 1, math.min(#list, FIELDS) do
    local name, value = content.cut(list[i][1], NAME), content.cut(list[i][2], VALUE)
    room = room - utf8.len(name) - utf8.len(value)
    if room < 0 then break end
    -- Neither may be empty.
    shown[i] = { name = name == "" and "\u{200B}" or name, value = value == "" and "\u{200B}"
      or value, inline = true }
  end
  return shown
end

local function embed_of(c)
  local embed = { title = c.title and content.cut(c.title, TITLE),
    description = c.text and content.cut_fenced(c.text, DESCRIPTION), color = colors[c.color],
    url = c.link and c.title and c.link.url or nil }
  if c.link and not c.title or c.link and c.link.text then
    local line = ("[%s](%s)"):format((c.link.text or "link"):gsub("[%[%]]", ""), c.link.url)
    embed.description = (embed.description and embed.description .. "\n\n" or "") .. line
  end
  if c.fields then
    local used = (utf8.len(embed.title or "")) + (utf8.len(embed.description or ""))
    embed.fields = fields_of(c.fields, ALL - used)
  end
  return embed
end

local function body_of(self, c)
  local body = { allowed_mentions = { parse = json.array { table.unpack(self.mentions or {}) } },
    embeds = json.array {} }
  if c.blocks then
    body.embeds, body.content = c.blocks, c.text and content.cut_fenced(c.text, CONTENT)
  elseif c.title or c.fields or c.color then
    body.embeds = { embed_of(c) }
    body.content = ""
  else
    local link = c.link and "\n" .. c.link.url or ""
    body.content = content.cut_fenced(c.text, CONTENT - #link) .. link
  end
  return body
end

--- The limit of the route, which the headers tell beforehand.
local function note_limit(self, response)
  local after = tonumber(response.headers["x-ratelimit-reset-after"])
  if after and response.headers["x-ratelimit-remaining"] == "0" then
    self.limit.not_before = clock.now() + math.min(after, 60)
  end
end

local hints = {
  [10015] = "the webhook was deleted", [50027] = "the webhook's URL is not complete",
  [10008] = "the message was deleted",
}

local function judge(response, self)
  note_limit(self, response)
  if response.status < 300 then return nil end
  local ok, body = pcall(json.decode, response.body)
  if not ok or type(body) ~= "table" then return {} end
  local words = type(body.message) == "string" and body.message or nil
  if words and type(body.errors) == "table" then
    words = ("%s: %s"):format(words, json.encode(body.errors, { sorted = true }))
  end
  local code = math.type(body.code) == "integer" and body.code ~= 0 and body.code or nil
  return { words = words, reason = code and tostring(code), hint = hints[code],
    kind = (code == 10015 or code == 50027) and "auth" or nil,
    retry_after = response.status == 429 and tonumber(body.retry_after) or nil }
end

local function request(self, what, method, path, query, opts, again)
  query.thread_id = self.thread
  opts.query = query
  return call.request(self, what, method, self.webhook .. path, opts,
    { judge = judge, again = again })
end

local function handle_of(self, what, response)
  local answer = call.json(self, what, response)
  return { service = "discord", id = answer.id, channel = answer.channel_id }
end

local adapter = { service = "discord", known = { thread = true, mentions = true } }

function adapter.post(self, c)
  local what = "post to " .. self.name
  return handle_of(self, what, request(self, what, "POST", "", { wait = "true" },
    { json = body_of(self, c) }))
end

function adapter.update(self, handle, c)
  request(self, "update the message in " .. self.name, "PATCH",
    "/messages/" .. urls.encode(tostring(handle.id)), {}, { json = body_of(self, c) }, true)
end

function adapter.upload(self, o)
  local what = ("send '%s' to %s"):format(o.name, self.name)
  local body = body_of(self, { text = o.comment or o.title or "" })
  body.attachments = { { id = 0, filename = o.name, description = o.title } }
  return handle_of(self, what, request(self, what, "POST", "", { wait = "true" }, {
    multipart = {
      { name = "payload_json", value = json.encode(body), type = "application/json" },
      { name = "files[0]", path = o.path, filename = o.name },
    },
    timeout = false, stall = "60s",
  }))
end

---@class orch.notify.DiscordOptions: orch.notify.ChannelOptions
---@field webhook string its URL
---@field thread string? ID of a thread of the channel
---@field mentions ("everyone"|"users"|"roles")[]? whom a text may mention; nobody by default

---@param opts orch.notify.DiscordOptions
---@return orch.notify.Channel
function discord.new(opts)
  local fname = "notify.discord"
  local o = channels.options(fname, opts, { webhook = "string", thread = "string",
    mentions = "table" })
  if not o.webhook then require("orch.arg").fail("%s needs `webhook`, its URL", fname) end
  o.webhook = channels.secret_url(fname, o.webhook):gsub("[?#].*$", ""):gsub("/+$", "")
  return channels.new(adapter, o, "discord")
end

return discord
