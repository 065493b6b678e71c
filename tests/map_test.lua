-- map and each: one function over many items, under a cap.

local function forever() orch.sleep(1e9) end

describe("map", function()
  it("gives fn(item, index) in the list's order, whatever ends first", function()
    local results = orch.map({ 3, 2, 1 }, function(item, i)
      for _ = 1, item do orch.checkpoint() end
      return item * 10 + i
    end)
    expect(results):equals { 31, 22, 13 }
  end)

  it("keeps holes where fn gives nil, and takes an empty list", function()
    expect(orch.map({ 1, 2, 3 }, function(i) return i ~= 2 and i or nil end)):equals { 1, [3] = 3 }
    expect(orch.map({}, print)):equals {}
  end)

  it("runs 16 at once, or as many as were asked for", function()
    local function most_at_once(opts)
      local now, most = 0, 0
      local list = {}
      for i = 1, 40 do list[i] = i end
      orch.map(list, function()
        now = now + 1
        most = math.max(most, now)
        orch.checkpoint()
        now = now - 1
      end, opts)
      return most
    end
    expect(most_at_once()):equals(16)
    expect(most_at_once { concurrency = 1 }):equals(1)
    expect(most_at_once { concurrency = 100 }):equals(40)
  end)

  it("the first failure cancels the others and comes out itself", function()
    local mine, cleaned, started = { kind = "mine" }, 0, 0
    local err = expect(function()
      orch.map({ 1, 2, 3, 4 }, function(i)
        started = started + 1
        local _ <close> = orch.defer(function() orch.checkpoint() cleaned = cleaned + 1 end)
        if i == 2 then error(mine) end
        forever()
      end, { concurrency = 2 })
    end):raises()
    expect(err):is(mine)
    expect({ started, cleaned }):equals { 2, 2 }
  end)

  it("collect runs all, then raises once with every error", function()
    local finished = {}
    local err = expect(function()
      orch.map({ 1, 2, 3, 4 }, function(i)
        if i % 2 == 0 then error({ kind = "even", message = "item " .. i }) end
        finished[#finished + 1] = i
      end, { collect = true, concurrency = 1 })
    end):raises { kind = "even", message = "item 2" }
    expect(err.suppressed[1].message):equals "item 4"
    expect(finished):equals { 1, 3 }
  end)

  it("raises when somebody cancelled one of its calls alone", function()
    expect(function()
      orch.map({ 1, 2 }, function(i)
        if i == 1 then orch.current_task():cancel() end
        orch.checkpoint()
      end)
    end):raises { kind = "cancelled", message = "map: 1 of 2 calls were cancelled" }
  end)

  it("tells progress after each", function()
    local told = {}
    orch.map({ "a", "b" }, orch.checkpoint, {
      progress = function(done, total) told[#told + 1] = done .. "/" .. total end })
    expect(told):equals { "1/2", "2/2" }
    orch.map({ 1 }, orch.checkpoint, { progress = "with a label" })
  end)

  it("cancelled before it starts runs nothing; in flight it joins all", function()
    local seen = {}
    local function one(i)
      seen[#seen + 1] = i
      local _ <close> = orch.defer(function() orch.checkpoint() seen[#seen + 1] = -i end)
      forever()
    end
    orch.spawn({ hold = true }, function()
      orch.current_task():cancel()
      orch.map({ 1 }, one)
    end):join()
    expect(seen):equals {}
    local t = orch.spawn({ hold = true }, orch.map, { 1, 2, 3 }, one, { concurrency = 2 })
    for _ = 1, 5 do orch.checkpoint() end
    t:cancel()
    t:join()
    expect(seen):equals { 1, 2, -1, -2 }
  end)

  it("names wrong arguments and options", function()
    expect(function() orch.map("x", print) end):raises "map: argument 1 should be a table"
    expect(function() orch.map({}, 5) end):raises "map: argument 2 should be a function"
    expect(function() orch.map({}, print, { concurrency = 0 }) end):raises "at least 1, not 0"
    expect(function() orch.map({}, print, { colect = true }) end):raises {
      kind = "usage", message = "map has no option `colect`; did you mean `collect`?" }
  end)
end)

describe("each", function()
  it("is map without results, under its own name", function()
    local sum = 0
    expect(select("#", orch.each({ 1, 2, 3 }, function(i) sum = sum + i end))):equals(0)
    expect(sum):equals(6)
    expect(function() orch.each({}, 5) end):raises "each: argument 2 should be a function"
  end)

  it("refuses a table with names and no items", function()
    local err = expect(function() orch.map({ a = 1 }, print) end):raises "usage"
    expect(err.message):contains "should be a list"
  end)
end)
