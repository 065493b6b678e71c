--- A webhook of Discord on loopback.
---
---     local store <close> = dofile("tests/stores/discord.lua").start {}
---     local chat = orch.notify.discord { webhook = store.webhook }
---     store.messages      -- { { id =, content =, embeds =, files =, edits = 0 }, ... }
---
--- Follows https://docs.discord.com/developers/resources/webhook, API version 10, as of November
--- 2026: POST ?wait=true, PATCH /messages/{id}, multipart with payload_json and files[n], errors
--- as { code, message, errors }, limits by X-RateLimit-* and 429 with retry_after. Checked: the
--- token, lengths, that a message has something in it, whom it mentions.
---
--- Options: limit (requests until the headers say that there are no more; none), reset (seconds
--- until there are again; 0.5), delay, port.

local service = dofile(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/chat_service.lua")
local json = orch.json

local discord = {}

local ID, TOKEN = "1234567890123456789", "fAkEtOkEn-0123456789abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOP"

local function invalid(path, code, words)
  local errors = { _errors = { { code = code, message = words } } }
  for name in path:gmatch "[^.]+" do errors = { [name] = errors } end
  return { status = 400, json = { code = 50035, message = "Invalid Form Body", errors = errors } }
end

local function length(text)
  return utf8.len(text or "")
end

local function check_embed(embed)
  local all = length(embed.title) + length(embed.description)
  if length(embed.title) > 256 then return invalid("title", "BASE_TYPE_MAX_LENGTH", "256 or fewer") end
  if length(embed.description) > 4096 then
    return invalid("description", "BASE_TYPE_MAX_LENGTH", "4096 or fewer")
  end
  if #(embed.fields or {}) > 25 then return invalid("fields", "BASE_TYPE_MAX_LENGTH", "25 or fewer") end
  for _, field in ipairs(embed.fields or {}) do
    all = all + length(field.name) + length(field.value)
    if (field.name or "") == "" or (field.value or "") == "" then
      return invalid("fields", "BASE_TYPE_REQUIRED", "This field is required")
    end
    if length(field.name) > 256 or length(field.value) > 1024 then
      return invalid("fields", "BASE_TYPE_MAX_LENGTH", "1024 or fewer in length")
    end
  end
  if all > 6000 then return invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "6000") end
end

local function check(body, files)
  if length(body.content) > 2000 then
    return invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
  end
  if (body.content or "") == "" and #(body.embeds or {}) == 0 and #files == 0 then
    return { status = 400, json = { code = 50006, message = "Cannot send an empty message" } }
  end
  for _, embed in ipairs(body.embeds or {}) do
    local wrong = check_embed(embed)
    if wrong then return wrong end
  end
end

local function read(request)
  local kind = request.headers["content-type"] or ""
  if not kind:find "^multipart/" then return request:json(), {} end
  local form, files = request:form(), {}
  local payload = form.payload_json
  local i = 0
  while form[("files[%d]"):format(i)] do
    files[#files + 1] = form[("files[%d]"):format(i)]
    i = i + 1
  end
  return json.decode(type(payload) == "table" and payload.body or payload), files
end

--- Who hears of it: nobody but those that allowed_mentions names.
local function mentions_of(body)
  local allowed = {}
  for _, what in ipairs((body.allowed_mentions or { parse = { "everyone", "users" } }).parse or {}) do
    allowed[what] = true
  end
  return allowed.everyone and (body.content or ""):find "@everyone" and { "everyone" } or {}
end

local function limited(store, answer)
  if not store.limit then return answer end
  local now = orch.time()
  if now >= store.window then store.left, store.window = store.limit, now + store.reset end
  if store.left == 0 then
    local after = store.window - now
    return { status = 429, headers = { ["Retry-After"] = math.ceil(after) },
      json = { message = "You are being rate limited.", retry_after = after, global = false } }
  end
  store.left = store.left - 1
  local result = answer()
  result.headers = { ["X-RateLimit-Remaining"] = store.left,
    ["X-RateLimit-Limit"] = store.limit,
    ["X-RateLimit-Reset-After"] = ("%.3f"):format(store.window - now) }
  return result
end

local function post(store, request)
  local body, files = read(request)
  local wrong = check(body, files)
  if wrong then return wrong end
  local message = { id = tostring(9000 + #store.messages), content = body.content,
    embeds = body.embeds or {}, files = files, edits = 0, mentions = mentions_of(body),
    thread = request.query.thread_id }
  table.insert(store.messages, message)
  if request.query.wait ~= "true" then return { status = 204 } end
  return { json = { id = message.id, channel_id = "77", content = message.content } }
end

local function patch(store, request)
  local id = request.path:match "/messages/(%d+)$"
  for _, message in ipairs(store.messages) do
    if message.id == id then
      local body = read(request)
      local wrong = check(body, message.files)
      if wrong then return wrong end
      message.content, message.embeds = body.content, body.embeds
      message.edits = message.edits + 1
      return { json = { id = id, channel_id = "77" } }
    end
  end
  return { status = 404, json = { code = 10008, message = "Unknown Message" } }
end

local function guarded(handler)
  return function(store, request)
    local id, token = request.path:match "^/api/webhooks/(%d+)/([^/]+)"
    if id ~= ID then return { status = 404, json = { code = 10015, message = "Unknown Webhook" } } end
    if token ~= TOKEN then
      return { status = 401, json = { code = 50027, message = "Invalid Webhook Token" } }
    end
    if not store.limit then return handler(store, request) end
    local result = limited(store, function() return handler(store, request) end)
    if result.status == 429 then store.refused = store.refused + 1 end
    return result
  end
end

---@param o {limit: integer?, reset: number?, delay: number?, port: integer?}?
---@return table store
function discord.start(o)
  o = o or {}
  local store = service.start({ limit = o.limit, reset = o.reset or 0.5, delay = o.delay,
    port = o.port, messages = {}, left = 0, window = 0, refused = 0 },
    function(request) return request.method end,
    { POST = guarded(post), PATCH = guarded(patch) })
  store.webhook = ("%s/api/webhooks/%s/%s"):format(store.url, ID, TOKEN)
  return store
end

return discord
