--- A provider: somebody who answers, whatever protocol is spoken.
---
---     local claude = orch.ai.anthropic { model = "claude-opus-5-5", timeout = "1m" }
---     print(claude:chat("Hello").text)

local arg = require "orch.arg"
local call = require "orch.ai.call"
local method = require "orch.ai.method"
local models = require "orch.ai.model"

---@class orch.ai.ChatOptions
---@field model string?
---@field max_tokens integer? how long the answer may be, thoughts included
---@field temperature number? sent only when given: many new models refuse it
---@field top_p number?
---@field stop string|string[]|nil texts that end the answer
---@field system string? instructions that come before everything else
---@field json boolean|table|nil true: the answer is JSON; a JSON schema: of that shape
---@field tools orch.ai.Tool[]?
---@field tool_choice string? "auto", "none", "required" or the name of a tool
---@field effort string? how hard to think, in the provider's words: "low", "medium", "high"
---@field timeout number|string? for one attempt, "10m" by default
---@field retry boolean|table|nil as for `orch.retry`; repeats what will pass: kinds
---  `network`, `timeout`, `http`, and `status` 408, 429 and 5xx, honouring `retry_after`
---@field headers table<string, string>?
---@field extra table? further fields of the request, as the provider names them

---@class orch.ai.ProviderOptions: orch.ai.ChatOptions
---@field key string|false|nil by default from the environment or a secret; false: none
---@field base_url string? includes the version: "http://localhost:11434/v1"
---@field name string? "openai", "anthropic" or "gemini" by default
---@field http table? options of `orch.http` for every request: proxy, ca, connect_timeout, ...

---@class orch.ai.Provider
---@field name string
---@field model string that is asked when a call names none
---@field base_url string
---@field protocol "openai"|"anthropic"|"gemini"
local Provider = { __name = "orch.ai.Provider" }

--- provider -> key and options: what prints a provider does not print its key.
local private = setmetatable({}, { __mode = "k" })

local TIMEOUT = 600 -- seconds; a model that thinks may take minutes

local own = { key = "string|boolean", base_url = "string", name = "string", http = "table" }
local options = {}
for name, types in pairs(call.options) do options[name] = types end
for name, types in pairs(own) do options[name] = types end

--- Whether a recording answers, or a test: then no key is needed.
local function is_replayed()
  local wire = package.loaded["orch.http.wire"]
  return wire and wire.transport ~= wire.real
end

local function find_key(fname, adapter, opts)
  if opts.key == false then return false end
  if type(opts.key) == "string" then return opts.key, "option" end
  local secrets = require "orch.secrets"
  for _, name in ipairs(adapter.env) do
    local value = secrets.find(name)
    if value then return value, name end
  end
  if opts.base_url or is_replayed() then return nil end
  arg.fail("%s: there is no key; set %s in the environment or in a .env file, or give `key`",
    fname, adapter.env[1])
end

--- "ollama", "EMPTY" and the like stand where a server wants any key: were they masked, so
--- would be the words.
local function cover(key)
  if #key < 10 and key:find "^%a+$" then return end
  require("orch.secrets").cover(key)
end

local function check_key(fname, key, source)
  if not key then return end
  if key == "" or key:find "[%c%s]" then
    arg.fail("%s: the key%s %s", fname, source ~= "option" and " of " .. source or "",
      key == "" and "is empty" or "holds a space or a line break; was it copied whole?")
  end
  cover(key)
end

local carries_key = { authorization = true, ["api-key"] = true, ["x-api-key"] = true,
  ["x-goog-api-key"] = true }

--- A key in the wrong place is a key nevertheless: the report about it, which shows the
--- line of the script, must not show the key.
local function cover_all(fname, opts)
  if type(opts) == "string" then
    cover(opts)
    arg.fail("%s: the options should be a table, such as { key = ... }, not a string", fname)
  elseif type(opts) ~= "table" then
    return
  end
  for name, value in next, opts do
    name = type(name) == "string" and name:lower() or name
    if type(value) == "string" and (name == 1 or tostring(name):find "key"
      or tostring(name):find "token") then cover(value) end
  end
  for name, value in next, type(opts.headers) == "table" and opts.headers or {} do
    if type(value) == "string" and carries_key[tostring(name):lower()] then
      cover(value:match "(%S*)%s*$")
    end
  end
end

local function check_url(fname, url)
  if not url:find "^https?://[^/]" or url:find "[%s?#]" then
    arg.fail("%s: base_url should be an address with the version, such as "
      .. "http://localhost:11434/v1, not %s", fname, arg.describe(url))
  end
  return (url:gsub("/+$", ""))
end

local function over(defaults, opts)
  local merged = {}
  for name in pairs(call.options) do
    merged[name] = opts[name]
    if merged[name] == nil then merged[name] = defaults[name] end
  end
  merged.model = opts.model -- the provider's own is its field `model`
  return merged
end

---Asks, and waits for the whole answer.
---@async
---@param prompt string|orch.ai.Message|orch.ai.Message[]|orch.ai.Part[]
---@param opts orch.ai.ChatOptions?
---@return orch.ai.Response
---Raises kind `status` when the provider refuses (`reason`, `type`, `retry_after`), `refused`
---when the model does, `http` when the answer is cut short or none, `json` when JSON was
---asked for and did not come, `network`, `tls`, `timeout`; all with `provider` and `model`.
function Provider:chat(prompt, opts)
  opts = arg.options("provider:chat", opts, call.options)
  local own = private[self]
  local c = call.new(self, own, "provider:chat", prompt, over(own.defaults, opts), false)
  return call.attempt(c, call.send)
end

---Asks, and gives the answer piece by piece. Returns when it begins; until then `retry`
---holds, afterwards nothing is repeated.
---@async
---@param prompt string|orch.ai.Message|orch.ai.Message[]|orch.ai.Part[]
---@param opts orch.ai.ChatOptions? `timeout` is for the whole answer
---@return orch.ai.Stream stream for `for text in provider:stream(...) do`; raises as `chat`
function Provider:stream(prompt, opts)
  opts = arg.options("provider:stream", opts, call.options)
  local own = private[self]
  local c = call.new(self, own, "provider:stream", prompt, over(own.defaults, opts), true)
  local stream = require "orch.ai.stream"(c)
  return stream, nil, nil, stream -- the fourth is closed when a `for` is left
end

function Provider:__tostring()
  return ("%s (%s)"):format(self.name, self.model)
end

method.guard(Provider, "a provider")

---For the library: a provider that speaks the protocol of `adapter`.
---@param adapter table
---@param opts orch.ai.ProviderOptions?
---@return orch.ai.Provider raises kind `usage` when there is no key
return function(adapter, opts)
  local fname = "ai." .. adapter.protocol
  cover_all(fname, opts)
  opts = arg.options(fname, opts, options)
  local key, source = find_key(fname, adapter, opts)
  check_key(fname, key, source)
  opts.timeout = opts.timeout or TIMEOUT
  local self = setmetatable({
    name = opts.name or adapter.protocol, protocol = adapter.protocol,
    model = opts.model or models[adapter.protocol],
    base_url = opts.base_url and check_url(fname, opts.base_url) or adapter.base_url,
  }, Provider)
  private[self] = { adapter = adapter, key = key, key_source = source, defaults = opts,
    headers = opts.headers, http = opts.http, model_is_default = not opts.model }
  opts.headers = nil
  return self
end
