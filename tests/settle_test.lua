-- settle: every outcome as data.

local mine = { kind = "mine", message = "on purpose" }
local function fails() error(mine) end
local function works(x) orch.checkpoint() return x end

describe("settle", function()
  it("gives every outcome under its key; nothing is cancelled", function()
    local outcomes = orch.settle { good = { works, 1 }, bad = fails, { works } }
    expect(outcomes.good):equals { ok = true, value = 1 }
    expect(outcomes[1]):equals { ok = true }
    expect(outcomes.bad.ok):equals(false)
    expect(outcomes.bad.error):is(mine)
  end)

  it("takes functions in a row too", function()
    local outcomes = orch.settle(fails, works)
    expect(outcomes[1].ok):equals(false)
    expect(outcomes[2].ok):equals(true)
  end)

  it("holds what was cancelled by somebody else as kind cancelled", function()
    local t = orch.spawn(orch.sleep, 1e9)
    local outcomes = orch.settle { t, function() t:cancel "late" orch.checkpoint() end }
    expect(outcomes[1].error.kind):equals "cancelled"
    expect(outcomes[1].error.reason):equals "late"
  end)

  it("raises when the caller is cancelled, and then reports no failure as unseen", function()
    local t = orch.spawn({ hold = true }, function()
      orch.settle { fails, { orch.sleep, 1e9 } }
    end)
    for _ = 1, 4 do orch.checkpoint() end
    t:cancel()
    expect(function() t:await() end):raises "cancelled"
  end)

  it("obeys concurrency and refuses what is no entry", function()
    local order = {}
    local function note(name) order[#order + 1] = name orch.checkpoint() order[#order + 1] = name end
    orch.settle({ { note, 1 }, { note, 2 } }, { concurrency = 1 })
    expect(order):equals { 1, 1, 2, 2 }
    expect(orch.settle {}):equals {}
    expect(function() orch.settle { works(1) } end):raises {
      kind = "usage", message = "settle: entry 1 is the number 1, not a function" }
    expect(function() orch.settle({ works }, { timeout = 1 }) end):raises "settle has no option `timeout`"
  end)
end)
