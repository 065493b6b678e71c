-- What somebody new does wrong with HTTP and language models, and what is said about it:
-- one sentence with the place and the way out, no internals, never the key.

-- Each is a line of a script that ends with the sentence.
local sentences = {
  ["a failed connection keeps its place"] = {
    'orch.http.get "http://127.0.0.1:1/"',
    "orch: (command line):1: GET http://127.0.0.1:1/: cannot connect to 127.0.0.1:1: connection "
      .. "refused\n   1 | orch.http.get" },
  ["a port that is taken, too"] = {
    "local s <close> = orch.http.serve(print) orch.http.serve({ port = s.port }, print)",
    "orch: (command line):1: cannot listen on 127.0.0.1:" },
  ["options of requests"] = {
    'orch.http.get("http://127.0.0.1:1/", { params = { a = 1 } })',
    "http.get has no option `params`; it is called `query` here" },
  ["verify"] = {
    'orch.http.get("https://127.0.0.1:1/", { verify = false })',
    "http.get has no option `verify`; `ca` names another authority, `insecure = true` trusts" },
  ["stream"] = {
    'orch.http.get("https://127.0.0.1:1/", { stream = true })',
    "http.get has no option `stream`; http.stream(method, url) gives the answer piece by piece" },
  ["a table as the body"] = {
    'orch.http.post("http://127.0.0.1:1/", { body = { a = 1 } })',
    "a table goes into `json` or `form`" },
  ["a loop over a stream"] = {
    "local s <close> = orch.http.serve(function() return 'x' end)\n"
      .. "local t <close> = orch.http.stream('GET', s.url) for line in t do end",
    "orch: (command line):2: a stream is read with for line in s:lines(), s:chunks() or s:events()" },
  ["options of the makers' SDKs"] = {
    'orch.ai.openai { key = false }:chat("x", { max_completion_tokens = 5 })',
    "provider:chat has no option `max_completion_tokens`; it is called `max_tokens` here" },
  ["a stream from chat"] = {
    'orch.ai.openai { key = false }:chat("x", { stream = true })',
    "provider:chat has no option `stream`; provider:stream(prompt) gives the answer" },
  ["a scheme without its colon"] = {
    'orch.http.get "https//host/x"',
    "'https//host/x' is no URL to use: it has no scheme; did you mean 'https://host/x'?" },
  ["a number of retries"] = {
    'orch.ai.openai { key = false }:chat("x", { retry = 3 })',
    "option `retry` should be true, or a table such as { attempts = 3 }, not the number 3" },
  ["no colon"] = {
    'orch.ai.openai { key = false }.chat "x"',
    "provider:chat is called with a colon: provider:chat(prompt), not provider.chat(prompt)" },
  ["no colon, of several"] = {
    'local p = orch.ai.openai { key = false } orch.ai.fallback { p, p }.chat "x"',
    "provider:chat is called with a colon" },
  ["a method that there is not"] = {
    'orch.ai.openai { key = false }:complete "x"',
    "a provider has no 'complete'; it has chat, stream" },
  ["a message without a role"] = {
    'orch.ai.openai { key = false }:chat { { content = "x" } }',
    "message 1: the role should be system, user, assistant or tool, not nil" },
  ["messages in a table of their own"] = {
    'orch.ai.openai { key = false }:chat { messages = { { role = "user", content = "x" } } }',
    "argument 1 is the list of messages itself" },
  ["a handler that wants JSON"] = {
    "local s <close> = orch.http.serve(function(r) return r:json() end) "
      .. "orch.http.post(s.url, { body = '{' })",
    "the handler failed: the body of the request is not JSON: line 1, column 2: the text ends "
      .. "inside an object\n" },
  ["an answer of several"] = {
    "local p = { chat = function() return { text = 'x' } end } print(orch.ai.compare('x', { p }).text)",
    "the result of ai.compare has no 'text'; it has best, responses, failures, elapsed" },
  ["all of several fail"] = {
    "local p = orch.ai.openai { key = false, base_url = 'http://127.0.0.1:1/v1' } "
      .. "orch.ai.compare('x', { p })",
    "orch: (command line):1: POST http://127.0.0.1:1/v1/chat/completions: cannot connect to" },
}

for name, case in pairs(sentences) do
  it(name, function()
    local result = test.run { "-e", case[1] }
    expect(result.stderr):contains(case[2])
    expect(result.stderr).never:contains "orch/" -- our own lines
  end)
end

describe("a key is not shown", function()
  for name, code in pairs {
    ["without a table"] = 'orch.ai.openai "sk-%s"',
    ["as the first of a list"] = 'orch.ai.anthropic { "sk-%s" }',
    ["under another name"] = 'orch.ai.openai { api_key = "sk-%s" }',
    ["beside a wrong option"] = 'orch.ai.gemini { key = "sk-%s", modle = "x" }',
    ["in a header"] = "local s <close> = orch.http.serve(function(r) return { status = 401, json = "
      .. "{ error = { message = r.headers['api-key'] } } } end)\n"
      .. 'orch.ai.openai { base_url = s.url, headers = { ["api-key"] = "sk-%s" } }:chat "x"',
  } do
    it(name, function()
      local result = test.run { "-e", code:format "nobody-may-see-this" }
      expect(result.exit_code):equals(1)
      expect(result.stderr):contains "***"
      expect(result.stderr).never:contains "nobody"
    end)
  end

  it("when the server repeats it", function()
    local server <close> = orch.http.serve(function(request)
      return { status = 401, json = { message = "no such " .. request.headers.authorization } }
    end)
    local opts = { bearer = "nobody-may-see-this" }
    for _, call in ipairs { function() orch.http.get(server.url, opts) end,
      function() orch.http.stream("GET", server.url, opts) end,
      function() orch.http.download(server.url, test.temp_dir() .. "/x", opts) end,
      function() orch.http.client(opts):get(server.url) end } do
      expect(call):raises { kind = "status", message = "no such Bearer %*%*%*$" }
    end
  end)

  it("in the report of a test case", function()
    local dir = test.temp_dir()
    orch.fs.write(dir .. "/a_test.lua", [[
      it("fails", function() orch.secrets.mask "nobody-may-see-this" error "oops" end)]])
    local result = test.run { "test", dir, "--junit", dir .. "/report.xml" }
    expect(result.stdout):contains "oops"
    expect(result.stdout .. orch.fs.read(dir .. "/report.xml")).never:contains "nobody"
  end)
end)

it("a fake that fails in no known way", function()
  expect(function() test.http { ["GET /"] = { error = "timout" } } end):raises
    "`error` should be network, tls, http, timeout or a table .* not \"timout\"; did you mean \"timeout\"%?"
  test.http { ["GET /"] = { chunks = { { error = "ntework" } } } }
  expect(function() orch.http.get "http://x/" end):raises "did you mean \"network\""
end)
