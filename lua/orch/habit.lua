--- What options are called elsewhere: in requests and aiohttp, with curl, in the SDKs of
--- OpenAI and Anthropic. Who writes such a name is told ours.
---
---     habit.of("params", { query = "table" })  --> "it is called `query` here"

local habit = {}

--- name -> option of ours, sentence; the first whose option the function has.
local known = {
  -- requests, aiohttp, curl
  params = { { "query" } },
  data = { { "form", "fields of a form are `form = {}`, a text is `body`, JSON is `json`" } },
  content = { { "body" } },
  files = { { "multipart" } },
  verify = { { "insecure", "`ca` names another authority, `insecure = true` trusts anybody" } },
  ssl = { { "insecure", "`ca` names another authority, `insecure = true` trusts anybody" } },
  allow_redirects = { { "follow" } },
  max_redirects = { { "follow", "write `follow = 5`" } },
  retries = { { "retry", "write `retry = { attempts = 3 }`" } },
  max_retries = { { "retry", "write `retry = { attempts = 3 }`" } },
  proxies = { { "proxy" } },
  raise_for_status = { { "check", "an error status raises unless you say `check = false`" } },
  token = { { "bearer" }, { "key" } },
  stream = {
    { "follow", "http.stream(method, url) gives the answer piece by piece" },
    { "tools", "provider:stream(prompt) gives the answer piece by piece" },
  },
  -- OpenAI, Anthropic, Gemini
  api_key = { { "max_tokens", "it is called `key` here" } },
  api_base = { { "base_url" } },
  url = { { "base_url" } },
  messages = { { "max_tokens", "the messages come first: provider:chat(messages, options)" } },
  prompt = { { "max_tokens", "the prompt comes first: provider:chat(prompt, options)" } },
  instructions = { { "system" } },
  response_format = { { "json", "`json = true`, or a JSON schema" } },
  max_completion_tokens = { { "max_tokens" } },
  max_output_tokens = { { "max_tokens" } },
  reasoning_effort = { { "effort" } },
  stop_sequences = { { "stop" } },
  functions = { { "tools" } },
}
known.apikey, known.base, known.endpoint = known.api_key, known.api_base, known.url
known.redirects = known.allow_redirects

---@param name string as somebody has written it
---@param spec table<string, string> the options that there are
---@return string? sentence
function habit.of(name, spec)
  for _, meant in ipairs(known[name] or {}) do
    if spec[meant[1]] then return meant[2] or ("it is called `%s` here"):format(meant[1]) end
  end
end

return habit
