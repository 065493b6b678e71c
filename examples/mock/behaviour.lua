-- How a mocked provider behaves, whatever it speaks:
--
--   delay    seconds or "2s" before it answers
--   pace     between two words of a stream
--   text     what it says: a text, or a function of what was asked
--   call     { name, arguments }: the tool that it calls, when it is given that tool
--   fail     a status (429, 500, 503, 529, ...), or one of: "reset" (drops the connection),
--            "hang" (never answers), "break" (the answer, or the stream, ends early), "cut"
--            (the connection is lost in the middle), "overload" (an error; also in a stream),
--            "refuse" (the model will not), "garbage" (a page instead of an answer)
--   times    it fails only so often, and answers then
--   after    what Retry-After says to a failure
--   rate     requests per `per` (60 s): more are refused with 429
--   key      the only key that it takes; otherwise any but "wrong"

local behaviour = { settings = " delay pace text call fail times after rate per key " }
local failures = " reset hang break cut overload refuse garbage "

local function wrong(sentence, ...)
  orch.error { kind = "usage", message = "mock_providers: " .. sentence:format(...) }
end

-- Raises kind `usage` for what is no setting.
function behaviour.check(name, settings)
  for key in pairs(settings) do
    if not behaviour.settings:find(" " .. key .. " ", 1, true) then
      wrong("'%s' is no setting of %s; there are%s", key, name, behaviour.settings)
    end
  end
  local fail = settings.fail
  if fail and not math.type(fail) and not failures:find(" " .. fail .. " ", 1, true) then
    wrong("'%s' is no way to fail; there are statuses such as 503, and%s", fail, failures)
  end
end

local asked = setmetatable({}, { __mode = "k" }) -- settings -> when requests have come

function behaviour.check_all(settings, protocols)
  for name, its in pairs(settings) do
    if name ~= "port" and not protocols[name] then
      wrong("'%s' is no provider; there are openai, anthropic and gemini", name)
    end
    if name ~= "port" then behaviour.check(name, its) end
  end
end

-- For how long no further request is allowed; nil when one is.
local function over_limit(settings)
  local now, recent = orch.time(), asked[settings] or {}
  while recent[1] and recent[1] <= now - (settings.per or 60) do table.remove(recent, 1) end
  asked[settings] = recent
  if #recent >= settings.rate then return recent[1] + (settings.per or 60) - now end
  table.insert(recent, now)
end

local function failing(settings)
  local fail = settings.fail
  if not fail or settings.times == 0 then return nil end
  if settings.times then settings.times = settings.times - 1 end
  return fail
end

local function what_to_say(settings, ask)
  local text = settings.text or ("%s heard: %s"):format(ask.model, ask.prompt)
  if type(text) == "function" then text = text(ask) end
  if ask.json and not pcall(orch.json.decode, text) then
    text = orch.json.encode { answer = text }
  end
  local said = { text = text, input = #ask.prompt // 4 + 1, output = #text // 4 + 1 }
  local call = settings.call
  if call and ask.tools[call.name] and not ask.has_result then said.call, said.text = call, "" end
  return said
end

local function words(text)
  local list = {}
  for word in text:gmatch "%s*%S+" do list[#list + 1] = word end
  return list
end

local function stream(protocol, settings, ask, said, fail)
  return { events = function(send)
    local pieces = words(said.text)
    if fail == "break" or fail == "cut" or fail == "overload" then
      pieces = table.move(pieces, 1, math.max(1, #pieces // 2), 1, {})
    end
    protocol.begin(send, ask, said)
    for _, piece in ipairs(pieces) do
      protocol.piece(send, ask, piece)
      if settings.pace then orch.sleep(settings.pace) end
    end
    if fail == "cut" then orch.error { kind = "cut", message = "the connection is cut" } end
    if fail == "overload" then return protocol.overload(send) end
    if fail ~= "break" then protocol.finish(send, ask, said) end
  end }
end

-- An answer that is not the whole one.
local function broken(protocol, ask, said, fail)
  local text = orch.json.encode(protocol.answer(ask, said))
  local half = text:sub(1, #text // 2)
  local headers = { ["Content-Type"] = "application/json" }
  if fail == "break" then return { body = half, headers = headers } end
  return { headers = headers, stream = function(send)
    send(half)
    orch.error { kind = "cut", message = "the connection is cut" }
  end }
end

local function act(protocol, settings, ask)
  behaviour.check(protocol.name, settings)
  local fail = failing(settings)
  if settings.delay then orch.sleep(settings.delay) end
  if math.type(fail) then
    return protocol.failure(fail, nil, settings.after)
  elseif fail == "reset" then
    return { reset = true }
  elseif fail == "hang" then
    orch.sleep "1h"
  elseif fail == "garbage" then
    return { body = "<html><body>Bad gateway</body></html>",
      headers = { ["Content-Type"] = "text/html" } }
  end
  local said = what_to_say(settings, ask)
  if fail == "refuse" then said.refused, said.text = true, "" end
  if ask.stream then return stream(protocol, settings, ask, said, fail) end
  if fail == "overload" then return protocol.failure(protocol.name == "anthropic" and 529 or 503) end
  if fail == "break" or fail == "cut" then return broken(protocol, ask, said, fail) end
  return { json = protocol.answer(ask, said), headers = protocol.headers }
end

function behaviour.answer(protocol, settings, requests, path, request)
  local key = protocol.key(request)
  local entry = { provider = protocol.name, path = path, headers = request.headers, at = orch.time() }
  table.insert(requests, entry)
  if not key or key == "wrong" or key ~= (settings.key or key) then
    return protocol.failure(401, key and "invalid" or "missing")
  end
  local ok, body = pcall(request.json, request)
  if not ok then return protocol.failure(400, "the body is no JSON") end
  entry.body = body
  local asked, ask = pcall(protocol.read, request, path, body)
  if not asked then return protocol.failure(ask.status or 400, tostring(ask)) end
  local wait = settings.rate and over_limit(settings)
  if wait then return protocol.failure(429, nil, math.ceil(wait)) end
  return act(protocol, settings, ask)
end

return behaviour
