-- The figures of HTTP. See ../figures.lua, which adds them to the others.
local ORCH = os.getenv "ORCH" or "build/orch"
local PYTHON, NODE = "/usr/bin/python3", "/usr/bin/node"
local WRK, H2LOAD, CURL = "/usr/bin/wrk", "/usr/bin/h2load", "/usr/bin/curl"
local DATA = "build/bench/"

local function here(path) return "scripts/bench/http/" .. path end

local ANSWER = "answer%s+(%S+)"
local NGINX = { PYTHON, here "nginx.py", DATA .. "nginx" }
local GETS = "20000"

local function node(script, ...)
  return "/usr/bin/env", "NODE_EXTRA_CA_CERTS=$ca", NODE, here(script), ...
end

return {
  {
    name = "calls", title = "3 calls of 1 s, beyond it", measure = "seconds",
    rounds = 5, at_most = 0.005, answer = ANSWER,
    server = { DATA .. "slow_server", "1" },
    ours = { ORCH, "run", here "calls.lua", "$http/" },
    peers = {
      { "aiohttp", PYTHON, here "py_calls.py", "$http/" },
      { "node fetch", NODE, here "node_calls.mjs", "$http/" },
    },
  },
  {
    name = "http", title = "20,000 x GET of 1 KB", measure = "rate",
    rounds = 3, answer = ANSWER, server = NGINX,
    ours = { ORCH, "run", here "ours.lua", "$http/1k", GETS },
    peers = {
      { "aiohttp", bar = 5, PYTHON, here "py_aiohttp.py", "asyncio", "$http/1k", GETS },
      { "aiohttp+uvloop", bar = 3, PYTHON, here "py_aiohttp.py", "uvloop", "$http/1k", GETS },
      { "node fetch", bar = 4, node("node_fetch.mjs", "$http/1k", GETS) },
      { "node http.get", node("node_http.mjs", "$http/1k", GETS) },
      { "wrk -t1", bar = 1 / 3, moonshot = 0.5, answer = false,
        value = "Requests/sec:%s+(%S+)", WRK, "-t1", "-c100", "-d1s", "$http/1k" },
    },
  },
  {
    name = "https", title = "the same over TLS", measure = "rate",
    rounds = 3, answer = ANSWER, server = NGINX,
    ours = { ORCH, "run", here "ours.lua", "$https/1k", GETS, "1.1", "$ca" },
    peers = {
      { "aiohttp", bar = 1,
        PYTHON, here "py_aiohttp.py", "asyncio", "$https/1k", GETS, "$ca" },
      { "aiohttp+uvloop", bar = 1,
        PYTHON, here "py_aiohttp.py", "uvloop", "$https/1k", GETS, "$ca" },
      { "node fetch", bar = 1, node("node_fetch.mjs", "$https/1k", GETS) },
      { "node https.get", bar = 1, node("node_http.mjs", "$https/1k", GETS) },
      { "wrk -t1", answer = false, value = "Requests/sec:%s+(%S+)",
        WRK, "-t1", "-c100", "-d1s", "$https/1k" },
    },
  },
  {
    name = "http2", title = "the same over HTTP/2", measure = "rate",
    rounds = 3, answer = ANSWER, server = NGINX,
    ours = { ORCH, "run", here "ours.lua", "$h2/1k", GETS, "2", "$ca" },
    peers = {
      -- A twentieth of the requests, or it would take 20 s.
      { "httpx", bar = 1, answer = false,
        PYTHON, here "py_httpx.py", "$h2/1k", "1000", "$ca" },
      { "node http2", bar = 1, NODE, here "node_http2.mjs", "$h2/1k", GETS, "$ca" },
      { "h2load -c1 -m100", answer = false, value = "finished in %S+ (%S+) req/s",
        H2LOAD, "-n100000", "-c1", "-m100", "$h2/1k" },
    },
  },
  {
    name = "open", title = "memory of an open request", measure = "bytes",
    rounds = 3, at_most = 40 * 1024, answer = ANSWER,
    server = { DATA .. "slow_server", "2" },
    ours = { ORCH, "run", here "open.lua", "$http/" },
    peers = { { "aiohttp", PYTHON, here "py_open.py", "$http/" } },
  },
  {
    name = "download", title = "2 GB download", measure = "wall",
    rounds = 5, answer = ANSWER, server = NGINX, scratch = true,
    ours = { ORCH, "run", here "transfer.lua", "download", "$http/2g", "$scratch/file" },
    peers = {
      { "curl", bar = 0.9, CURL, "-sfS", "-w", "answer %{size_download}\\n",
        "-o", "$scratch/file", "$http/2g" },
    },
  },
  {
    name = "upload", title = "2 GB upload", measure = "wall",
    rounds = 5, answer = ANSWER, server = { DATA .. "sink_server" },
    ours = { ORCH, "run", here "transfer.lua", "upload", DATA .. "nginx/files/2g",
      "$http/sink" },
    peers = {
      { "curl", bar = 0.9, CURL, "-sfS", "-T", DATA .. "nginx/files/2g", "$http/sink" },
    },
  },
  {
    name = "http-memory", title = "growth over 200,000 GETs", measure = "bytes",
    rounds = 1, at_most = 2 << 20, server = NGINX, -- what malloc goes up and down by
    ours = { ORCH, "run", here "flat.lua", "$http/1k" },
    peers = {},
  },
}
