-- What is swept: each case touches a family of calls, succeeds when memory
-- suffices, leaves nothing behind and waits for no clock longer than it must.

local fs, process = orch.fs, orch.process
local cases = {}

local function nap() orch.sleep(0.0001) end

function cases.tasks()
  local t = orch.spawn(function(a, b)
    nap()
    return a, b, { a }
  end, 1, "two")
  local held = orch.spawn({ name = "held", hold = true }, function()
    orch.error { kind = "mine", message = "on purpose" }
  end)
  orch.spawn({ daemon = true }, function() orch.sleep(60) end)
  local victim = orch.spawn(function() orch.sleep(60) end)
  local a, b = t:await()
  assert(a == 1 and b == "two")
  assert(not pcall(held.await, held))
  victim:cancel("enough")
  victim:join()
  assert(not victim:result())
  assert(orch.current_task().name and #orch.all_tasks() > 0)
  assert(#orch.task_tree() > 0 and #t:traceback() > 0)
end

--- The server is started once, before anything fails.
function cases.postgres()
  local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
  local server = dofile(here .. "/../helper/postgres.lua").shared()
  local url = ("postgres://tester@localhost:%d/postgres"):format(server.port)
  local db <close> = orch.db.postgres(url, { max = 2, on_notice = function() end })
  db:script "BEGIN; DROP TABLE IF EXISTS t; CREATE TABLE t (a int, b text); COMMIT"
  db:exec_many("INSERT INTO t VALUES (:a, :b)", { { a = 1, b = "x" }, { a = 2, b = "y" } })
  local whole, problem = pcall(db.transaction, db, function(tx)
    tx:exec("INSERT INTO t VALUES ($1, $2)", { 3, orch.db.null })
    pcall(tx.transaction, tx, function(inner)
      inner:exec "DELETE FROM t"
      error { kind = "mine", message = "on purpose" }
    end)
    for row in tx:rows("SELECT a FROM t", nil, { size = 2 }) do assert(row.a > 0) end
  end)
  if not whole then -- the inner pcall may have swallowed that memory ran out
    local is_undone = problem.code == "25P02" or problem.kind == "network"
    error(is_undone and "not enough memory" or problem, 0)
  end
  local n = 0
  for row in db:rows("SELECT a FROM t", nil, { size = 2 }) do n = n + row.a end
  for _ in db:rows "SELECT generate_series(1, 10000000)" do break end
  for _ = 1, 3 do assert(db:value("SELECT $1::int", { 7 }) == 7) end
  assert(n == 6 and db:copy("COPY t FROM STDIN", { { 4, "z" } }) == 1)
  for chunk in db:copy_out "COPY t TO STDOUT" do assert(#chunk > 5) end
  assert(not orch.move_on_after("1ms", db.value, db, "SELECT pg_sleep(60)"))
  local ok, err = pcall(db.query, db, "SELECT nothing")
  assert(not ok and (err.kind == "db" or error(err, 0)))
end

function cases.sqlite()
  local path = fs.temp_file()
  do
    local db <close> = orch.db.sqlite(path, { readers = 2 })
    db:script "CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b); DELETE FROM t"
    db:exec_many("INSERT INTO t VALUES (:a, :b)", { { a = 1, b = "x" }, { a = 2, b = 0.5 } })
    db:transaction(function(tx)
      tx:exec("INSERT INTO t VALUES (?, ?)", { 3, orch.db.blob "y" })
      pcall(tx.transaction, tx, function(inner)
        inner:exec "DELETE FROM t"
        error { kind = "mine", message = "on purpose" }
      end)
    end)
    local n = 0
    for row in db:rows("SELECT a FROM t", nil, { size = 2 }) do n = n + row.a end
    local sums = orch.gather(
      function() return db:value "SELECT sum(a) FROM t" end,
      function() return #db:query("SELECT a, b FROM t WHERE a > ?", { 0 }) end)
    assert(n == 6 and sums == 6)
    assert(not pcall(db.query, db, "SELECT nothing FROM t"))
  end
  fs.remove(path)
end

function cases.scopes()
  do
    local s <close> = orch.scope { name = "group", timeout = 60 }
    s:spawn(nap)
    s:spawn(function()
      local _ <close> = orch.defer(nap)
      orch.sleep(0)
    end)
  end
  local ok, err = pcall(function()
    local s <close> = orch.scope {}
    s:spawn(function() orch.sleep(60) end)
    s:spawn(error, "first")
    orch.sleep(60)
  end)
  assert(not ok and tostring(err):find("first") or error(err, 0))
  ok, err = pcall(orch.wait_for, orch.sleep, 0.0001, 60)
  assert(not ok and err.kind == "timeout" or error(err, 0))
  assert(orch.move_on_after(0.0001, orch.sleep, 60) == false)
  assert(orch.shield(function() return 1 end) == 1)
  assert(orch.wait_for(orch.spawn(nap), 60) == nil)
end

function cases.gathering()
  local a, b = orch.gather(function() return 1 end, function() nap() return 2 end)
  assert(a == 1 and b == 2)
  local keyed = orch.gather({ x = function() return 3 end, y = { nap } },
    { concurrency = 1 })
  assert(keyed.x == 3)
  local ok, err = pcall(orch.gather, { { error, "no" }, { orch.sleep, 60 } })
  assert(not ok and tostring(err):find("no"))
  local all = orch.settle { a = function() error "x" end, b = nap }
  assert(not all.a.ok and (all.b.ok or error(all.b.error, 0)))
  assert(orch.race { function() return 5 end, { orch.sleep, 60 } } == 5)
  assert(orch.first_success { { error, "no" }, function() nap() return 6 end } == 6)
  local list = orch.map({ 1, 2, 3, 4 }, function(x) nap() return x * x end,
    { concurrency = 2 })
  assert(list[4] == 16)
  for task in orch.as_completed { nap, function() return 1 end } do task:await() end
  local done = orch.wait({ orch.spawn(nap), orch.spawn(nap) },
    { return_when = "FIRST_COMPLETED", timeout = 60 })
  assert(#done > 0)
  assert(orch.retry(function() return 7 end, { attempts = 2, base = 0.0001 }) == 7)
end

function cases.locks()
  local lock = orch.lock()
  local order = {}
  local function use(i)
    local _ <close> = lock:acquire(60)
    order[#order + 1] = i
    nap()
  end
  orch.gather({ use, 1 } and function() use(1) end, function() use(2) end,
    function() lock:with(use == nil and use or nap) end)
  local semaphore = orch.semaphore(1)
  orch.gather(function() semaphore:with(nap) end, function() semaphore:with(nap) end)
  local event, queue, barrier = orch.event(), orch.queue(1), orch.barrier(2)
  local condition, ready = orch.condition(lock), false
  orch.gather(
    function()
      event:wait()
      for i = 1, 3 do queue:put(i) end
      queue:close()
      barrier:wait()
    end,
    function()
      event:set()
      for item in queue:iter() do assert(item) end
      barrier:wait()
    end,
    function()
      local _ <close> = lock:acquire()
      condition:wait(function() return ready end)
    end,
    function()
      local _ <close> = lock:acquire()
      ready = true
      condition:notify_all()
    end)
  local limiter = orch.rate_limiter { rate = 1e6 }
  limiter:acquire(1)
  local shared = orch.once(function() nap() return {} end)
  local one, two = orch.gather(shared, shared)
  assert(one == two)
end

function cases.context()
  local value = orch.context("swept", 1)
  do
    local _ <close> = value:set(2)
    local _ <close> = orch.cd "/tmp"
    local _ <close> = orch.with_env { SWEPT = "yes" }
    assert(orch.spawn(function() return value:get() end):await() == 2)
    assert(os.getenv "SWEPT" == "yes")
  end
  assert(value:get() == 1)
end

function cases.coroutines()
  local generate = coroutine.wrap(function()
    for i = 1, 3 do
      nap()
      coroutine.yield(i)
    end
  end)
  local sum = 0
  for i in generate do sum = sum + i end
  assert(sum == 6)
  local ok = pcall(coroutine.wrap(function() nap() error {} end))
  assert(not ok)
  local co = coroutine.create(function()
    local _ <close> = orch.defer(function() end)
    coroutine.yield()
  end)
  coroutine.resume(co)
  coroutine.close(co)
end

function cases.errors()
  local ok, err = orch.try(error, "text")
  assert(not ok and err.message)
  ok, err = pcall(orch.spawn, 1)
  assert(not ok and err.kind == "usage" or error(err, 0))
  ok, err = pcall(function() return orch.slep end)
  assert(not ok and tostring(err):find("sleep") or error(err, 0))
  ok, err = orch.try(orch.gather, { function() error { kind = "a" } end,
    function() error { kind = "b" } end })
  assert(not ok)
  assert(orch.is_timeout(err) == false)
end

-- Files in a folder that is made once.
local folder

local function at(name)
  folder = folder or fs.temp_dir()
  return folder .. "/" .. name
end

function cases.files()
  local path = at "file"
  fs.write(path, ("line\n"):rep(1000), { sync = false })
  fs.append(path, "more\n")
  assert(#fs.read(path) == 5005)
  local n = 0
  for _ in fs.lines(path) do n = n + 1 end
  assert(n == 1001)
  assert(fs.exists(path) and fs.stat(path).size == 5005)
  fs.copy(path, at "copy")
  fs.link(at "link", "copy", { replace = true })
  fs.move(at "copy", at "moved")
  fs.remove(at "moved")
  fs.remove(at "link")
  assert(#fs.hash(path) == 64)
  local ok, err = pcall(fs.read, at "nothing/here")
  assert(not ok and (err.code == "ENOENT" or error(err, 0)))
  ok = pcall(fs.write, at "nothing/here", "x")
  assert(not ok)
end

function cases.parts()
  fs.write(at "part", ("x"):rep(100000), { sync = false })
  assert(#fs.read(at "part", { offset = 10, length = 5 }) == 5)
  assert(#fs.read(at "part", { length = 90000 }) == 90000)
  assert(#fs.read("/proc/version", { length = 9 }) == 9)
  local stream <close> = require("orch.core.inflate").new()
  stream:feed "x\156K\4\0\0b\0b"
  assert(stream:take(9) == "a")
end

function cases.trees()
  local root = at "tree"
  fs.mkdir(root .. "/a/b/c")
  for i = 1, 20 do fs.write(root .. "/a/" .. i .. ".txt", "text", { sync = false }) end
  assert(#fs.list(root .. "/a") >= 20)
  local n = 0
  for _ in fs.walk(root) do n = n + 1 end
  assert(n >= 23)
  assert(#fs.glob { root .. "/**/*.txt", "!" .. root .. "/**/2*" } == 18)
  assert(fs.size(root) > 80)
  fs.copy(root, at "tree2")
  fs.remove(at "tree2", { recursive = true })
  fs.remove(root, { recursive = true })
end

function cases.temporary()
  fs.remove(fs.temp_file())
  fs.remove(fs.temp_dir())
end

function cases.stamp()
  local inputs = require "orch.pipeline.inputs"
  local folder = at "stamp"
  fs.mkdir(folder .. "/src/sub")
  for i = 1, 3 do fs.write(("%s/src/sub/%d"):format(folder, i), "x", { sync = false }) end
  if not fs.exists(folder .. "/link") then fs.link(folder .. "/link", "src") end
  local looks = inputs.look({ { inputs = { "src/**", "link" }, outputs = { "src/sub/1" } },
    { inputs = { "{src,no}/*/2" }, outputs = { "no" } } }, folder)
  assert(looks[1].inputs.files == 5 and #looks[2].outputs.missing == 1)
  local one = inputs.detail({ "src" }, nil, nil, folder)
  local two = inputs.detail({ "src/sub/*" }, one.blob, { "src/sub/3" }, folder)
  assert(#select(2, inputs.compare(one.blob, two.blob)) == 1)
end

function cases.state()
  local state = require "orch.pipeline.state"
  local st <close> = state.open(at "state.db")
  st:run_start { id = "r", script = "s", time = 1 }
  st:save("s", "a", { definition = "d", inputs_blob = ("x"):rep(2000), parts = "{}" })
  st:flush()
  st:duration("r", "a", "ok", 1)
  orch.move_on_after(0, function() st:flush() end)
  st:flush()
  assert(st:jobs "s".a.definition == "d" and #st:blob("s", "a", "inputs") == 2000)
  assert(st:averages "s".a == 1 and #st:runs { limit = 1 } == 1)
  local ok, err = pcall(st.call, st, "query", "SELECT nothing")
  assert(not ok and (err.code == "SQLITE_ERROR" or tostring(err):find "memory"), err)
end

function cases.definition()
  local definition = require "orch.pipeline.definition"
  local t = { 1, { "x" }, a = true }
  t.t = t
  local job = { run = function() return t, nap end, inputs = {}, outputs = {}, env = { A = 1 } }
  assert(#definition.digest(job) == 16)
  assert(definition.parts(job).code)
end

function cases.archive()
  local root = fs.temp_dir()
  fs.mkdir(root .. "/in/x")
  fs.write(root .. "/in/x/a", ("text "):rep(9000), { sync = false })
  fs.link(root .. "/in/link", "x/a")
  for _, format in ipairs { "zip", "tar.zst" } do
    local path = root .. "/packed." .. format
    orch.archive.create(path, { folder = root .. "/in", exclude = "*.tmp", deterministic = true,
      files = { { name = "b", text = "b" } } })
    assert(#orch.archive.list(path) == 4)
    assert(orch.archive.read(path, "**/a") == ("text "):rep(9000))
    orch.archive.extract(path, root .. "/" .. format, { include = "**" })
    assert(not pcall(orch.archive.extract, path, root .. "/" .. format))
    assert(not pcall(orch.archive.extract, root .. "/in/x/a", root .. "/no"))
  end
  fs.remove(root, { recursive = true })
end

function cases.scan()
  local path = at "log"
  if not fs.exists(path) then
    fs.write(path, ("an Error here\nnothing\nwarning: x\n"):rep(2000))
  end
  local counts = fs.scan({ path }, { "error", "warn(ing)?" }, { caseless = true })
  local matches = fs.scan({ path }, { "warning: (.)" }, { matches = true, limit = 5 })
  assert(counts and matches)
  local ok, err = pcall(fs.scan, { path }, { "(" })
  assert(not ok)
end

function cases.file_lock()
  local path = at "locked"
  local guard <close> = fs.lock(path)
  local ok, err = orch.spawn({ hold = true }, function()
    local _ <close> = fs.lock(path, { timeout = 0.001 })
  end):result()
  assert(not ok)
end

function cases.watch()
  local root = at "watched"
  fs.mkdir(root)
  local watch <close> = fs.watch(root, { debounce = 0 })
  local writer = orch.spawn(function() fs.write(root .. "/new", "x", { sync = false }) end)
  assert(#watch:next() > 0)
  writer:join()
end

function cases.process()
  assert(process.run { "/bin/true" }.ok)
  assert(process.run({ "/bin/cat", stdin = "text" }).stdout == "text")
  local ok, err = pcall(process.run, { "/bin/false" })
  assert(not ok and (err.kind == "process" or error(err, 0)))
  ok, err = pcall(process.run, { "/no/such/command" })
  assert(not ok)
end

function cases.shell()
  local lines = {}
  orch.sh("printf 'a\\nb\\n'; echo ${x} >&2", { x = "it's" },
    { on_stdout = function(line) lines[#lines + 1] = line end })
  assert(#lines == 2)
  local ok, err = pcall(orch.sh, "sleep 60", nil, { timeout = 0.002 })
  assert(not ok and (err.kind == "timeout" or error(err, 0)))
end

function cases.streams()
  local child <close> = process.spawn { "/bin/cat" }
  child:write "one\ntwo\n"
  child:close_stdin()
  local n = 0
  for _ in child:lines() do n = n + 1 end
  assert(n == 2)
  child:wait()
end

function cases.threads()
  local a, b = orch.thread(function(x, t) return x + 1, t end, 1, { "a" })
  assert(a == 2 and b[1] == "a")
  local ok, err = pcall(orch.thread, function() error "there" end)
  assert(not ok)
  local list = orch.thread_map({ 1, 2, 3 }, function(x) return x * 2 end)
  assert(list[3] == 6)
  ok, err = pcall(orch.wait_for, orch.thread, 0.002, function() while true do end end)
  assert(not ok and (err.kind == "timeout" or error(err, 0)))
end

function cases.json()
  local json = orch.json
  local text = '{"a":[1,2.5,true,null,"x\\u00e9"],"b":{},"c":[],"d":9007199254740993}'
  local value = json.decode(text)
  assert(value.d == 9007199254740993)
  assert(json.decode(json.encode(value)).d == value.d)
  assert(#json.pretty(value) > 0)
  local ok, err = pcall(json.decode, '{"a":[1,}')
  assert(not ok and (err.kind == "json" or error(err, 0)))
  json.save(at "x.json", value)
  assert(json.load(at "x.json").d == value.d)
end

function cases.yaml()
  local yaml = orch.yaml
  local value = yaml.decode "a: &x {p: [1, 2.5, no]}\nb: {<<: *x, q: !t ~}\nc: []\n1: |\n  x\n"
  assert(value.b.p == value.a.p)
  assert(yaml.decode(yaml.encode(value))[1] == "x\n")
  local ok, err = pcall(yaml.decode, "a: [1")
  assert(not ok and (err.kind == "yaml" or error(err, 0)))
  ok, err = pcall(yaml.encode, { a = { print } })
  assert(not ok and (err.kind == "yaml" or error(err, 0)))
  local text = "%YAML 1.1\n%TAG !u! tag:unity3d.com,2011:\n--- !u!4 &1 stripped\nA: {guid: 1}\n"
  assert(yaml.decode_all(text, { documents = true })[1].stripped)
end

function cases.xml()
  local xml = orch.xml
  local text = '<a x="1">t<b y="&lt;"/>' .. ("<c>text </c>"):rep(200) .. ("x"):rep(80000) .. "</a>"
  local root = xml.decode(text)
  assert(#root == 203 and root:find "c":text() == "text ")
  local n = 0
  xml.parse(text, { start = function() n = n + 1 end })
  assert(n == 202)
  assert(#xml.encode(root) == #text)
  local ok, err = pcall(xml.decode, "<a><b></a>")
  assert(not ok and (err.kind == "xml" or error(err, 0)))
end

function cases.csv()
  local csv = orch.csv
  local rows = csv.decode('a,b\n1,"x\ny"\n' .. ("2,z\n"):rep(100))
  assert(#rows == 101 and rows[1].b == "x\ny")
  assert(csv.decode(csv.encode(rows))[101].b == "z")
  local ok, err = pcall(csv.decode, 'a,b\n1,"' .. ("x"):rep(1000))
  assert(not ok and (err.kind == "csv" or error(err, 0)))
end

function cases.unity()
  local unity, root = orch.unity, at "unity"
  fs.mkdir(root .. "/Assets")
  local guid = ("a"):rep(32)
  fs.write(root .. "/Assets/a.mat", "%YAML 1.1\n--- !u!1 &1\nA: {fileID: 1, guid: "
    .. ("b"):rep(32) .. "}\n", { sync = false })
  fs.write(root .. "/Assets/a.mat.meta", "guid: " .. guid .. "\nDefaultImporter:\n  a: 1\n",
    { sync = false })
  local all = unity.index(root)
  assert(all.paths[guid] == "Assets/a.mat")
  local broken = unity.broken(all)
  assert(#broken == 1 and #unity.missing(all) + #unity.orphans(all) == 0)
  assert(unity.meta(root .. "/Assets/a.mat").importer == "DefaultImporter")
end

function cases.audio()
  local dir = orch.fs.temp_dir()
  local sound = "RIFF" .. ("<I4"):pack(236) .. "WAVEfmt "
    .. ("<I4I2I2I4I4I2I2"):pack(16, 1, 2, 8000, 32000, 4, 16) .. "data" .. ("<I4"):pack(200)
    .. ("\1\2"):rep(100)
  orch.fs.write(dir .. "/a.wav", sound)
  orch.fs.write(dir .. "/b.wav", "RIFF")
  assert(orch.audio.info(dir .. "/a.wav").frames == 50)
  assert(orch.audio.stats(dir .. "/a.wav").channels[2].peak > 0)
  local ok, err = pcall(orch.audio.stats, dir .. "/b.wav")
  if not ok and err.kind ~= "format" then error(err, 0) end
end

function cases.pixels()
  local image = orch.image
  local p = { width = 9, height = 5, channels = 4, bits = 16, data = ("rock"):rep(90) }
  for _, format in ipairs { "png", "jpg", "bmp", "tga" } do
    fs.write(at("a." .. format), image.encode(p, format), { sync = false })
  end
  fs.write(at "a.hdr", image.encode({ width = 9, height = 1, channels = 3, bits = 32,
    data = ("\0\0\128\63"):rep(27) }, "hdr"), { sync = false })
  assert(image.decode(at "a.png").data == p.data)
  for _, format in ipairs { "jpg", "bmp", "tga", "hdr" } do
    assert(image.stats(at("a." .. format), { sample = 4 }).width == 9)
  end
  image.resize(at "a.png", { max = 4, out = at "b.png" })
  assert(#image.mips(at "a.png", at "mips", { normal = true }) == 4)
  assert(#image.render(image.channel(at "a.png", "a")) > 50)
  assert(image.compare(at "a.bmp", at "a.tga").max == 0)
  image.strip_colorspace(at "b.png")
  local ok, err = pcall(image.stats, at "mips")
  assert(not ok and (err.kind == "os" or error(err, 0)))
end

function cases.jwt()
  local key = [[
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----
]]
  local token = orch.jwt.sign({ iss = "x" }, { algorithm = "ES256", key = key })
  assert(orch.jwt.verify(token, { algorithm = "ES256", key = key }).iss == "x")
  assert(orch.hash.unbase64(orch.hash.base64url "x") == "x")
end

function cases.hash()
  local hash = orch.hash
  assert(#hash.sha256 "x" == 64 and #hash.md5 "x" == 32)
  assert(#hash.hmac("sha256", "key", "text") == 64)
end

function cases.say()
  orch.log.debug("swept", { field = 1 })
  assert(orch.tty.color ~= nil)
  local ok = pcall(orch.tty.prompt, "?")
  assert(not ok)
end

function cases.secrets()
  local _ <close> = orch.with_env { SWEEP_KEY = "sweep-secret-" .. math.random(1, 4) }
  local key = orch.secrets.get "SWEEP_KEY"
  assert(orch.secrets.redact("a " .. key .. " b") == "a *** b")
  local ok, err = pcall(orch.error, { kind = "x", message = key })
  assert(not ok and (err.message == "***" or error(err, 0)))
  print("a line", key)
  io.stdout:write(key:sub(1, 5)):flush()
  io.stdout:write(key:sub(6), "\n"):flush()
end

function cases.ai()
  local function provider(name, seconds, fails)
    return { name = name, chat = function(_, prompt)
      orch.sleep(seconds)
      if fails then orch.error { kind = "network", message = "down" } end
      return { text = prompt, usage = {} }
    end }
  end
  local compare, fallback = require "orch.ai.compare", require "orch.ai.fallback"
  local hedge, map = require "orch.ai.hedge", require "orch.ai.map"
  local a, b, c = provider("a", 0.001), provider("b", 0.002, true), provider("c", 0.01)
  local r = compare("x", { a, b, c }, { timeout = 5 })
  assert(#r.responses == 2 or error(r.failures[1].provider == "b" and r.failures[2].error
    or r.failures[1].error, 0))
  assert(fallback { b, a }:chat("x").text == "x")
  assert(hedge { c, a, delay = 0.001 }:chat("x").text == "x")
  local s <close> = hedge { b, a }:stream "x"
  assert(s:text() == "x")
  local path = at "answers.jsonl"
  if fs.exists(path) then fs.remove(path) end
  map({ "x", "y" }, a, { resume = path, tokens_per_minute = 100000 })
  assert(#map({ "x", "y" }, a, { resume = path }) == 2)
end

-- Providers over a wire that only pretends. The large numbers keep out lua-cjson, which
-- leaks its own buffer when memory runs out.
function cases.providers()
  local json, wire = orch.json, require "orch.http.wire"
  local head = "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n"
  local answer = { n = 9007199254740993,
    choices = { { finish_reason = "stop", message = { content = "hi" } } } }
  local events = { 'data: {"n":9007199254740993,"choices":[{"delta":{"content":"h"}}]}\n\n',
    'data: {"n":9007199254740993,"choices":[{"delta":{"content":"i"},"finish_reason":"stop"}]}\n\n',
    'data: [DONE]\n\n' }
  local _ <close> = wire.with {
    send = function(request)
      orch.checkpoint()
      return { status = 200, head = head:format "application/json", body = json.encode(answer),
        url = request.url, elapsed = 0 }
    end,
    open = function(request)
      orch.checkpoint()
      local i = 0
      local stream = { status = 200, head = head:format "text/event-stream", url = request.url,
        read = function()
          i = i + 1
          return events[i]
        end, close = function() end, progress = function() return {} end }
      return setmetatable(stream, { __close = function() end })
    end,
  }
  local p = orch.ai.openai { base_url = "http://127.0.0.1:1/v1", key = "sweep-key-1" }
  assert(p:chat("x", { json = false }).text == "hi")
  local s <close> = p:stream "x"
  assert(s:text() == "hi" and s.response.finish_reason == "stop")
end

function cases.serve()
  local http = orch.http
  local path = debug.getinfo(1, "S").source:sub(2)
  local server <close> = http.serve({ grace = 1, on_error = function() end }, function(request)
    if request.path == "/stream" then
      return { stream = function(send) send "a" nap() send "b" end }
    elseif request.path == "/file" then
      return { file = path }
    elseif request.path == "/form" then
      return { json = request:form(), headers = { ["X-A"] = request.headers.accept } }
    end
    return request.query.a
  end)
  local function ask(path, opts)
    opts = opts or {}
    opts.check, opts.timeout, opts.headers = false, 5, { Connection = "close" }
    local ok, response = pcall(http.request, opts.form and "POST" or "GET", server.url .. path, opts)
    if not ok and response.kind == "timeout" then error("TIMEOUT " .. path) end
    if not ok then error("not enough memory: " .. tostring(response), 0) end
    if response.status >= 400 then error("not enough memory: " .. response.status, 0) end
    return response.body
  end
  assert(ask "/?a=1" == "1")
  assert(ask "/stream" == "ab")
  assert(#ask "/file" > 1000)
  assert(ask("/form", { form = { x = 1 } }) == '{"x":"1"}')
end

function cases.output()
  local output = require "orch.output"
  local logs = require "orch.pipeline.log"
  orch.secrets.mask "sweep-secret-1"
  local path, lines = fs.temp_dir() .. "/deep/log", 0
  local log <close> = logs.open(path, function(text) lines = lines + #text end)
  do
    local _ <close> = output.with(log)
    print("a", 1, "sweep-sec")
    io.stdout:write "ret-1\n"
    orch.log.info "said"
    for _ in orch.progress(2) do nap() end
    assert(orch.sh("echo out; echo err >&2").stderr == "err\n")
    orch.sh("echo both", nil, { stdout = "inherit", stderr = "inherit" })
    local p <close> = process.spawn { "sh", "-c", "echo spawned >&2" }
    assert(p.stderr:read "line" == "spawned")
    p:wait()
  end
  process.run_to("head -c 40000 /dev/zero", {}, log)
  log:close()
  assert(fs.size(path) > 40000 and lines > 40000 and #log:tail(2) == 2)
  local journal <close> = require("orch.core.journal").open(path)
  journal:append_later "x"
  journal:sync()
end

return cases
