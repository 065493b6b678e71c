--- Microsoft Teams: a webhook of the Workflows app, which shows an Adaptive Card.
---
---     local chat = notify.teams { webhook = keys.TEAMS_WEBHOOK_URL }
---
--- Made in Teams: the channel's menu, Workflows, "Send webhook alerts to a channel". The URL is
--- on logic.azure.com or environment.api.powerplatform.com. The Office 365 connectors before
--- (webhook.office.com) were retired in May 2026. A workflow takes a card (version 1.4) and
--- answers 202: it gives no message back, so nothing can be changed afterwards, and it may fail
--- later without a word to us.

local arg = require "orch.arg"
local call = require "orch.notify.call"
local channels = require "orch.notify.channel"
local content = require "orch.notify.content"
local json = require "orch.json"
local urls = require "orch.http.url"

local teams = {}

local TEXT, FIELD, FIELDS = 15000, 1000, 40
local SMALLEST = 16 -- a text is cut to this part of the above at most
local LARGEST = 28 << 10 -- bytes of a message, which Teams refuses beyond
local colors = { good = "Good", warning = "Warning", danger = "Attention" }

local function block(text, more)
  local element = { type = "TextBlock", text = text, wrap = true }
  for key, value in next, more or {} do element[key] = value end
  return element
end

--- A line end is one only when it is doubled; what looks like code is set as code.
local function text_blocks(list, text)
  for i, part in ipairs(require "orch.notify.fences"(text)) do
    if part ~= "" then
      list[#list + 1] = i % 2 == 0 and block(part:gsub("\n", "\n\n"), { fontType = "Monospace" })
        or block((part:gsub("\n", "\n\n")))
    end
  end
end

--- `share`: the longest texts are cut to such a part of what they may have.
local function elements(c, share)
  local list = {}
  if c.title then
    list[1] = block(c.title, { size = "Large", weight = "Bolder", color = colors[c.color] })
  end
  if c.text then text_blocks(list, content.cut_fenced(c.text, TEXT // share)) end
  if c.fields then
    local facts = {}
    for i = 1, math.min(#c.fields, FIELDS) do
      facts[i] = { title = c.fields[i][1], value = content.cut(c.fields[i][2], FIELD // share) }
    end
    list[#list + 1] = { type = "FactSet", facts = facts }
  end
  return list
end

local function card_of(c, share)
  local actions = c.link and { { type = "Action.OpenUrl", title = c.link.text or "Open",
    url = c.link.url } } or nil
  return {
    type = "message",
    attachments = { {
      contentType = "application/vnd.microsoft.card.adaptive", contentUrl = json.null,
      content = {
        ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json",
        type = "AdaptiveCard", version = "1.4", msteams = { width = "Full" },
        body = c.blocks or elements(c, share), actions = actions,
      },
    } },
  }
end

local function judge(response)
  if response.status < 300 then return nil end
  local ok, body = pcall(json.decode, response.body)
  local said = ok and type(body) == "table" and type(body.error) == "table" and body.error or {}
  local gone = response.status == 404 or said.code == "WorkflowTriggerIsNotEnabled"
  return { words = said.message, reason = said.code,
    hint = gone and "does the workflow still exist, and is it on?" or nil }
end

local adapter = { service = "teams", instead = "a workflow gives no message back" }

function adapter.post(self, c)
  local text, share = json.encode(card_of(c, 1)), 1
  while #text > LARGEST and share < SMALLEST and not c.blocks do
    share = share * 2
    text = json.encode(card_of(c, share))
  end
  if #text > LARGEST then
    arg.fail("notify.teams: the card has %d bytes, and Teams takes %d; shorten `blocks` or "
      .. "`fields`", #text, LARGEST)
  end
  call.request(self, "post to " .. self.name, "POST", self.webhook,
    { body = text, headers = { ["Content-Type"] = "application/json" } }, { judge = judge })
  return { service = "teams" }
end

---@class orch.notify.TeamsOptions: orch.notify.ChannelOptions
---@field webhook string the URL of a workflow

---@param opts orch.notify.TeamsOptions
---@return orch.notify.Channel
function teams.new(opts)
  local fname = "notify.teams"
  local o = channels.options(fname, opts, { webhook = "string" })
  if not o.webhook then arg.fail("%s needs `webhook`, the URL of a workflow", fname) end
  local _, _, host = urls.split(o.webhook)
  if host:find "webhook%.office%.com" or host:find "^outlook%.office" then
    arg.fail("%s: this is the URL of an Office 365 connector, which Microsoft retired in May "
      .. "2026; make one in Teams: the channel's menu, Workflows, \"Send webhook alerts to a "
      .. "channel\"", fname)
  end
  o.webhook = channels.secret_url(fname, o.webhook)
  return channels.new(adapter, o, "teams")
end

return teams
