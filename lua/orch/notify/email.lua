--- E-mail by SMTP: text and HTML, attachments, threads.
---
---     local mail = notify.email { server = "smtp://mail.example.com:587", user = "build",
---       password = keys.MAIL_PASSWORD, from = "Build <build@example.com>",
---       to = { "team@example.com" } }
---     mail:post { title = "Nightly build", text = "done", files = { "build.log" } }
---
--- `smtp://` (port 587 unless it is said) is encrypted by STARTTLS before anything is said, or
--- not used at all, except to this very machine; `smtps://` (465) from the first byte. A mail
--- cannot be changed: an answer goes into its thread (In-Reply-To, References). `refused` of a
--- message lists whom the server would not take, { recipient =, reply = }, where others got it.

local address = require "orch.notify.email_address"
local arg = require "orch.arg"
local channels = require "orch.notify.channel"
local content = require "orch.notify.content"
local delivery = require "orch.notify.email_delivery"
local message = require "orch.notify.email_message"
local urls = require "orch.http.url"

local email = {}

local LARGEST = 25 << 20 -- bytes of attachments: more than most servers take
local MOST_SUBJECT = 200

local types = { log = "text/plain; charset=utf-8", txt = "text/plain; charset=utf-8",
  html = "text/html; charset=utf-8", json = "application/json", csv = "text/csv",
  pdf = "application/pdf", png = "image/png", jpg = "image/jpeg", zip = "application/zip" }

local function read_files(paths)
  local fs, files, size = require "orch.fs", {}, 0
  for i, path in ipairs(paths or {}) do
    arg.check("chat:post: files", i, path, "path")
    size = size + fs.size(path)
    if size > LARGEST then
      arg.fail("notify.email: the attachments have more than 25 MB; post a link instead")
    end
    local bytes = fs.read(path)
    local name = path:match "[^/]*$"
    address.check_line("notify.email", "the name of an attachment", name)
    files[i] = { name = name, content = bytes,
      type = types[(name:match "%.(%w+)$" or ""):lower()] or "application/octet-stream" }
  end
  return files
end

local function subject_of(c)
  local line = c.subject or c.title or content.line(c)
  address.check_line("notify.email", "the subject", line)
  return content.cut(line, MOST_SUBJECT)
end

local function send(self, c, subject, references)
  local id = message.new_id(self.from.mail:match "@(.*)$")
  local bytes = message.write {
    from = self.from, to = self.to, cc = self.cc, reply_to = self.reply_to, subject = subject,
    id = id, references = references, text = content.plain(c), files = read_files(c.files),
    html = c.html or require "orch.notify.email_html"(c),
  }
  local refused = delivery.send(self, bytes)
  return { service = "email", id = id, subject = subject, references = references,
    refused = refused }
end

local adapter = { service = "email", instead = "answer it: message:reply { ... }",
  content = { html = "string", subject = "string", files = "table" },
  known = { user = true, password = true, starttls = true } }

function adapter.post(self, c)
  return send(self, c, subject_of(c))
end

function adapter.reply(self, c, handle)
  local references = table.move(handle.references or {}, 1, #(handle.references or {}), 1, {})
  references[#references + 1] = handle.id
  for _, id in ipairs(references) do
    if not tostring(id):find "^<[%w.-]+@[%w.-]+>$" then
      arg.fail("message:reply: the message's id is not one that notify.email gave")
    end
  end
  local subject = address.check_line("message:reply", "the subject", tostring(handle.subject))
  if not subject:find "^Re: " then subject = "Re: " .. subject end
  return send(self, c, subject, references)
end

function adapter.upload(self, o)
  local c = { title = o.title or o.name, text = o.comment or o.name, files = { o.path } }
  return send(self, c, subject_of(c))
end

--- smtp://host[:port], without a path: libcurl would take that for our name.
local function read_server(fname, o)
  local scheme, user, host, rest = urls.split(o.server or "")
  if scheme ~= "smtp" and scheme ~= "smtps" or not rest:find "^/?$" or host == "" then
    arg.fail('%s: option `server` should be such as "smtp://mail.example.com:587" or '
      .. '"smtps://mail.example.com", not %s', fname,
      o.server and arg.describe(urls.shown(o.server)) or "nil")
  end
  if user ~= "" then
    arg.fail("%s: `user` and `password` are options; a URL is seen in too many places", fname)
  end
  if host:find "[^%w.:%[%]-]" then
    arg.fail("%s: the server's name %q cannot be one", fname, host)
  end
  local name, port = host:match "^(.-):(%d+)$"
  if not name or host:find "%]$" then name, port = host, scheme == "smtps" and "465" or "587" end
  local here = name == "localhost" or name:find "^127%." or name == "[::1]"
  if o.starttls == nil then o.starttls = scheme == "smtp" and not here end
  return ("%s://%s:%s/"):format(scheme, name, port)
end

---@class orch.notify.EmailOptions: orch.notify.ChannelOptions
---@field server string "smtp://host:587" or "smtps://host"
---@field user string?
---@field password string?
---@field from string "Build <build@example.com>"
---@field to string|string[]
---@field cc string|string[]|nil
---@field bcc string|string[]|nil who else gets it, without being named
---@field reply_to string|string[]|nil
---@field starttls boolean? smtp:// default true, except to this machine

---@param opts orch.notify.EmailOptions
---@return orch.notify.Channel
function email.new(opts)
  local fname = "notify.email"
  local o = channels.options(fname, opts, { server = "string", user = "string",
    password = "string", from = "string", to = "string|table", cc = "string|table",
    bcc = "string|table", reply_to = "string|table", starttls = "boolean" })
  for _, name in ipairs { "server", "from", "to" } do
    if o[name] == nil then arg.fail("%s needs `%s`", fname, name) end
  end
  if (o.user == nil) ~= (o.password == nil) then
    arg.fail("%s: `user` and `password` belong together", fname)
  end
  if o.password then require("orch.secrets").cover(o.password) end
  o.server = read_server(fname, o)
  o.from = address.read(fname, "from", o.from)
  o.recipients = {}
  for _, name in ipairs { "to", "cc", "bcc" } do
    o[name] = address.list(fname, name, o[name])
    for _, one in ipairs(o[name]) do o.recipients[#o.recipients + 1] = one.mail end
  end
  if #o.to == 0 then arg.fail("%s: option `to` names nobody", fname) end
  o.reply_to = address.list(fname, "reply_to", o.reply_to)
  o.shown = o.to[1].mail .. (#o.recipients > 1 and (" and %d more"):format(#o.recipients - 1) or "")
  return channels.new(adapter, o, "email to " .. o.shown)
end

return email
