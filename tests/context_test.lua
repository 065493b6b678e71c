-- context: task-local values.

describe("a context", function()
  it("gives its default until it is set, and again after the block", function()
    local v = orch.context("name", "default")
    expect(v:get()):equals "default"
    do
      local _ <close> = v:set "outer"
      do
        local _ <close> = v:set "inner"
        expect(v:get()):equals "inner"
      end
      expect(v:get()):equals "outer"
    end
    expect(v:get()):equals "default"
  end)

  it("may be false, and nil is the default again", function()
    local v = orch.context("flag", true)
    local _ <close> = v:set(false)
    expect(v:get()):equals(false)
    local _ <close> = v:set(nil)
    expect(v:get()):equals(true)
  end)

  it("is inherited at spawn, and from then on each task has its own", function()
    local v = orch.context("tenant", "none")
    local _ <close> = v:set "parent"
    local seen = {}
    local t = orch.spawn(function()
      seen[1] = v:get()
      local _ <close> = v:set "child"
      orch.checkpoint()
      seen[2] = v:get()
      seen[3] = orch.spawn(v.get, v):await()
    end)
    local _ <close> = v:set "changed after spawn"
    t:await()
    expect(seen):equals { "parent", "child", "child" }
    expect(v:get()):equals "changed after spawn"
  end)

  it("is restored on an error and on a cancellation", function()
    local v = orch.context("x", 0)
    pcall(function()
      local _ <close> = v:set(1)
      error "boom"
    end)
    expect(v:get()):equals(0)
    local after
    local t = orch.spawn({ hold = true }, function()
      local _ <close> = orch.defer(function() after = v:get() end)
      local _ <close> = v:set(2)
      orch.sleep(1e9)
    end)
    orch.checkpoint()
    orch.checkpoint()
    t:cancel()
    t:join()
    expect(after):equals(0)
  end)

  it("keeps values with the same name apart", function()
    local a, b = orch.context("same", "a"), orch.context("same", "b")
    local _ <close> = a:set "changed"
    expect(b:get()):equals "b"
  end)

  it("reaches what gather, map and generators run", function()
    local v = orch.context("deep", 0)
    local _ <close> = v:set(7)
    expect(orch.gather { { v.get, v } }):equals { 7 }
    expect(orch.map({ 1 }, function() return v:get() end)):equals { 7 }
    expect(coroutine.wrap(function() orch.checkpoint() return v:get() end)()):equals(7)
  end)

  it("wants a name", function()
    expect(function() orch.context() end):raises "context: argument 1 should be a string, not nil"
  end)
end)
