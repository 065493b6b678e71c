-- orch.thread and thread_map: what is copied, what is refused, how errors and
-- cancellation reach both sides.

local function same(value) return orch.thread(function(v) return v end, value) end

describe("thread", function()
  it("gives the results of a function", function()
    local sum, rest, nothing = orch.thread(function(a, b) return a + b, "x" end, 1, 2)
    expect({ sum, rest, nothing }):equals { 3, "x" }
    expect(select("#", orch.thread(function() end))):equals(0)
    expect(select("#", orch.thread(function() return nil, nil end))):equals(2)
    expect(orch.thread(function(...) return select("#", ...) end, nil, nil)):equals(2)
  end)

  it("copies values exactly", function()
    for _, value in ipairs {
      1, -0.0, 1.0, 0.1, math.maxinteger, math.mininteger, 1 / 0, "", "a\0b\xff",
      true, false, {}, { 1, 2, { 3 } }, { a = { b = { c = "d" } }, [1.5] = 2, [-1] = 0 },
      { nil, 2 }, { [true] = 1, [100] = 2 },
    } do
      local back = same(value)
      expect(back):equals(value)
      expect(math.type(back)):equals(math.type(value))
    end
    expect(1 / same(-0.0)):equals(-math.huge)
    local nan = same(0 / 0)
    expect(nan ~= nan):truthy()
    local json = require "orch.json"
    expect(same(json.null)):is(json.null)
    expect(json.encode(same { json.array {}, {} })):equals("[[],{}]")
  end)

  it("keeps what is shared, and cycles", function()
    local part = { "p" }
    local loop = { part, part, { [part] = "key" } }
    loop.self = loop
    local back = same(loop)
    expect(back.self):is(back)
    expect(back[1]):is(back[2])
    expect(next(back[3])):is(back[1])
    expect(back).never:is(loop)
    local a, b = orch.thread(function(x, y) return x == y, x end, part, part)
    expect(a):is(true)
    expect(b):equals(part)
  end)

  it("copies any nesting", function()
    local chain, deep = nil, {}
    for _ = 1, 100000 do chain = { next = chain } end
    local inner = deep
    for _ = 1, 10000 do
      inner[1] = {}
      inner = inner[1]
    end
    local length = orch.thread(function(c, d)
      local n = 0
      while c do n, c = n + 1, c.next end
      while d[1] do n, d = n + 1, d[1] end
      return n
    end, chain, deep)
    expect(length):equals(110000)
  end)

  it("copies random tables", function()
    local function grow(depth)
      local kind = math.random(depth > 4 and 5 or 7)
      if kind == 1 then return math.random(0) end
      if kind == 2 then return math.random() end
      if kind == 3 then return ("s"):rep(math.random(0, 50)) end
      if kind == 4 then return true end
      if kind == 5 then return false end
      local value = {}
      for i = 1, math.random(0, 5) do
        value[kind == 6 and i * math.random(1, 2) or "k" .. i] = grow(depth + 1)
      end
      return value
    end
    for _ = 1, 100 do
      local value = grow(0)
      expect(same(value)):equals(value)
    end
  end)

  it("copies functions, recursive ones too", function()
    local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
    expect(orch.thread(fib, 15)):equals(610)
    expect(same(fib)(10)):equals(55)
    expect(orch.thread(function(list, fn) return fn(list[1]) end, { 4 },
      function(x) return x * x end)):equals(16)
  end)

  it("runs a module by name", function()
    local folder = orch.fs.temp_dir()
    orch.fs.write(folder .. "/double_it.lua", "return function(x) return 2 * x end")
    orch.fs.write(folder .. "/no_function.lua", "return {}")
    local path <close> = setmetatable({ package.path }, {
      __close = function(self) package.path = self[1] end,
    })
    package.path = folder .. "/?.lua;" .. package.path
    expect(orch.thread("double_it", 21)):equals(42)
    expect(orch.thread_map({ 1, 2, 3 }, "double_it")):equals { 2, 4, 6 }
    expect(function() orch.thread("no_function") end)
      :raises("module 'no_function' should return a function")
    expect(function() orch.thread("no.such.module") end):raises("no.such.module")
  end)

  it("has a state of its own, with the library that does not wait", function()
    leaked = nil -- luacheck: ignore
    expect(orch.thread(function()
      leaked = "here" -- luacheck: ignore
      return type(string.format), type(require), math.type(1)
    end)):equals("function")
    expect(rawget(_G, "leaked")):is_nil()
    expect(orch.thread(function() return leaked end)):is_nil() -- luacheck: ignore
    expect(orch.thread(function(text)
      local value = orch.json.decode(text)
      return orch.hash.md5(value.a), require("orch.fs.path").join("a", "b")
    end, '{"a": "abc"}')):equals("900150983cd24fb0d6963f7d28e17f72")
    expect(orch.thread(function()
      local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1); error(b) end)
      local first = co(1)
      local ok, err = pcall(co, "thrown")
      return first, ok, err:match("thrown")
    end)):equals(2)
  end)

  it("runs on several threads, more calls than cores wait their turn", function()
    local calls = {}
    for i = 1, 20 do calls[i] = { orch.thread, function(n) return n * n end, i } end
    local squares = orch.gather(calls)
    for i = 1, 20 do expect(squares[i]):equals(i * i) end
  end)
