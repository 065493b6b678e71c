--- Slack's Web API and its incoming webhooks, as far as orch.notify needs them, on loopback.
---
---     local store <close> = dofile("tests/stores/slack.lua").start { channels = { C1 = "builds" } }
---     local chat = orch.notify.slack { token = store.token, channel = "C1",
---       base_url = store.url .. "/api" }
---     store.messages      -- { { channel =, ts =, text =, blocks =, edits = 0 }, ... }
---     store.webhook       -- the URL of a webhook of the first channel
---
--- Follows https://docs.slack.dev/reference/methods as of November 2026: chat.postMessage,
--- chat.update, files.getUploadURLExternal (form only), POST of the bytes to the upload URL,
--- files.completeUploadExternal; a failure is { ok = false, error = "..." } with status 200, a
--- limit 429 with Retry-After. Checked: the token, types, 40,000 characters, 50 blocks and what
--- stands in sections, the length of a file against what was announced.
---
--- Options: channels (ID -> name; the bot is in them), others (it is not), delay, port.

local service = dofile(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/chat_service.lua")
local json = orch.json

local slack = {}

local function failure(word, more)
  local body = { ok = false, error = word }
  for key, value in pairs(more or {}) do body[key] = value end
  return { json = body }
end

local function is_authorized(store, request)
  local token = (request.headers.authorization or ""):match "^Bearer (.+)$"
  return token == store.token
end

local function channel_of(store, name)
  for id, known in pairs(store.channels) do
    if name == id or name == "#" .. known or name == known then return id end
  end
  for id, known in pairs(store.others) do
    if name == id or name == "#" .. known then return nil, "not_in_channel" end
  end
  return nil, "channel_not_found"
end

local limits = { section = 3000, header = 150 }

local function check_blocks(blocks)
  if #blocks > 50 then return "invalid_blocks" end
  for _, block in ipairs(blocks) do
    if type(block.type) ~= "string" then return "invalid_blocks" end
    local text = type(block.text) == "table" and block.text.text
    if text and (text == "" or utf8.len(text) > (limits[block.type] or 3000)) then
      return "invalid_blocks"
    end
    if block.fields and #block.fields > 10 then return "invalid_blocks" end
    for _, field in ipairs(block.fields or {}) do
      if utf8.len(field.text) > 2000 then return "invalid_blocks" end
    end
  end
end

--- What is wrong with a message, in Slack's word.
local function problem_of(body)
  local attachments, blocks = body.attachments or {}, body.blocks or {}
  if (body.text or "") == "" and #attachments == 0 and #blocks == 0 then return "no_text" end
  if utf8.len(body.text or "") > 40000 then return "msg_too_long" end
  local wrong = check_blocks(blocks)
  for _, attachment in ipairs(attachments) do
    wrong = wrong or check_blocks(attachment.blocks or {})
  end
  return wrong
end

local function add_message(store, channel, body)
  store.last = store.last + 1
  local message = { channel = channel, ts = ("1790000000.%06d"):format(store.last),
    text = body.text, blocks = body.blocks, attachments = body.attachments,
    thread_ts = body.thread_ts, edits = 0 }
  table.insert(store.messages, message)
  return message
end

local handlers = {}

handlers["chat.postMessage"] = function(store, request)
  local body = request:json()
  local channel, word = channel_of(store, body.channel)
  word = word or problem_of(body)
  if word then return failure(word) end
  local message = add_message(store, channel, body)
  return { json = { ok = true, channel = channel, ts = message.ts, message = { text = body.text } } }
end

handlers["chat.update"] = function(store, request)
  local body = request:json()
  local word = not store.channels[body.channel] and "channel_not_found" or problem_of(body)
  if word then return failure(word) end
  for _, message in ipairs(store.messages) do
    if message.ts == body.ts and message.channel == body.channel then
      -- What is not said stays as it was.
      message.text = body.text
      message.blocks = body.blocks or message.blocks
      message.attachments = body.attachments or message.attachments
      message.edits = message.edits + 1
      return { json = { ok = true, channel = body.channel, ts = body.ts, text = body.text } }
    end
  end
  return failure "message_not_found"
end

handlers["files.getUploadURLExternal"] = function(store, request)
  if not (request.headers["content-type"] or ""):find "^application/x%-www%-form" then
    return failure "invalid_arguments"
  end
  local form = request:form()
  local length = math.tointeger(tonumber(form.length))
  if not length or length < 1 or not form.filename then return failure "invalid_arguments" end
  local id = "F" .. (#store.tickets + 1)
  store.tickets[#store.tickets + 1] = { id = id, length = length, name = form.filename }
  store.tickets[id] = store.tickets[#store.tickets]
  return { json = { ok = true, file_id = id, upload_url = store.url .. "/upload/v1/" .. id } }
end

handlers.upload = function(store, request)
  local ticket = store.tickets[request.path:match "[^/]+$"]
  if request.headers.authorization then return { status = 400, body = "token sent elsewhere" } end
  if not ticket then return { status = 404 } end
  if #request.body ~= ticket.length then return { status = 400, body = "length" } end
  ticket.bytes = request.body
  return { body = ("OK - %d"):format(#request.body) }
end

handlers["files.completeUploadExternal"] = function(store, request)
  local body = request:json()
  local ticket = type(body.files) == "table" and body.files[1] and store.tickets[body.files[1].id]
  if not ticket or not ticket.bytes then return failure "file_not_found" end
  if not store.channels[body.channel_id or ""] then return failure "channel_not_found" end
  local file = { id = ticket.id, name = ticket.name, title = body.files[1].title,
    bytes = ticket.bytes, channel = body.channel_id, comment = body.initial_comment,
    thread_ts = body.thread_ts }
  table.insert(store.files, file)
  return { json = { ok = true, files = { { id = ticket.id, title = file.title,
    permalink = "https://studio.slack.com/files/U1/" .. ticket.id } } } }
end

local SECRET = "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"

--- Answers in plain text.
handlers.webhook = function(store, request)
  if request.path ~= "/services/" .. SECRET then
    return { status = request.path:find "/B00000000/" and 403 or 404,
      body = request.path:find "/B00000000/" and "invalid_token" or "no_service" }
  end
  local ok, body = pcall(json.decode, request.body)
  if not ok then return { status = 400, body = "invalid_payload" } end
  local word = problem_of(body)
  if word then return { status = 400, body = word } end
  add_message(store, store.first, body)
  return { body = "ok" }
end

local function route_of(request)
  if request.path:find "^/services/" then return "webhook" end
  if request.path:find "^/upload/" then return "upload" end
  return request.path:match "^/api/([%a.]+)$"
end

---@param o {channels: table<string, string>?, others: table<string, string>?, delay: number?, port: integer?}?
---@return table store
function slack.start(o)
  o = o or {}
  local guarded = {}
  for name, handler in pairs(handlers) do
    guarded[name] = function(store, request)
      if name:find "%." and not is_authorized(store, request) then
        return failure(request.headers.authorization and "invalid_auth" or "not_authed")
      end
      return handler(store, request)
    end
  end
  local store = service.start({ channels = o.channels or { C024BE91L = "builds" },
    others = o.others or {}, delay = o.delay, port = o.port, token = "xoxb-17653672481-bot-token",
    messages = {}, files = {}, tickets = {}, last = 0 }, route_of, guarded)
  store.first = next(store.channels)
  store.webhook = store.url .. "/services/" .. SECRET
  return store
end

return slack
