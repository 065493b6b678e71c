--- The stream of whichever provider answers: its first piece is there, so a failure before
--- it could still go to another one. Internal.
---
---     local relay = relays.open(provider, "Hello", {}, {})
---     for text in relay do io.write(text) end

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local ask = require "orch.ai.ask"

---@class orch.ai.Relay: orch.ai.Stream
local Relay = { __name = "orch.ai.Stream" }
Relay.__index = Relay

---Ends it; a second time does nothing.
function Relay:close()
  local source = self.source
  self.source = nil
  if source == nil then return end
  local mt = getmetatable(source)
  if mt and mt.__close then mt.__close(source) end
end

Relay.__close = Relay.close

local function take(self)
  local text = self.source()
  if text == nil then return nil end
  if type(text) ~= "string" then ask.nonsense(self.provider, text, "a piece of text") end
  self.texts[#self.texts + 1] = text
  return text
end

local function finish(self)
  local response = type(self.source) == "table" and self.source.response
  if type(response) ~= "table" then
    response = { text = table.concat(self.texts), model = self.provider.model, usage = {} }
  end
  response.elapsed = clock.now() - self.started
  if response.provider == nil then response.provider = ask.name(self.provider) end
  if self.failures then response.failures = self.failures end
  self.response = response
  self:close()
end

---The next piece of text.
---@async
---@return string? text nil at the end, when `response` is there
function Relay:read()
  local text = self.first
  self.first = nil
  if text == nil and self.source ~= nil then
    text = take(self)
    if text == nil then finish(self) end
  end
  return text
end

Relay.__call = Relay.read

---All that is left, in one text.
---@async
---@return string
function Relay:text()
  local texts = {}
  for text in self do texts[#texts + 1] = text end
  return table.concat(texts)
end

--- A provider that does not stream gives one piece.
local function source_of(provider, prompt, chat)
  if provider.stream then
    local source = provider:stream(prompt, chat)
    if not arg.is_callable(source) then ask.nonsense(provider, source, "a stream") end
    return source
  end
  local response = ask.check_response(provider, provider:chat(prompt, chat))
  local done = false
  return setmetatable({ response = response }, { __call = function()
    if done or response.text == "" then return nil end
    done = true
    return response.text
  end })
end

local relays = {}

---@param relay orch.ai.Relay
function relays.close(relay)
  relay:close()
end

---Starts a stream and waits for its first piece, under limits.
---@async
---@param provider table
---@param prompt string|table
---@param chat table options
---@param limits {timeout: number?} seconds until the first piece
---@return orch.ai.Relay
function relays.open(provider, prompt, chat, limits)
  local self = setmetatable({ provider = provider, texts = {}, started = clock.now() }, Relay)
  return ask.limited(limits, provider, function()
    -- Closed again when this is left before the first piece is there.
    local opening <close> = setmetatable({}, { __close = function()
      if not self.ready then self:close() end
    end })
    self.source = source_of(provider, prompt, chat)
    self.first = take(self)
    if self.first == nil then finish(self) end
    self.ready = true
    return self
  end)
end

return relays
