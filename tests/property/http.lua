-- Run by http_close_test.lua with --seed: random requests to servers of this run whose
-- handlers answer, break off, fail or dawdle at random, and which are cancelled, closed
-- by others and timed out at random. Nothing may be left, and no memory may be used
-- after its end (AddressSanitizer tells). With "exit" the run ends in the middle.

local http, fs = orch.http, orch.fs

local dir = fs.temp_dir()
local large = dir .. "/large"
fs.write(large, ("0123456789abcdef"):rep(100000))

local function pick(list) return list[math.random(#list)] end
local function maybe(n) return math.random(n) == 1 end
local function nap()
  if maybe(5) then orch.checkpoint() elseif maybe(2) then orch.sleep(math.random() * 0.01) end
end

local handlers = {
  function() return "ok" end,
  function() return { status = pick { 204, 404, 413, 503 } } end,
  function() nap() return ("x"):rep(math.random(300000)) end,
  function() nap() return { reset = true } end,
  function() error "on purpose" end,
  function(request) return { json = { size = #request.body } } end,
  function() return { file = large } end,
  function() orch.sleep(60) end,
  function()
    return { stream = function(send)
      for _ = 1, math.random(20) do send(("y"):rep(math.random(40000))) nap() end
    end }
  end,
  function() return { stream = function(send) send "begun" nap() error "on purpose" end } end,
  function() return { stream = function(send) send "begun" orch.sleep(60) end } end,
}

local living = 0
local function handle(request)
  living = living + 1
  local _ <close> = orch.defer(function() living = living - 1 end)
  return pick(handlers)(request)
end

local function serve() return http.serve({ limit = "1M", grace = 0.05, on_error = nap }, handle) end
local server <close> = serve()
local other <close> = serve()

local function url()
  return pick { server.url, server.url, other.url, "http://localhost:" .. server.port,
    "http://127.0.0.1:9" }
end

local function chunks()
  local left = math.random(8)
  return function()
    left = left - 1
    nap()
    if left == 0 and maybe(4) then error "on purpose" end
    if left > 0 then return ("z"):rep(math.random(100000)) end
  end
end

local bodies = {
  function() return { body = ("z"):rep(math.random(2000000)) } end,
  function() return { body = chunks() } end,
  function() return { body = function() orch.sleep(60) end } end,
  function() return { body = { path = large } } end,
  function() return { multipart = { { name = "f", path = large }, { name = "t", value = "v" } } } end,
  function() return { json = { a = 1 } } end,
}

local function options(o)
  o = o or {}
  if maybe(3) then o.timeout = math.random() * 0.05 end
  if maybe(4) then o.check = false end
  if maybe(8) then o.retry = { attempts = 2, base = 0.001 } end
  if maybe(10) then o.limit = math.random(100000) end
  return o
end

local function open()
  if maybe(2) then return http.stream("GET", url(), options()) end
  return http.stream("POST", url(), options(pick(bodies)()))
end

local expected = { closed = true, http = true, network = true, os = true, status = true,
  timeout = true, cancelled = true }

local function attempt(fn, ...)
  local ok, err = orch.try(fn, ...)
  if not ok and not expected[err.kind] and not err:find "on purpose" then error(err, 0) end
end

--- One task works on a stream, another closes it.
local function disturbed(work)
  local s <close> = open()
  orch.spawn(attempt, work, s)
  nap()
  s:close()
end

local actions = {
  function() http.get(url(), options()) end,
  function() http.request(pick { "POST", "PUT" }, url(), options(pick(bodies)())) end,
  function() http.download(url(), dir .. "/" .. math.random(20), { timeout = 0.1 }) end,
  function() http.upload(large, url(), { timeout = math.random() * 0.1 }) end,
  function() orch.race { { http.get, url() }, { http.get, url() } } end,
  function()
    local s <close> = open()
    for _ = 1, math.random(10) do if not s:read() then break end nap() end
  end,
  function() disturbed(function(s) for _ in s:chunks() do nap() end end) end,
  function() disturbed(function(s) s:save(dir .. "/" .. math.random(20)) end) end,
}

local function act() attempt(pick(actions)) end

local ways = {
  function() orch.move_on_after(0.3, act) end,
  function() orch.move_on_after(math.random() * 0.02, act) end,
  function()
    local task = orch.spawn(act)
    nap()
    task:cancel "at random"
  end,
}

local numbers = {}
for i = 1, 200 do numbers[i] = i end
orch.each(numbers, function() pick(ways)() end, { concurrency = 40 })
if orch.args[1] == "exit" then
  for _ = 1, 20 do orch.spawn(act) end
  orch.sleep(0.01)
  os.exit(0)
end
server:close()
other:close()
assert(living == 0, "a handler outlived its server")
print "ok"