end)

describe("thread refuses", function()
  it("captured values, by name", function()
    local first, second = 1, 2
    local err = expect(function()
      orch.thread(function() return first + second end)
    end):raises("usage")
    expect(err.message):contains("the function")
    expect(err.message):contains("captures 'first', 'second'; pass values as arguments")
    expect(function() orch.thread(print) end):raises("is a C function")
  end)

  it("what cannot be copied, with its place", function()
    local noop = function() end
    for place, value in pairs {
      ["argument 1.a.b[2]"] = { a = { b = { 1, io.stdout } } },
      ["argument 1.co"] = { co = coroutine.create(noop) },
      ["argument 1.list[1].f"] = { list = { { f = print } } },
      ["argument 1.o"] = { o = setmetatable({}, { __index = {} }) },
    } do
      local err = expect(function() orch.thread(noop, value) end):raises("usage")
      expect(err.message):contains(place .. " to another thread")
    end
    expect(function() orch.thread(noop, 1, io.stdout) end):raises("argument 2 to")
    expect(function() orch.thread(function() return 1, { x = io.stdout } end) end)
      :raises("result 2.x to another thread: it is a userdata")
  end)

  it("to wait", function()
    for _, fn in ipairs {
      function() orch.sleep(1) end, function() orch.checkpoint() end,
      function() orch.spawn(print) end, function() orch.fs.read("x") end,
      function() local _ <close> = orch.scope {} end, function() orch.gather {} end,
      function() orch.thread(print) end, function() orch.lock():acquire() end,
      function() orch.current_task() end, function() orch.queue():get() end,
    } do
      expect(function() orch.thread(fn) end):raises("a worker thread cannot wait")
    end
    expect(function() orch.thread(function() os.exit(3) end) end):raises("os.exit")
  end)

  it("wrong arguments", function()
    expect(function() orch.thread(1) end):raises("thread: argument 1")
    expect(function() orch.thread_map(1, print) end):raises("thread_map: argument 1")
    expect(function() orch.thread_map({}, 1) end):raises("thread_map: argument 2")
    expect(function() orch.thread_map({}, print, { concurrency = 0 }) end)
      :raises("concurrency")
    expect(function() orch.thread_map({}, print, { cores = 1 }) end):raises("usage")
  end)
end)

describe("an error in a worker", function()
  it("comes back with both tracebacks", function()
    local err = expect(function()
      orch.thread(function()
        local function deep() error("broken") end
        deep()
      end)
    end):raises("error")
    expect(err.message):matches("thread_test.lua:%d+: broken")
    expect(err.traceback):contains("in local 'deep'")
    expect(err.traceback):contains("worker thread called from")
  end)

  it("keeps its fields", function()
    local err = expect(function()
      orch.thread(function()
        orch.error { kind = "mine", message = "no", list = { 1, { 2 } }, f = io.stdout }
      end)
    end):raises("mine")
    expect(err.list):equals { 1, { 2 } }
    expect(err.f):matches("^userdata: ")
    expect(function() orch.thread(function() error { kind = "plain" } end) end)
      :raises("plain")
    expect(function() orch.thread(function() error(nil) end) end):raises("nil")
  end)

  it("may be one of depth", function()
    expect(function()
      orch.thread(function() local function f() return 1 + f() end f() end)
    end):raises("stack overflow")
    expect(orch.thread(function() return "alive" end)):equals("alive")
  end)
end)

