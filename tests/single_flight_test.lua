-- single_flight and once: one run for many callers.

local function turns(n) for _ = 1, n do orch.checkpoint() end end
local unique = 0

local function new_key()
  unique = unique + 1
  return "key " .. unique
end

--- A function that counts its runs and waits in each.
local function counted(result)
  local runs = { n = 0 }
  return function()
    runs.n = runs.n + 1
    turns(4)
    if type(result) == "table" then error(result) end
    return result, nil, runs.n
  end, runs
end

local function callers(n, call)
  local tasks = {}
  for i = 1, n do tasks[i] = orch.spawn({ name = "caller " .. i, hold = true }, call) end
  return tasks
end

describe("single_flight", function()
  it("shares one run and all its results among those who call meanwhile", function()
    local key, fn, runs = new_key(), counted "value"
    local tasks = callers(3, function() return orch.single_flight(key, fn) end)
    for _, t in ipairs(tasks) do expect({ t:await() }):equals { "value", nil, 1 } end
    expect(runs.n):equals(1)
  end)

  it("remembers nothing afterwards, and keys do not mix", function()
    local key, fn, runs = new_key(), counted "value"
    orch.single_flight(key, fn)
    orch.single_flight(key, fn)
    expect(runs.n):equals(2)
    orch.gather { { orch.single_flight, new_key(), fn }, { orch.single_flight, {}, fn } }
    expect(runs.n):equals(4)
  end)

  it("raises the very same error in every caller, and does not remember it", function()
    local key, mine = new_key(), { kind = "mine" }
    local fn, runs = counted(mine)
    local tasks = callers(3, function() return orch.single_flight(key, fn) end)
    for _, t in ipairs(tasks) do
      expect(expect(function() t:await() end):raises()):is(mine)
    end
    pcall(orch.single_flight, key, fn)
    expect(runs.n):equals(2)
  end)

  it("goes on with the next caller's run when the first is cancelled", function()
    local key, fn, runs = new_key(), counted "value"
    local tasks = callers(3, function()
      local value = orch.single_flight(key, fn)
      return value
    end)
    turns(3)
    expect(orch.task_tree()):matches "caller 2: waits for the run that caller 1 has started %(.-:%d+%)"
    tasks[1]:cancel()
    expect(tasks[2]:await()):equals "value"
    expect(tasks[3]:await()):equals "value"
    expect(runs.n):equals(2)
    expect(tasks[1]:result()):equals(false)
  end)

  it("passes the lead on when the next one is cancelled as well, before it ran", function()
    local key, fn, runs = new_key(), counted "value"
    local tasks = callers(4, function() return orch.single_flight(key, fn) end)
    turns(3)
    tasks[1]:cancel()
    tasks[1]:join()
    tasks[2]:cancel()
    expect(tasks[3]:await()):equals "value"
    expect(tasks[4]:await()):equals "value"
    expect(tasks[2]:result()):equals(false)
    expect(runs.n <= 3):equals(true)
  end)

  it("a cancelled waiter leaves the run alone", function()
    local key, fn, runs = new_key(), counted "value"
    local tasks = callers(2, function() return orch.single_flight(key, fn) end)
    turns(3)
    tasks[2]:cancel()
    expect(tasks[1]:await()):equals "value"
    tasks[2]:join()
    expect(runs.n):equals(1)
  end)

  it("is over when all callers are cancelled: the next call runs anew", function()
    local key, fn, runs = new_key(), counted "value"
    local tasks = callers(2, function() return orch.single_flight(key, fn) end)
    turns(3)
    for _, t in ipairs(tasks) do t:cancel() end
    for _, t in ipairs(tasks) do t:join() end
    expect(orch.single_flight(key, fn)):equals "value"
    expect(runs.n <= 3):equals(true)
  end)

  it("called from its own run raises deadlock at once", function()
    local key = new_key()
    local err = expect(function()
      orch.single_flight(key, function() orch.single_flight(key, print) end)
    end):raises "deadlock"
    expect(err.message):matches "started %(.-:%d+%) waits for itself %(.-:%d+%)"
  end)

  it("names wrong arguments", function()
    expect(function() orch.single_flight(nil, print) end):raises "single_flight: argument 1 should be a key, not nil"
    expect(function() orch.single_flight("k") end):raises "single_flight: argument 2 should be a function, not nil"
  end)
end)

describe("once", function()
  it("runs at the first call and remembers all results", function()
    local fn, runs = counted "value"
    local get = orch.once(fn)
    expect(runs.n):equals(0)
    expect({ get() }):equals { "value", nil, 1 }
    expect({ get() }):equals { "value", nil, 1 }
    expect(runs.n):equals(1)
  end)

  it("shares the run among those who call meanwhile, also one that gives nothing", function()
    local runs = 0
    local get = orch.once(function() runs = runs + 1 orch.checkpoint() end)
    orch.gather(get, get, get)
    expect(select("#", get())):equals(0)
    expect(runs):equals(1)
  end)

  it("does not remember a failure, nor a cancelled run", function()
    local calls = 0
    local get = orch.once(function()
      calls = calls + 1
      if calls == 1 then orch.error { kind = "boom" } end
      if calls == 2 then orch.sleep(1e9) end
      return calls
    end)
    expect(get):raises "boom"
    local t = orch.spawn({ hold = true }, get)
    turns(3)
    t:cancel()
    t:join()
    expect(get()):equals(3)
    expect(get()):equals(3)
  end)

  it("is a checkpoint also when it remembers", function()
    local get, other = orch.once(function() return 1 end), false
    get()
    orch.spawn(function() other = true end)
    expect(get()):equals(1)
    expect(other):equals(true)
  end)

  it("wants a function", function()
    expect(function() orch.once() end):raises "once: argument 1 should be a function, not nil"
  end)
end)
