--- A server of one's own: JSON by POST, signed so that it can tell who sent it.
---
---     local hook = notify.webhook { url = "https://host/hooks/build", secret = keys.HOOK_SECRET }
---     hook:post { title = "Build", text = "done" }
---
--- Body: `version` 1, `event` (post, update, reply), `id` of the message, `time` (seconds since
--- 1970), what was posted (`title text color fields markdown status link`), and `in_reply_to`.
--- A receiver changes the message `id` on an update, and drops a delivery that it has had.
---
--- Headers: X-Orch-Delivery (its ID), X-Orch-Timestamp (seconds since 1970), X-Orch-Signature:
--- "v1=" and HMAC-SHA256 in hexadecimal, key `secret`, of "v1:TIMESTAMP:BODY". A receiver
--- computes the same of the bytes that came, compares in constant time, and refuses what is
--- older than five minutes; `notify.verify` is that.

local arg = require "orch.arg"
local call = require "orch.notify.call"
local channels = require "orch.notify.channel"
local errors = require "orch.core.error"
local hex = require "orch.hex"

local webhook = {}

local TOLERANCE = 300

local function random_id()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return hex(file:read(16))
end

local function sign(secret, timestamp, body)
  return "v1=" .. require("orch.hash").hmac("sha256", secret, ("v1:%s:%s"):format(timestamp, body))
end

local function body_of(event, id, c, reply_to)
  local fields
  for i, field in ipairs(c.fields or {}) do
    fields = fields or {}
    fields[i] = { name = field[1], value = field[2] }
  end
  return require("orch.json").encode({
    version = 1, event = event, id = id, time = os.time(), title = c.title, text = c.text,
    color = c.color, fields = fields, link = c.link and c.link.url, link_text = c.link
      and c.link.text, markdown = c.markdown, status = c.status, blocks = c.blocks,
    in_reply_to = reply_to,
  }, { sorted = true })
end

local function send(self, event, id, c, reply_to)
  local body, delivery, timestamp = body_of(event, id, c, reply_to), random_id(), os.time()
  local headers = { ["Content-Type"] = "application/json", ["X-Orch-Delivery"] = delivery,
    ["X-Orch-Timestamp"] = tostring(timestamp) }
  for name, value in next, self.headers or {} do headers[name] = value end
  if self.secret then headers["X-Orch-Signature"] = sign(self.secret, timestamp, body) end
  call.request(self, ("%s to %s"):format(event, self.name), "POST", self.url,
    { body = body, headers = headers }, { again = true }) -- the receiver knows a repetition
  return { service = "webhook", id = id }
end

local adapter = { service = "webhook", known = { headers = true, secret = true } }

function adapter.post(self, c)
  return send(self, "post", random_id(), c)
end

function adapter.update(self, handle, c)
  send(self, "update", handle.id, c)
end

function adapter.reply(self, c, handle)
  return send(self, "reply", random_id(), c, handle.id)
end

---@class orch.notify.WebhookOptions: orch.notify.ChannelOptions
---@field url string
---@field secret string? the key of the signature; without one nothing is signed
---@field headers table<string, string>? further ones

---@param opts orch.notify.WebhookOptions
---@return orch.notify.Channel
function webhook.new(opts)
  local fname = "notify.webhook"
  local o = channels.options(fname, opts, { url = "string", secret = "string", headers = "table" })
  if not o.url then arg.fail("%s needs `url`", fname) end
  if o.secret == "" then arg.fail("%s: option `secret` is empty", fname) end
  if o.secret then require("orch.secrets").cover(o.secret) end
  o.url = channels.secret_url(fname, o.url)
  local _, _, host = require("orch.http.url").split(o.url)
  return channels.new(adapter, o, "webhook " .. host)
end

local function refuse(reason, message)
  errors.throw(errors.make { kind = "auth", reason = reason, retryable = false,
    message = "notify.verify: " .. message })
end

--- In a time that does not say where they differ.
local function are_equal(a, b)
  if #a ~= #b then return false end
  local difference = 0
  for i = 1, #a do difference = difference | (a:byte(i) ~ b:byte(i)) end
  return difference == 0
end

---Whether a delivery is from somebody who knows the secret, and is fresh. The keeping of
---delivery IDs is the receiver's.
---@param request {headers: table, body: string} such as an orch.Request
---@param opts {secret: string|string[], tolerance: number|string|nil, now: number?} several
---  secrets while they are changed; `tolerance` 5 minutes; `now` in seconds since 1970
---@return table message the decoded body; raises kind `auth` with `reason` (missing, expired,
---  signature), and `json`
function webhook.verify(request, opts)
  arg.check("notify.verify", 1, request, "table")
  local o = arg.options("notify.verify", opts, { secret = "string|table", tolerance = "duration",
    now = "number" })
  local secrets = type(o.secret) == "string" and { o.secret } or o.secret
  if not secrets or #secrets == 0 then arg.fail "notify.verify needs `secret`" end
  local timestamp = request.headers["x-orch-timestamp"]
  local signature = request.headers["x-orch-signature"]
  if not timestamp or not signature then refuse("missing", "the request is not signed") end
  local sent = timestamp:find "^%d+$" and tonumber(timestamp)
  local age = sent and math.abs((o.now or os.time()) - sent)
  local known = false
  for _, secret in ipairs(secrets) do
    known = are_equal(sign(secret, timestamp, request.body), signature) or known
  end
  if not known then refuse("signature", "the signature is not that of this secret and this body") end
  if not age or age > (o.tolerance or TOLERANCE) then
    refuse("expired", "the request was signed too long ago, or one of the two clocks is off")
  end
  return require("orch.json").decode(request.body)
end

return webhook