describe("a cancelled worker", function()
  it("does not begin when cancelled before", function()
    local task = orch.spawn(orch.thread, function() while true do end end)
    task:cancel("early")
    expect(function() task:await() end):raises("cancelled")
  end)

  it("is stopped in flight, whatever it does", function()
    for _, fn in ipairs {
      function() while true do end end,
      function() while true do pcall(function() while true do end end) end end,
      function() coroutine.wrap(function() while true do end end)() end,
      function()
        while true do coroutine.resume(coroutine.create(function() while true do end end)) end
      end,
      function() local t = {} while true do t[#t + 1] = {} if #t > 1000 then t = {} end end end,
      function() while true do xpcall(function() while true do end end, tostring) end end,
      function()
        local n = setmetatable({}, { __index = function(_, k) while true do k = k end end })
        return n.x
      end,
      function() table.sort({ 3, 2, 1 }, function() while true do end end) end,
    } do
      local err = expect(function() orch.wait_for(orch.thread, 0.02, fn) end)
        :raises("timeout")
      expect(err.kind):equals("timeout")
    end
    expect(orch.thread(function() return "alive" end)):equals("alive")
  end)

  it("is dropped when it waits in the queue", function()
    local cores = require("orch.core.worker").cores()
    local marker = orch.fs.temp_dir() .. "/ran"
    local busy = {}
    for i = 1, cores do
      busy[i] = orch.spawn(orch.thread, function() while true do end end)
    end
    orch.sleep(0.01)
    local queued = orch.spawn(orch.thread, function(path)
      io.open(path, "w"):close()
    end, marker)
    orch.checkpoint()
    orch.checkpoint()
    queued:cancel("not needed")
    expect(function() queued:await() end):raises("cancelled")
    for i = 1, cores do
      busy[i]:cancel("done")
      expect(function() busy[i]:await() end):raises("cancelled")
    end
    orch.thread(function() end)
    expect(orch.fs.exists(marker)):falsy()
  end)

  it("keeps the order of those that wait", function()
    local started, tasks = {}, {}
    for i = 1, 6 do
      tasks[i] = orch.spawn(function()
        orch.thread(function() end)
        started[#started + 1] = i
      end)
    end
    for i = 1, 6 do tasks[i]:await() end
    table.sort(started)
    expect(started):equals { 1, 2, 3, 4, 5, 6 }
  end)
end)

describe("thread_map", function()
  it("keeps the order", function()
    local list, wanted = {}, {}
    for i = 1, 1000 do list[i], wanted[i] = i, { i, i * i } end
    expect(orch.thread_map(list, function(x, i) return { i, x * x } end)):equals(wanted)
    expect(orch.thread_map(list, function(x, i) return { i, x * x } end,
      { concurrency = 7 })):equals(wanted)
    expect(orch.thread_map({}, function() end)):equals {}
    expect(orch.thread_map({ 1, 2, 3 }, function(x) return x ~= 2 and x or nil end))
      :equals { 1, nil, 3 }
  end)

  it("keeps a worker's state from item to item", function()
    local counts = orch.thread_map({ 1, 2, 3, 4, 5, 6 }, function()
      seen = (seen or 0) + 1 -- luacheck: ignore
      return seen
    end, { concurrency = 1 })
    expect(counts):equals { 1, 2, 3, 4, 5, 6 }
  end)

  it("raises the first failure and stops the rest", function()
    local list = {}
    for i = 1, 64 do list[i] = i end
    local err = expect(function()
      orch.thread_map(list, function(x)
        if x == 1 then error("item one") end
        while true do end
      end)
    end):raises("item one")
    expect(err.traceback):contains("worker thread called from")
  end)

  it("collects every failure", function()
    local err = expect(function()
      orch.thread_map({ 1, 2, 3, 4, 5 }, function(x)
        if x % 2 == 0 then error("even " .. x, 0) end
        return x
      end, { collect = true })
    end):raises("even 2")
    expect(#err.suppressed):equals(1)
    expect(err.suppressed[1].message):equals("even 4")
    local list = {}
    for i = 1, 100 do list[i] = i end
    err = expect(function()
      orch.thread_map(list, function(x) error("item " .. x, 0) end, { collect = true })
    end):raises("item 1")
    for i, other in ipairs(err.suppressed) do
      expect(other.message):equals("item " .. i + 1)
    end
  end)

  it("names the item that cannot be copied", function()
    expect(function()
      orch.thread_map({ 1, 2, { f = io.stdout } }, function() end)
    end):raises("the list[3].f")
  end)

  it("tells how far it is", function()
    local last
    orch.thread_map({ 1, 2, 3, 4 }, function(x) return x end,
      { progress = function(done, total) last = { done, total } end })
    expect(last):equals { 4, 4 }
    orch.thread_map({ 1 }, function(x) return x end, { progress = "silent here" })
  end)

  it("can be cancelled", function()
    local early = orch.spawn(orch.thread_map, { 1 }, function() end)
    early:cancel("early")
    expect(function() early:await() end):raises("cancelled")
    expect(function()
      orch.wait_for(orch.thread_map, 0.02, { 1, 2, 3 }, function() while true do end end)
    end):raises("timeout")
  end)
end)
