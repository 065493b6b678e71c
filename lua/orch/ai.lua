--- Language models: OpenAI, Anthropic, Gemini and whatever speaks as they do, in one shape.
---
---     local claude, gpt = orch.ai.anthropic {}, orch.ai.openai {}
---     print(claude:chat("A name for a cat?").text)
---     print(orch.ai.compare("A name for a cat?", { claude, gpt }).best.text)
---
--- The keys are those of the environment or of a .env file: ANTHROPIC_API_KEY,
--- OPENAI_API_KEY, GEMINI_API_KEY.

local arg = require "orch.arg"

local ai = {}

---OpenAI, or a server that speaks its chat completions: `base_url` names it, and a key is
---optional then.
---@param opts orch.ai.ProviderOptions?
---@return orch.ai.Provider raises kind `usage` when there is no key (OPENAI_API_KEY)
function ai.openai(opts)
  return require "orch.ai.provider"(require "orch.ai.openai", opts)
end

---Anthropic. `max_tokens`, which its API wants, is 16384 by default.
---@param opts orch.ai.ProviderOptions?
---@return orch.ai.Provider raises kind `usage` when there is no key (ANTHROPIC_API_KEY)
function ai.anthropic(opts)
  return require "orch.ai.provider"(require "orch.ai.anthropic", opts)
end

---Google's Gemini.
---@param opts orch.ai.ProviderOptions?
---@return orch.ai.Provider raises kind `usage` when there is no key (GEMINI_API_KEY or
---  GOOGLE_API_KEY)
function ai.gemini(opts)
  return require "orch.ai.provider"(require "orch.ai.gemini", opts)
end

--- Loaded when they are first used.
local lazy = {
  compare = true, fallback = true, hedge = true, map = true, price = true, cost = true,
}

arg.public("orch.ai", ai)
local meta = getmetatable(ai)
local unknown = meta.__index

function meta.__index(self, name)
  if not lazy[name] then
    local near = type(name) == "string" and arg.suggest(name, arg.keys_of(lazy))
    if near then arg.fail("orch.ai has no '%s'; did you mean '%s'?", name, near) end
    return unknown(self, name)
  end
  local value = require("orch.ai." .. name)
  rawset(self, name, value)
  return value
end

return ai
