-- A queue: order, capacity, its end, and no value lost. (Under random cancellation:
-- lock_test.lua.)

local function turns(n) for _ = 1, n do orch.checkpoint() end end

local function drain(q)
  local list = {}
  for value in q:iter() do list[#list + 1] = value end
  return list
end

describe("a queue", function()
  it("gives what was put, oldest first, false included", function()
    local q = orch.queue()
    q:put "a"
    q:put(false)
    q:put "c"
    expect(q:size()):equals(3)
    expect(#q):equals(3)
    expect({ q:get(), q:get(), q:get() }):equals { "a", false, "c" }
    expect(q:size()):equals(0)
  end)

  it("without a size takes everything at once", function()
    local q = orch.queue()
    for i = 1, 1000 do q:put(i) end
    q:close()
    expect(#drain(q)):equals(1000)
  end)

  it("makes getters wait, and serves them in their order", function()
    local q, got = orch.queue(), {}
    local tasks = {}
    for i = 1, 3 do tasks[i] = orch.spawn(function() got[i] = q:get() end) end
    turns(3)
    for _, value in ipairs { "x", "y", "z" } do q:put(value) end
    orch.gather(tasks)
    expect(got):equals { "x", "y", "z" }
  end)

  it("makes putters wait while it is full, and serves them in their order", function()
    local q, put = orch.queue(1), {}
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = orch.spawn(function()
        q:put(i)
        put[#put + 1] = i
      end)
    end
    turns(4)
    expect(put):equals { 1 }
    expect({ q:get(), q:get(), q:get(), q:get() }):equals { 1, 2, 3, 4 }
    orch.gather(tasks)
    expect(put):equals { 1, 2, 3, 4 }
  end)

  it("lets nobody overtake a putter who has been promised a place", function()
    local q = orch.queue(1)
    q:put "first"
    local waiting = orch.spawn(q.put, q, "second")
    turns(3)
    local got = orch.spawn(q.get, q)
    local late = orch.spawn(q.put, q, "third")
    expect(got:await()):equals "first"
    expect({ q:get(), q:get() }):equals { "second", "third" }
    orch.gather(waiting, late)
  end)

  it("wakes the next putter too when a value goes straight to a getter", function()
    local q, got = orch.queue(1), {}
    local tasks = {}
    for i = 1, 6 do tasks[i] = orch.spawn(q.put, q, i) end
    for _ = 1, 3 do
      tasks[#tasks + 1] = orch.spawn(function()
        for _ = 1, 2 do
          local value = q:get() -- got[#got + 1] = q:get() would read #got too early
          got[#got + 1] = value
        end
      end)
    end
    orch.gather(tasks)
    expect(got):equals { 1, 2, 3, 4, 5, 6 }
  end)

  it("keeps its place for a putter cancelled between promise and run", function()
    local q = orch.queue(1)
    q:put "a"
    local putter = orch.spawn(q.put, q, "b")
    turns(3)
    expect(q:get()):equals "a"
    putter:cancel()
    expect(q:get()):equals "b" -- it had been promised the place already
    putter:join()
  end)

  it("loses nothing to those who are cancelled while they wait", function()
    local q = orch.queue(1)
    local getter = orch.spawn(q.get, q)
    turns(3)
    getter:cancel()
    q:put "kept"
    local putter = orch.spawn(q.put, q, "never")
    turns(3)
    putter:cancel()
    expect(q:get()):equals "kept"
    expect(q:size()):equals(0)
  end)

  it("cancelled before it starts puts and takes nothing", function()
    local q = orch.queue()
    q:put "there"
    for _, call in ipairs { "put", "get" } do
      orch.spawn({ hold = true }, function()
        orch.current_task():cancel()
        q[call](q, "x")
      end):join()
    end
    expect(q:size()):equals(1)
  end)
end)

describe("a closed queue", function()
  it("drains; then iter ends and get raises kind closed", function()
    local q = orch.queue()
    q:put(1)
    q:put(2)
    q:close()
    q:close()
    expect(q:get()):equals(1)
    expect(drain(q)):equals { 2 }
    expect(drain(q)):equals {}
    expect(function() q:get() end):raises { kind = "closed", message = "queue:get: the queue is closed" }
    expect(function() q:put(3) end):raises { kind = "closed", message = "queue:put: the queue is closed" }
  end)

  it("tells those who wait: getters, loops and putters", function()
    local q, full, seen = orch.queue(), orch.queue(1), {}
    full:put "stays"
    local tasks = {
      orch.spawn(function() for _ in q:iter() do error "unreachable" end seen[1] = "loop" end),
      orch.spawn({ hold = true }, q.get, q),
      orch.spawn({ hold = true }, full.put, full, "lost"),
    }
    turns(3)
    q:close()
    full:close()
    tasks[1]:await()
    expect(seen):equals { "loop" }
    expect(function() tasks[2]:await() end):raises "closed"
    expect(function() tasks[3]:await() end):raises "closed"
    expect(drain(full)):equals { "stays" }
  end)

  it("shares its end among several loops", function()
    local q, seen = orch.queue(2), {}
    local workers = {}
    for i = 1, 3 do
      workers[i] = orch.spawn(function()
        for value in q:iter() do
          seen[#seen + 1] = value
          turns(value % 3)
        end
      end)
    end
    for i = 1, 20 do q:put(i) end
    q:close()
    orch.gather(workers)
    table.sort(seen)
    expect(#seen):equals(20)
    expect({ seen[1], seen[20] }):equals { 1, 20 }
  end)
end)

describe("a queue's arguments", function()
  it("are named when wrong", function()
    expect(function() orch.queue(0) end):raises "queue: argument 1 should be at least 1, not 0"
    expect(function() orch.queue "big" end):raises "queue: argument 1 should be a whole number"
    expect(function() orch.queue():put(nil) end):raises {
      kind = "usage", message = "queue:put: nil cannot be put into a queue" }
  end)
end)
