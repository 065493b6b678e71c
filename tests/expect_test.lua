-- Expectations: what holds, what does not, and how a false one reads.

local function failure(fn)
  local ok, err = pcall(fn)
  if ok then error("the expectation held", 2) end
  return err
end

describe("expect", function()
  it("holds for what is so", function()
    local t = {}
    expect(1):equals(1):equals(1.0)
    expect({ 1, { a = t } }):equals { 1, { a = {} } }
    expect(0 / 0):equals(0 / 0)
    expect(t):is(t)
    expect("x"):truthy()
    expect(0):truthy()
    expect(nil):falsy()
    expect(false):falsy()
    expect(nil):is_nil()
    expect("deploy.lua"):matches("%.lua$")
    expect("deploy.lua"):contains(".lua")
    expect({ "a", { 2 } }):contains { 2 }
    expect(2):greater_than(1)
    expect(1):less_than(1.5)
    expect(0.1 + 0.2):near(0.3)
    expect(10):near(12, 2)
  end)

  it("knows types beyond Lua's", function()
    expect(1):is_a("integer"):is_a("number")
    expect(1.0):is_a("float")
    expect(1.0).never:is_a("integer")
    expect(nil):is_a("nil")
    expect(print):is_a("callable")
    expect(setmetatable({}, { __call = print })):is_a("callable")
    expect(orch.error.new { kind = "x" }):is_a("error")
    expect(function() expect(1):is_a("int") end):raises("usage")
  end)

  it("fails for what is not so, with kind and place", function()
    local err = failure(function() expect(1):equals(2) end)
    expect(err.kind):equals("expectation")
    expect(err.message):equals("expected 1 to equal 2")
    expect(err.where):matches("expect_test%.lua:%d+$")
    for _, wrong in ipairs {
      function() expect({}):is({}) end,
      function() expect(nil):truthy() end,
      function() expect(1):falsy() end,
      function() expect(false):is_nil() end,
      function() expect(1):is_a("string") end,
      function() expect("a"):matches("^b") end,
      function() expect(1):matches("1") end,
      function() expect("a"):contains("b") end,
      function() expect({ 1 }):contains(2) end,
      function() expect(1):contains(1) end,
      function() expect(1):greater_than(1) end,
      function() expect("a"):greater_than(1) end,
      function() expect(1):less_than(1) end,
      function() expect(1):near(2) end,
      function() expect(function() end):raises() end,
      function() expect(error):succeeds() end,
    } do
      expect(failure(wrong).kind):equals("expectation")
    end
  end)

  it("negates", function()
    expect(1).never:equals(2)
    expect(1).never.never:equals(1)
    expect({}).never:is {}
    expect("a").never:contains("b")
    expect(function() end).never:raises()
    local err = failure(function() expect(1).never:equals(1) end)
    expect(err.message):equals("expected 1 not to equal 1")
  end)

  it("says that another table has the same content", function()
    local err = failure(function() expect({ 1 }):is { 1 } end)
    expect(err.message):contains("same content")
  end)

  it("suggests the nearest expectation", function()
    local err = expect(function() expect(1):equal(1) end):raises("usage")
    expect(err.message):contains("did you mean 'equals'?")
  end)

  it("refuses wrong arguments", function()
    expect(function() expect("a"):matches(1) end):raises("usage")
    expect(function() expect(1):near("2") end):raises("usage")
    expect(function() expect(1):less_than(nil) end):raises("usage")
    expect(function() expect(print):raises(1) end):raises("usage")
  end)
end)

describe("raises", function()
  local function fails() orch.error { kind = "build", message = "no scene", n = 3 } end

  it("takes a kind, a pattern, fields or nothing", function()
    expect(fails):raises()
    expect(fails):raises("build")
    expect(fails):raises("no %a+")
    expect(fails):raises { kind = "build", n = 3 }
    expect(fails):raises { message = "no sc" }
  end)

  it("gives the error", function()
    expect(expect(fails):raises().n):equals(3)
    expect(expect(function() error("text", 0) end):raises()):equals("text")
    expect(expect(function() error() end):raises()):is_nil()
  end)

  it("takes a broken pattern as plain text", function()
    expect(function() error("100%", 0) end):raises("100%")
  end)

  it("says what was raised instead", function()
    local err = failure(function() expect(fails):raises { kind = "os", n = 4 } end)
    expect(err.diff):contains('kind "build", n 3, "no scene"')
    err = failure(function() expect(fails):raises("timeout") end)
    expect(err.diff):contains("no scene")
    err = failure(function() expect(fails).never:raises() end)
    expect(err.message):contains("no scene")
  end)

  it("may wait, and lets a cancellation pass", function()
    expect(function()
      orch.sleep(0)
      error("late")
    end):raises("late")
    local task = orch.spawn(function()
      expect(function() orch.sleep(60) end):raises()
      error("not reached")
    end)
    orch.checkpoint()
    task:cancel()
    expect(function() task:await() end):raises("cancelled")
  end)
end)

describe("succeeds", function()
  it("gives the results", function()
    local a, b, c = expect(function() return 1, nil, 3 end):succeeds()
    expect({ a, b or "nil", c }):equals { 1, "nil", 3 }
  end)

  it("says what was raised", function()
    local err = failure(function()
      expect(function() error("boom", 0) end):succeeds()
    end)
    expect(err.diff):contains("boom")
  end)
end)
