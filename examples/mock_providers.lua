-- Answers as OpenAI, Anthropic and Gemini do, without a key, a bill or a network: for
-- trying things out, and for tests.
--
--   orch run examples/mock_providers.lua [port=8080] [openai.delay=2s] [gemini.fail=503] ...
--
-- Spoken are OpenAI's chat completions (/v1), Anthropic's messages (/v1, anthropic-version
-- 2023-06-01) and Gemini's generateContent (/v1beta), as documented in November 2026. A
-- request that the real one would refuse is refused here: wrong key, field, type, model.
-- The settings, which may change while it runs, are in mock/behaviour.lua.
local behaviour = require "mock.behaviour"

local protocols = { openai = require "mock.openai", anthropic = require "mock.anthropic",
  gemini = require "mock.gemini" }

local mock = {}

-- `local server <close> = mock.serve { openai = { delay = 0.1 }, gemini = { fail = 503 } }`
-- and then `orch.ai.openai { base_url = server.openai, key = "any" }`.
function mock.serve(settings)
  local self = { settings = {}, requests = {} } -- what was asked, in the order of arrival
  behaviour.check_all(settings or {}, protocols)
  for name in pairs(protocols) do self.settings[name] = settings and settings[name] or {} end
  local server = orch.http.serve({ port = settings and settings.port or 0, grace = "100ms",
    on_error = function(err) -- a connection that is cut is meant
      if err.kind ~= "cut" then orch.log.error(tostring(err)) end
    end }, function(request)
    local name, path = request.path:match "^/(%a+)(/.*)$"
    if not protocols[name] then
      return { status = 404, body = "here are /openai/v1, /anthropic/v1, /gemini/v1beta\n" }
    end
    return behaviour.answer(protocols[name], self.settings[name], self.requests, path, request)
  end)
  self.server, self.url = server, server.url
  self.openai, self.anthropic = server.url .. "/openai/v1", server.url .. "/anthropic/v1"
  self.gemini = server.url .. "/gemini/v1beta"
  return setmetatable(self, { __close = function() server:close() end })
end

if ... == "mock_providers" then return mock end

local settings = { openai = {}, anthropic = {}, gemini = {} }
for _, word in ipairs(orch.args) do
  local name, key, value = word:match "^(%a+)%.?(%a*)=(.+)$"
  if name == "port" and math.tointeger(tonumber(value)) then
    settings.port = math.tointeger(tonumber(value))
  elseif settings[name] and behaviour.settings:find(" " .. key .. " ", 1, true) then
    settings[name][key] = tonumber(value) or value
  else
    io.stderr:write(("mock_providers: '%s' is no setting; write port=8080 or openai.delay=2s; "
      .. "there are%s\n"):format(word, behaviour.settings))
    os.exit(2)
  end
end
local server <close> = mock.serve(settings)
for _, name in ipairs { "openai", "anthropic", "gemini" } do
  print(('orch.ai.%s { base_url = "%s", key = "any" }'):format(name, server[name]))
end
io.stdout:flush()
server.server:wait()
